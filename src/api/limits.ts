/** Every bound of the FHIR API, with its unit; `main` may lower or raise them from the configuration. */

export interface ApiLimits {
  readonly maxUrlBytes: number
  readonly maxBodyBytes: number
  /** Nested objects and arrays of a JSON body. */
  readonly maxJsonDepth: number
  readonly maxSearchParameters: number
  /** Alternatives (comma) over all parameters of one search. */
  readonly maxSearchValues: number
  readonly defaultPageSize: number
  readonly maxPageSize: number
  readonly searchTimeoutMs: number
  /** Versions of one resource that a history reads. */
  readonly maxHistory: number
}

export const DEFAULT_API_LIMITS: ApiLimits = {
  maxUrlBytes: 8 * 1024,
  maxBodyBytes: 1024 * 1024,
  maxJsonDepth: 64,
  maxSearchParameters: 20,
  maxSearchValues: 100,
  defaultPageSize: 50,
  maxPageSize: 200,
  searchTimeoutMs: 2000,
  maxHistory: 1000,
}

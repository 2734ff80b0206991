/** The search parameters OneDoor serves: one table behind the index, the query parser and `/metadata`. */
import { R4, ROWS, type Row } from './search-parameter-rows.js'

export type SearchKind = 'token' | 'reference' | 'date' | 'string'

/** Columns of their own in the store; every other token and reference lives in `tokens`. */
export type SearchColumn = 'status' | 'owner' | 'authored' | 'born' | 'case'

export interface SearchParameter {
  readonly name: string
  readonly kind: SearchKind
  /** Elements below the resource, dotted; lists are flattened. */
  readonly paths: readonly string[]
  /** Canonical URL of its definition. */
  readonly definition: string
  readonly column?: SearchColumn
  /** Types a reference may point at; absent = any, so the value has to name its type. */
  readonly targets?: readonly string[]
  /** The parameter whose index entries it reads, when it only narrows that one (`patient` of `subject`). */
  readonly indexedAs?: string
  /** Indexes only references to `targets`, where one element serves several parameters. */
  readonly narrows?: true
  /** One value stands on a handful of resources (an identifier, a patient), so a search may start from it. */
  readonly rare?: true
  /** The code system a `code` element is bound to: its instances carry none. */
  readonly system?: string
}

/** Our own parameters have definitions of our own. */
const OURS = 'https://onedoor.dev/fhir/SearchParameter/'

/** Which case a resource belongs to: the id of the case's ServiceRequest. */
const CASE: SearchParameter = {
  name: 'case',
  kind: 'token',
  paths: [],
  definition: `${OURS}case`,
  column: 'case',
}

/** Kept once for the whole deployment, so they belong to no case. */
const DIRECTORY = new Set(['Organization', 'HealthcareService', 'Location', 'Endpoint'])

const complete = (type: string, rows: readonly Row[]): ReadonlyMap<string, SearchParameter> => {
  const full = rows.map((row) => ({ ...row, definition: row.definition ?? `${R4}${type}-${row.name}` }))
  const all = DIRECTORY.has(type) ? full : [...full, CASE]
  return new Map(all.map((parameter) => [parameter.name, parameter]))
}

/** Type -> parameter name -> parameter. A Map, so that a name from outside never meets a prototype. */
export const SEARCH_PARAMETERS: ReadonlyMap<string, ReadonlyMap<string, SearchParameter>> = new Map(
  Object.entries(ROWS).map(([type, rows]) => [type, complete(type, rows)]),
)

/** Resource types the API reads and searches. */
export const SEARCHED_TYPES: readonly string[] = [...SEARCH_PARAMETERS.keys()]

/** Shape of `deployment.yaml` and the pieces every file of a deployment shares.
 *  The `default` shown to editors is the one the loader applies: both read `DEFAULTS`. */

/** What a field gets when the file leaves it out. Every limit and delay is finite. */
export const DEFAULTS = {
  processingIds: ['P'],
  duplicateWindowHours: 24,
  bodyTimeoutMs: 10_000,
  mllpTimeoutMs: 30_000,
  hl7v2Version: '2.5.1',
  retry: {
    firstDelayMs: 1_000,
    maxDelayMs: 300_000,
    maxAttempts: 20,
    breakerFailures: 5,
    breakerOpenMs: 30_000,
  },
  category: 'validation',
  answerWithinMinutes: 120,
} as const

/** A value that differs from run to run, taken from the environment. */
export interface EnvRef<T> {
  readonly env: string
  readonly default?: T
}

export interface DeploymentEntry {
  readonly name: string
  readonly timeZone: string
  readonly accessPoint: string
  readonly publicUrl?: string | EnvRef<string>
  readonly postcodes?: { readonly unitLength: number }
}

/** A FHIR id (at most 64 characters) with room for the suffix of what is made from it. */
export const ID_PATTERN = '^[a-z0-9][a-z0-9.-]{0,47}$'

export const text = (description: string): object => ({ type: 'string', minLength: 1, description })

export const idOf = (description: string): object => ({ type: 'string', pattern: ID_PATTERN, description })

export const flag = (description: string, fallback: boolean): object => ({
  type: 'boolean',
  description,
  default: fallback,
})

export const wholeNumber = (description: string, minimum: number, maximum: number, extra = {}): object => ({
  type: 'integer',
  minimum,
  maximum,
  description,
  ...extra,
})

export const listOf = (items: object, description: string, extra = {}): object => ({
  type: 'array',
  items,
  description,
  ...extra,
})

export const record = (
  description: string,
  required: readonly string[],
  properties: Readonly<Record<string, object>>,
): object => ({ type: 'object', description, required, properties, additionalProperties: false })

/** Entries under their own ids: `{ucr-leicester: {...}}`. */
export const byId = (entry: object, description: string): object => ({
  type: 'object',
  description,
  propertyNames: {
    pattern: ID_PATTERN,
    description:
      'an id of lower-case letters, digits, `-` and `.`, at most 48, beginning with a letter or digit',
  },
  additionalProperties: entry,
})

/** The value itself, or `{env: NAME, default: VALUE}`. `if` instead of `oneOf` keeps each complaint to the form
 *  the author meant. */
export const orEnv = (value: object, description: string): object => ({
  description,
  if: { type: 'object' },
  then: record('the name of an environment variable and the value when it is not set', ['env'], {
    env: {
      type: 'string',
      pattern: '^[A-Z][A-Z0-9_]*$',
      description: 'an environment variable such as `ONEDOOR_UCR_URL`',
    },
    default: value,
  }),
  else: value,
})

export const IDENTIFIER = record('an identifier of the organisation or service', ['system', 'value'], {
  system: {
    type: 'string',
    pattern: '^(https?://|urn:)\\S+$',
    description: 'a URI, `https://...` or `urn:...`',
  },
  value: text('the identifier as text'),
})

export const DEPLOYMENT_SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'OneDoor deployment.yaml',
  ...record('The place: its name, zone and single point of access', ['name', 'timeZone', 'accessPoint'], {
    name: text('the name of the place as people know it'),
    timeZone: text('an IANA time zone such as `Europe/London`'),
    accessPoint: idOf('the id of the partner that is the single point of access'),
    publicUrl: orEnv(
      text('an absolute http or https URL'),
      'Base URL under which the gateway is reached from outside; its own address when absent',
    ),
    postcodes: record('How postcodes are built here', ['unitLength'], {
      unitLength: wholeNumber(
        'how many last characters of a postcode are the unit within its area (`LE1 6TH`: 3); 0 to 8',
        0,
        8,
      ),
    }),
  }),
}

/** Shape of `partners/*.yaml`: who takes part, how each sends and how each receives. */
import {
  byId,
  DEFAULTS,
  flag,
  idOf,
  IDENTIFIER,
  listOf,
  orEnv,
  record,
  text,
  wholeNumber,
  type EnvRef,
} from './schema.js'
import type { PartnerIdentifier } from './types.js'

export interface PartnerEntry {
  readonly name: string
  readonly organization?: string
  readonly identifiers?: readonly PartnerIdentifier[]
  readonly timeZone?: string
  readonly sends?: SendsEntry
  readonly receives?: ReceivesEntry
}

export interface SendsEntry {
  readonly hl7v2?: {
    readonly applications: readonly { readonly application: string; readonly facility?: string }[]
    readonly processingIds?: readonly string[]
    readonly duplicateWindowHours?: number
    readonly overlays?: readonly string[]
    readonly messageTypes?: readonly string[]
  }
  readonly bars?: { readonly serviceIds: readonly string[] }
  readonly fhir?: Readonly<Record<string, never>>
}

export interface RetryEntry {
  readonly firstDelayMs?: number
  readonly maxDelayMs?: number
  readonly maxAttempts?: number | 'unlimited'
  readonly breakerFailures?: number
  readonly breakerOpenMs?: number
}

interface ReceivesEntryBase {
  readonly timeoutMs?: number
  readonly retry?: RetryEntry
}

export interface HttpEntry extends ReceivesEntryBase {
  readonly url: string | EnvRef<string>
}

export interface MllpEntry extends ReceivesEntryBase {
  readonly channel: 'hl7v2'
  readonly host: string | EnvRef<string>
  readonly port: number | EnvRef<number>
  readonly application: string
  readonly facility: string
  readonly version?: string
  readonly discardsRepeats?: boolean
}

export type ReceivesEntry =
  | (HttpEntry & { readonly channel: 'bars'; readonly serviceId: string })
  | (HttpEntry & { readonly channel: 'fhir' })
  | MllpEntry

const MS_PER_DAY = 86_400_000

const RETRY = record('When a delivery that was provably not accepted is tried again', [], {
  firstDelayMs: wholeNumber('the wait before the second attempt, 1 ms to one day', 1, MS_PER_DAY, {
    default: DEFAULTS.retry.firstDelayMs,
  }),
  maxDelayMs: wholeNumber('the longest wait between attempts, 1 ms to one day', 1, MS_PER_DAY, {
    default: DEFAULTS.retry.maxDelayMs,
  }),
  maxAttempts: {
    if: { type: 'string' },
    then: { enum: ['unlimited'] },
    else: wholeNumber('attempts before a person is asked, 1 to 10,000, or `unlimited`', 1, 10_000),
    description: 'Attempts before the delivery goes before a person, or `unlimited`',
    default: DEFAULTS.retry.maxAttempts,
  },
  breakerFailures: wholeNumber(
    'failures in a row after which the receiver is left in peace, 1 to 1,000',
    1,
    1000,
    {
      default: DEFAULTS.retry.breakerFailures,
    },
  ),
  breakerOpenMs: wholeNumber('how long it is left in peace, 1 ms to one day', 1, MS_PER_DAY, {
    default: DEFAULTS.retry.breakerOpenMs,
  }),
})

const timeout = (fallback: number): object =>
  wholeNumber('how long one attempt may take, 1 ms to 10 minutes', 1, 600_000, { default: fallback })

const URL_FIELD = orEnv(text('an absolute http or https URL'), 'Base URL of the receiver, or {env: NAME}')

const RECEIVES = {
  description: 'How it receives. Left out: nothing can be delivered to it and a person makes contact.',
  type: 'object',
  discriminator: { propertyName: 'channel' },
  oneOf: [
    record('A BaRS receiver', ['channel', 'url', 'serviceId'], {
      channel: { const: 'bars' },
      url: URL_FIELD,
      serviceId: text('the service id it answers for, as text'),
      timeoutMs: timeout(DEFAULTS.bodyTimeoutMs),
      retry: RETRY,
    }),
    record('A plain FHIR server', ['channel', 'url'], {
      channel: { const: 'fhir' },
      url: URL_FIELD,
      timeoutMs: timeout(DEFAULTS.bodyTimeoutMs),
      retry: RETRY,
    }),
    record('An HL7 v2 listener over MLLP', ['channel', 'host', 'port', 'application', 'facility'], {
      channel: { const: 'hl7v2' },
      host: orEnv(text('a host name or address'), 'Host of the listener, or {env: NAME}'),
      port: orEnv(
        wholeNumber('a TCP port, 1 to 65535', 1, 65_535),
        'Port of the listener, or {env: NAME, default: NUMBER}',
      ),
      application: text('the receiving application (MSH-5)'),
      facility: text('the receiving facility (MSH-6)'),
      version: {
        enum: ['2.3', '2.3.1', '2.4', '2.5', '2.5.1', '2.6', '2.7', '2.8'],
        default: DEFAULTS.hl7v2Version,
      },
      discardsRepeats: flag('true when it discards a repeated MSH-10', false),
      timeoutMs: timeout(DEFAULTS.mllpTimeoutMs),
      retry: RETRY,
    }),
  ],
}

const HL7V2_SENDS = record('HL7 v2 messages it sends', ['applications'], {
  applications: listOf(
    record('One pair of MSH-3 and MSH-4', ['application'], {
      application: text('the sending application (MSH-3.1)'),
      facility: { type: 'string', description: 'the sending facility (MSH-4.1); empty = any' },
    }),
    'The names it signs with; at least one',
    { minItems: 1 },
  ),
  processingIds: listOf({ enum: ['P', 'T', 'D'] }, 'MSH-11 values taken from it', {
    minItems: 1,
    uniqueItems: true,
    default: DEFAULTS.processingIds,
  }),
  duplicateWindowHours: wholeNumber(
    'for how many hours another body under the same MSH-10 is a conflict, 0 to 8,760',
    0,
    8760,
    { default: DEFAULTS.duplicateWindowHours },
  ),
  overlays: listOf(text('the name of a mapping overlay'), 'Mapping overlays, applied in order', {
    uniqueItems: true,
    default: [],
  }),
  messageTypes: listOf(
    {
      type: 'string',
      pattern: '^[A-Z0-9]{3}\\^[A-Z0-9]{3}$',
      description: 'a message type and event such as `REF^I12`',
    },
    'Message types it may send; every mapped one when absent',
    { minItems: 1, uniqueItems: true },
  ),
})

const PARTNER = record('One partner', ['name'], {
  name: text('the name of the partner as people know it'),
  organization: idOf('the id of another partner or of an Organization under `resources` that it belongs to'),
  identifiers: listOf(IDENTIFIER, 'What the organisation is known by', { default: [] }),
  timeZone: text('an IANA time zone such as `Europe/London`, for its times without an offset'),
  sends: record('How it sends', [], {
    hl7v2: HL7V2_SENDS,
    bars: record('BaRS messages it sends', ['serviceIds'], {
      serviceIds: listOf(text('a service id as text'), 'The ids it signs with (MessageHeader.source)', {
        minItems: 1,
        uniqueItems: true,
      }),
    }),
    fhir: record('Plain FHIR REST', [], {}),
  }),
  receives: RECEIVES,
})

export const PARTNERS_SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'OneDoor partners/*.yaml',
  ...record('Partners by their ids', ['partners'], { partners: byId(PARTNER, 'Partners by their ids') }),
}

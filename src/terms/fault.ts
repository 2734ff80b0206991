/** Every way OneDoor can refuse or fail, with what each wire answers. `docs/errors.md` explains each one. */

import type { Issue } from './issue.js'

/** What a failed step means for whoever holds the message:
 *  `retry`  it was provably not accepted: sending it again is safe;
 *  `unsure` it may have arrived: repeat only under a key the receiver honours, else a person decides;
 *  `never`  the message itself is refused: sending the same bytes again cannot help. */
export type FaultClass = 'retry' | 'unsure' | 'never'

/** `AE`: the sender may correct and resend; `AR`: the message was refused unread (HL7 v2.5.1 ch. 2.9.2). */
export type AckCode = 'AE' | 'AR'

export interface Meaning {
  readonly class: FaultClass
  /** HL7 v2 answer; null where the sender already has its answer. */
  readonly ack: AckCode | null
  readonly http: number
  /** FHIR R4 IssueType. */
  readonly issue: string
  /** HL7 table 0357 code for ERR-3. */
  readonly err: string
}

export const FAULTS = {
  // Frames and bytes
  'frame-too-large': { class: 'never', ack: 'AR', http: 413, issue: 'too-long', err: '207' },
  'frame-incomplete': { class: 'never', ack: 'AE', http: 400, issue: 'structure', err: '100' },
  'frame-missing': { class: 'never', ack: 'AE', http: 400, issue: 'structure', err: '100' },
  'frame-empty': { class: 'never', ack: 'AE', http: 400, issue: 'structure', err: '100' },
  'character-set-unknown': { class: 'never', ack: 'AE', http: 400, issue: 'not-supported', err: '207' },
  'characters-invalid': { class: 'never', ack: 'AE', http: 400, issue: 'structure', err: '102' },
  // HL7 v2 structure
  'msh-missing': { class: 'never', ack: 'AR', http: 400, issue: 'structure', err: '100' },
  'msh-too-short': { class: 'never', ack: 'AR', http: 400, issue: 'structure', err: '100' },
  'separators-invalid': { class: 'never', ack: 'AR', http: 400, issue: 'structure', err: '102' },
  'segment-invalid': { class: 'never', ack: 'AE', http: 400, issue: 'structure', err: '100' },
  'message-id-missing': { class: 'never', ack: 'AR', http: 400, issue: 'required', err: '101' },
  'message-too-large': { class: 'never', ack: 'AR', http: 413, issue: 'too-long', err: '207' },
  'message-type-unsupported': { class: 'never', ack: 'AR', http: 422, issue: 'not-supported', err: '200' },
  'event-unsupported': { class: 'never', ack: 'AR', http: 422, issue: 'not-supported', err: '201' },
  'version-unsupported': { class: 'never', ack: 'AR', http: 422, issue: 'not-supported', err: '203' },
  'processing-id-refused': { class: 'never', ack: 'AR', http: 422, issue: 'business-rule', err: '202' },
  'sender-unknown': { class: 'never', ack: 'AR', http: 403, issue: 'security', err: '207' },
  'batch-refused': { class: 'never', ack: 'AR', http: 422, issue: 'not-supported', err: '207' },
  // Translation and content
  'required-missing': { class: 'never', ack: 'AE', http: 422, issue: 'required', err: '101' },
  'value-invalid': { class: 'never', ack: 'AE', http: 422, issue: 'value', err: '102' },
  'patient-ambiguous': { class: 'never', ack: 'AE', http: 422, issue: 'business-rule', err: '207' },
  'mapping-failed': { class: 'never', ack: 'AE', http: 422, issue: 'processing', err: '207' },
  'resource-invalid': { class: 'never', ack: 'AE', http: 422, issue: 'invalid', err: '207' },
  'duplicate-conflict': { class: 'never', ack: 'AE', http: 409, issue: 'duplicate', err: '205' },
  'case-unknown': { class: 'never', ack: 'AE', http: 404, issue: 'not-found', err: '204' },
  'case-ambiguous': { class: 'never', ack: 'AE', http: 409, issue: 'multiple-matches', err: '207' },
  'case-closed': { class: 'never', ack: 'AE', http: 409, issue: 'conflict', err: '207' },
  'transition-refused': { class: 'never', ack: 'AE', http: 422, issue: 'business-rule', err: '207' },
  // The store
  'store-busy': { class: 'retry', ack: 'AE', http: 503, issue: 'transient', err: '206' },
  'store-unavailable': { class: 'retry', ack: 'AE', http: 503, issue: 'transient', err: '207' },
  'version-conflict': { class: 'retry', ack: 'AE', http: 409, issue: 'conflict', err: '206' },
  // FHIR and HTTP
  'json-invalid': { class: 'never', ack: null, http: 400, issue: 'structure', err: '207' },
  'resource-unknown': { class: 'never', ack: null, http: 404, issue: 'not-found', err: '204' },
  'resource-gone': { class: 'never', ack: null, http: 410, issue: 'deleted', err: '204' },
  'type-unsupported': { class: 'never', ack: null, http: 404, issue: 'not-supported', err: '200' },
  'method-unsupported': { class: 'never', ack: null, http: 405, issue: 'not-supported', err: '207' },
  'media-type-unsupported': { class: 'never', ack: null, http: 415, issue: 'not-supported', err: '207' },
  'not-acceptable': { class: 'never', ack: null, http: 406, issue: 'not-supported', err: '207' },
  'parameter-unknown': { class: 'never', ack: null, http: 400, issue: 'not-supported', err: '207' },
  'parameter-invalid': { class: 'never', ack: null, http: 400, issue: 'value', err: '207' },
  'url-too-long': { class: 'never', ack: null, http: 414, issue: 'too-long', err: '207' },
  'header-invalid': { class: 'never', ack: null, http: 400, issue: 'required', err: '207' },
  'too-costly': { class: 'never', ack: null, http: 400, issue: 'too-costly', err: '207' },
  'message-repeated': { class: 'never', ack: null, http: 409, issue: 'duplicate', err: '205' },
  'workflow-unknown': { class: 'never', ack: null, http: 400, issue: 'invariant', err: '207' },
  'not-implemented': { class: 'never', ack: null, http: 501, issue: 'not-supported', err: '200' },
  'still-processing': { class: 'retry', ack: null, http: 425, issue: 'duplicate', err: '206' },
  'access-refused': { class: 'never', ack: null, http: 403, issue: 'forbidden', err: '207' },
  // Delivery: the sender had its answer already, so none of these has an ACK code
  'receiver-refused-connection': { class: 'retry', ack: null, http: 502, issue: 'transient', err: '207' },
  'receiver-busy': { class: 'retry', ack: null, http: 503, issue: 'throttled', err: '207' },
  'receiver-silent': { class: 'unsure', ack: null, http: 504, issue: 'timeout', err: '207' },
  'receiver-cut-off': { class: 'unsure', ack: null, http: 502, issue: 'incomplete', err: '207' },
  'receiver-answer-unreadable': { class: 'unsure', ack: null, http: 502, issue: 'structure', err: '207' },
  'receiver-rejected': { class: 'never', ack: null, http: 502, issue: 'processing', err: '207' },
  'receiver-unknown': { class: 'never', ack: null, http: 500, issue: 'not-found', err: '207' },
  'delivery-exhausted': { class: 'never', ack: null, http: 502, issue: 'timeout', err: '207' },
  // Deployment
  'config-invalid': { class: 'never', ack: null, http: 500, issue: 'invalid', err: '207' },
  'deployment-invalid': { class: 'never', ack: null, http: 500, issue: 'invalid', err: '207' },
  'mapping-invalid': { class: 'never', ack: null, http: 500, issue: 'invalid', err: '207' },
  'internal-error': { class: 'retry', ack: 'AE', http: 500, issue: 'exception', err: '207' },
} as const satisfies Record<string, Meaning>

export type FaultCode = keyof typeof FAULTS

export interface FaultOptions extends ErrorOptions {
  readonly issues?: readonly Issue[]
  readonly retryAfterMs?: number
}

/** A refusal or failure. `message` says what was found, what was expected and what to do, without patient data;
 *  `where` is the place in the sender's own words (`PID-3.1`, `byte 212`, `Task.status`). */
export class Fault extends Error {
  override readonly name = 'Fault'

  /** Every finding, where there was more than one; the first is the message's own. */
  readonly issues: readonly Issue[]
  /** How long a busy receiver asked to be left alone. */
  readonly retryAfterMs: number | undefined

  constructor(
    readonly code: FaultCode,
    message: string,
    readonly where = '',
    options: FaultOptions = {},
  ) {
    super(message, options)
    this.issues = options.issues ?? []
    this.retryAfterMs = options.retryAfterMs
  }

  get meaning(): Meaning {
    return FAULTS[this.code]
  }
}

/** Any thrown value as a Fault; what was not one becomes `internal-error` with the cause kept. */
export function asFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown
  return new Fault('internal-error', 'An unexpected error stopped the work; the log has its cause.', '', {
    cause: thrown,
  })
}

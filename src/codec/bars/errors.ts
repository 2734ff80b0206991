/** Every refusal as BaRS words it: HTTP status, REC_ code and FHIR issue type (BaRS section 5, receiver side). */
import type { OperationOutcome } from 'fhir/r4.js'
import type { Fault, FaultCode } from '../../terms/fault.js'
import { OUTCOME_PROFILE, SYSTEM } from './terms.js'

interface BarsError {
  readonly http: number
  readonly code: string
  readonly issue: OperationOutcome['issue'][number]['code']
}

const row = (http: number, code: string, issue: BarsError['issue']): BarsError => ({ http, code, issue })

const INVARIANT = row(400, 'REC_BAD_REQUEST', 'invariant')
const CHANGED = row(409, 'REC_CONFLICT', 'conflict')
const UNSUPPORTED = row(422, 'REC_UNPROCESSABLE_ENTITY', 'not-supported')
const DOWN = row(503, 'REC_UNAVAILABLE', 'transient')

/** Issue `duplicate` with 409 is kept for "this very message was processed": senders take it for success. */
const BARS: Partial<Record<FaultCode, BarsError>> = {
  'message-id-missing': row(400, 'REC_BAD_REQUEST', 'invalid'),
  'header-invalid': row(400, 'REC_BAD_REQUEST', 'required'),
  'parameter-invalid': row(400, 'REC_BAD_REQUEST', 'value'),
  'value-invalid': row(400, 'REC_BAD_REQUEST', 'value'),
  'json-invalid': row(400, 'REC_BAD_REQUEST', 'structure'),
  'characters-invalid': row(400, 'REC_BAD_REQUEST', 'structure'),
  'required-missing': INVARIANT,
  'workflow-unknown': INVARIANT,
  'resource-invalid': INVARIANT,
  'sender-unknown': row(401, 'REC_UNAUTHORIZED', 'security'),
  'access-refused': row(401, 'REC_UNAUTHORIZED', 'forbidden'),
  'case-unknown': row(404, 'REC_NOT_FOUND', 'not-found'),
  'resource-unknown': row(404, 'REC_NOT_FOUND', 'not-found'),
  'method-unsupported': row(405, 'REC_METHOD_NOT_ALLOWED', 'not-supported'),
  'not-acceptable': row(406, 'REC_NOT_ACCEPTABLE', 'processing'),
  'receiver-silent': row(408, 'REC_TIMEOUT', 'timeout'),
  'message-repeated': row(409, 'REC_CONFLICT', 'duplicate'),
  'duplicate-conflict': CHANGED,
  'case-closed': CHANGED,
  'case-ambiguous': CHANGED,
  'transition-refused': CHANGED,
  'version-conflict': CHANGED,
  'media-type-unsupported': row(415, 'REC_UNSUPPORTED_MEDIA_TYPE', 'not-supported'),
  // No REC_ code exists for 413, so the size is a content the service cannot process.
  'message-too-large': row(422, 'REC_UNPROCESSABLE_ENTITY', 'too-long'),
  'version-unsupported': UNSUPPORTED,
  'event-unsupported': UNSUPPORTED,
  'message-type-unsupported': UNSUPPORTED,
  'still-processing': row(425, 'REC_TOO_EARLY', 'duplicate'),
  'not-implemented': row(501, 'REC_NOT_IMPLEMENTED', 'not-supported'),
  'store-busy': DOWN,
  'store-unavailable': DOWN,
}

const UNEXPECTED = row(500, 'REC_SERVER_ERROR', 'exception')

export interface BarsRefusal {
  readonly status: number
  readonly outcome: OperationOutcome
}

/** Diagnostics are the fault's own words: no patient data, no stack. */
export function barsRefusal(fault: Fault): BarsRefusal {
  const { http, code, issue } = BARS[fault.code] ?? UNEXPECTED
  const where = fault.where === '' ? '' : ` (${fault.where})`
  return {
    status: http,
    outcome: {
      resourceType: 'OperationOutcome',
      meta: { profile: [OUTCOME_PROFILE] },
      issue: [
        {
          severity: 'error',
          code: issue,
          details: { coding: [{ system: SYSTEM.httpError, code, display: `${http} - ${code}` }] },
          diagnostics: `${fault.message}${where}`,
        },
      ],
    },
  }
}

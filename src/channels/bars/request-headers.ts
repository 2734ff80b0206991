/** The headers of a BaRS request, checked before its body is looked at (BaRS section 3). */
import type { Request } from 'express'
import { acceptedVersion, decodeHeader } from '../../codec/bars/headers.js'
import { CORE_MAJOR, CORE_VERSION, HEADER } from '../../codec/bars/terms.js'
import { Fault } from '../../terms/fault.js'
import { isUuid } from '../../terms/uuid.js'

export interface ExchangeIds {
  readonly requestId: string
  readonly correlationId: string
}

/** Both ids name the message: without them nothing can be told from a repeat. */
export function requireIds(request: Request): ExchangeIds {
  return {
    requestId: uuidOf(request, HEADER.requestId),
    correlationId: uuidOf(request, HEADER.correlationId),
  }
}

function uuidOf(request: Request, name: string): string {
  const value = request.get(name)
  if (value === undefined || value === '') {
    throw new Fault('message-id-missing', `The header ${name} is missing; expected a UUID.`, name)
  }
  if (isUuid(value)) return value.toLowerCase()
  throw new Fault(
    'parameter-invalid',
    `The header ${name} is not a UUID; make a new one for each message.`,
    name,
  )
}

/** Major versions that differ do not understand each other (BaRS section 12). */
export function requireVersion(request: Request): void {
  const accept = request.get('accept')
  if (accept === undefined || accept === '') return
  const media = /(^|,)\s*(\*\/\*|application\/(\*|fhir\+json|json))\s*(;|,|$)/i
  const version = acceptedVersion(accept)
  if (media.test(accept) && (version === undefined || version.split('.')[0] === CORE_MAJOR)) return
  const text = `Expected Accept: application/fhir+json; version=${CORE_VERSION} or another ${CORE_MAJOR}.x.`
  throw new Fault('not-acceptable', text, 'Accept')
}

export function requireJson(request: Request): void {
  const type = (request.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase()
  if (type === 'application/fhir+json' || type === 'application/json') return
  throw new Fault('media-type-unsupported', 'Expected Content-Type: application/fhir+json.', 'Content-Type')
}

/** The NHSD-* headers are the proxy's to demand; what is sent must at least be readable. */
export function requireReadable(request: Request): void {
  for (const name of [HEADER.organisation, HEADER.practitioner, HEADER.software]) {
    const value = request.get(name)
    if (value !== undefined) decodeHeader(name, value)
  }
}

/** The service the proxy was asked for, when the header came through. */
export function targetServiceId(request: Request): string | undefined {
  const value = request.get(HEADER.target)
  if (value === undefined) return undefined
  const target = decodeHeader(HEADER.target, value)
  if (typeof target['system'] === 'string' && typeof target['value'] === 'string') return target['value']
  const text = `The header ${HEADER.target} needs system and value; expected a bare Identifier.`
  throw new Fault('parameter-invalid', text, HEADER.target)
}

/** $process-message: a receiving service's answer, checked in the order BaRS gives (section 7), recorded in one
 *  commit, echoed. */
import { createHash } from 'node:crypto'
import type { Bundle } from 'fhir/r4.js'
import { readBarsMessage, requireDefinition, type BarsMessage } from '../../codec/bars/message.js'
import type { Deployment, Partner } from '../../directory/types.js'
import type { Clock, NewId, ReceiveAnswer } from '../../flow/ports.js'
import { Fault } from '../../terms/fault.js'
import { parseJson, utf8Text } from '../../wire/http-json.js'
import { answerOf } from './answer.js'
import type { ExchangeIds } from './request-headers.js'
import { serviceIdsOf } from './service-ids.js'

/** Major versions of the Applications this gateway reads (Bundle.meta.versionId). */
const APPLICATION_MAJORS = ['1', '2']

export interface Processing {
  readonly deployment: Deployment
  readonly receiveAnswer: ReceiveAnswer
  readonly now: Clock
  readonly newId: NewId
  readonly maxJsonDepth: number
}

export interface Incoming {
  readonly ids: ExchangeIds
  readonly raw: Uint8Array
  /** NHSD-Target-Identifier, when it came through. */
  readonly target: string | undefined
}

/** The reply, already committed with the case. Throws Fault for everything that is refused. */
export async function processMessage(incoming: Incoming, processing: Processing): Promise<Uint8Array> {
  const message = readBarsMessage(parseJson(utf8Text(incoming.raw), processing.maxJsonDepth))
  requireApplicationVersion(message)
  requireMine(message, incoming.target, processing.deployment)
  requireEvent(message)
  const correlation = requireResponse(message)
  const answer = answerOf(message)
  requireDefinition(message)
  const from = senderOf(message, processing.deployment)
  const reply = Buffer.from(JSON.stringify(withIds(message.bundle, processing.newId)), 'utf8')
  const outcome = await processing.receiveAnswer({
    message: {
      id: processing.newId(),
      channel: 'bars',
      sender: from.id,
      messageId: messageIdOf(incoming.ids),
      bodyHash: createHash('sha256').update(incoming.raw).digest('hex'),
      kind: message.event,
      raw: incoming.raw,
      receivedAt: processing.now(),
      answer: reply,
      // A pair of ids is used once, for ever (BaRS section 3).
      duplicateWindowMs: Number.MAX_SAFE_INTEGER,
    },
    from,
    correlation,
    conversation: incoming.ids.correlationId,
    answer,
  })
  if (outcome.kind === 'recorded') return reply
  if (outcome.kind === 'duplicate') {
    throw new Fault(
      'message-repeated',
      'This message was processed before; nothing was done again.',
      'X-Request-Id',
    )
  }
  const text = 'These two ids came before with another body; a new message needs a new X-Request-Id.'
  throw new Fault('duplicate-conflict', text, 'X-Request-Id')
}

export const messageIdOf = ({ requestId, correlationId }: ExchangeIds): string =>
  `${requestId}/${correlationId}`

function requireApplicationVersion({ version }: BarsMessage): void {
  if (/^\d+\.\d+\.\d+/.test(version) && APPLICATION_MAJORS.includes(version.split('.')[0] ?? '')) return
  const text = `This application version is not read here; expected ${APPLICATION_MAJORS.join('.x or ')}.x.`
  throw new Fault('version-unsupported', text, 'Bundle.meta.versionId')
}

function requireMine(message: BarsMessage, target: string | undefined, deployment: Deployment): void {
  const accessPoint = deployment.partners.get(deployment.accessPoint)
  const own = accessPoint === undefined ? [] : serviceIdsOf(accessPoint)
  const named = [message.destinationServiceId, ...(target === undefined ? [] : [target])]
  if (named.every((id) => id !== undefined && own.includes(id))) return
  const text =
    'The message is for a service this gateway does not have; check the destination and send it there.'
  throw new Fault('resource-unknown', text, 'MessageHeader.destination.endpoint')
}

/** Requests are standard but not offered on this face: neither metadata nor MessageDefinition lists them, so a
 *  sender that looked first never gets here. The endpoint itself exists, hence 422 and not 501. */
function requireEvent({ event }: BarsMessage): void {
  if (event === 'servicerequest-response') return
  if (event === 'servicerequest-request' || event === 'booking-request') {
    const text = `No service here takes ${event}; GET /MessageDefinition lists what is taken.`
    throw new Fault('event-unsupported', text, 'MessageHeader.eventCoding')
  }
  throw new Fault(
    'workflow-unknown',
    'Found an event BaRS does not define for exchange.',
    'MessageHeader.eventCoding',
  )
}

function requireResponse({ responseIdentifier }: BarsMessage): string {
  if (responseIdentifier !== undefined) return responseIdentifier
  const text = 'The message does not say which request it answers; expected the Bundle.id of that request.'
  throw new Fault('required-missing', text, 'MessageHeader.response.identifier')
}

/** The service id a partner signs with (MessageHeader.source), as the deployment lists it. */
function senderOf({ sourceServiceId }: BarsMessage, deployment: Deployment): Partner {
  for (const partner of deployment.partners.values()) {
    if (sourceServiceId !== undefined && serviceIdsOf(partner).includes(sourceServiceId)) return partner
  }
  const text =
    'The source endpoint is not a service id of a known partner; ask the access point to register it.'
  throw new Fault('sender-unknown', text, 'MessageHeader.source.endpoint')
}

/** The synchronous reply is the request itself with an id wherever the sender left it to us (BaRS section 6). */
const withIds = (bundle: Bundle, newId: NewId): Bundle => ({
  ...bundle,
  entry: (bundle.entry ?? []).map((entry) =>
    entry.resource === undefined || entry.resource.id !== undefined
      ? entry
      : { ...entry, resource: { ...entry.resource, id: newId() } },
  ),
})

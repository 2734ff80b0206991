/** HL7 v2 bytes in, one answer out: decode, process, one commit, and only then the positive answer.
 *  Whatever fails is kept in quarantine with its bytes before the negative answer goes out. */
import { buildAck, type AckCode, type AckError } from '../codec/hl7v2/ack.js'
import { isBatch } from '../codec/hl7v2/batch.js'
import { bodyHash } from '../codec/hl7v2/fingerprint.js'
import type { Message } from '../codec/hl7v2/message.js'
import { parseMessage, requireHeader } from '../codec/hl7v2/parse.js'
import type { Partner } from '../directory/types.js'
import { controlIdOf } from '../terms/control-id.js'
import { asFault, Fault } from '../terms/fault.js'
import { msBetween, type Instant } from '../terms/instant.js'
import { isError } from '../terms/issue.js'
import type { Gateway } from './gateway.js'
import { processMessage } from './process.js'
import { duplicateWindowMsOf, requireMessageType, requireProcessingId, senderOf } from './sender.js'

/** ERR segments in one answer: enough to mend a message, few enough to read. */
const MAX_ERRORS = 10

/** Never throws: every message gets exactly one answer. */
export async function receive(raw: Uint8Array, gateway: Gateway): Promise<Uint8Array> {
  const receivedAt = gateway.clock()
  let message: Message | undefined
  let sender: Partner | undefined
  try {
    refuseBatch(raw)
    message = parseMessage(raw, gateway.hl7Limits)
    requireHeader(message)
    sender = senderOf(message, gateway.deployment, gateway.acceptUnregistered)
    requireProcessingId(message, sender)
    requireMessageType(message, sender)
    return await accept(message, raw, sender, receivedAt, gateway)
  } catch (thrown) {
    return refuse(asFault(thrown), { raw, receivedAt, message, sender }, gateway)
  }
}

/** Bytes that never became a message: a frame cut off, too large or not HL7 at all. */
export async function refuseFrame(fault: Fault, raw: Uint8Array, gateway: Gateway): Promise<Uint8Array> {
  return refuse(fault, { raw, receivedAt: gateway.clock() }, gateway)
}

/** One answer belongs to one message: a batch would need one for each (HL7 v2.5.1 ch. 2.10.3). */
function refuseBatch(raw: Uint8Array): void {
  if (!isBatch(raw)) return
  throw new Fault(
    'batch-refused',
    'Found a batch (FHS, BHS) or more than one MSH; expected one message in a frame. Send each message by itself.',
    'MSH',
  )
}

async function accept(
  message: Message,
  raw: Uint8Array,
  sender: Partner,
  receivedAt: Instant,
  gateway: Gateway,
): Promise<Uint8Array> {
  const mode = acknowledgement(message, sender)
  const ack = (code: AckCode): Uint8Array =>
    buildAck({ original: message, code, controlId: controlIdOf(gateway.newId()), now: receivedAt })
  const answer = ack(mode.accepted)
  const incoming = {
    id: gateway.newId(),
    channel: 'mllp',
    sender: sender.id,
    messageId: message.controlId ?? '',
    bodyHash: bodyHash(message),
    kind: message.messageType,
    raw,
    receivedAt,
    answer,
    duplicateWindowMs: duplicateWindowMsOf(sender),
  }
  const later = mode.later ? { applicationAck: ack('AA') } : {}
  const done = await processMessage({ message, sender, incoming, ...later }, gateway)
  gateway.observe.answered({
    channel: 'mllp',
    kind: incoming.kind,
    code: done.kind === 'duplicate' ? 'duplicate' : mode.accepted,
    caseId: done.caseId,
    messageId: incoming.id,
    durationMs: msBetween(receivedAt, gateway.clock()),
  })
  return done.kind === 'duplicate' ? (done.answer ?? answer) : answer
}

/** Enhanced mode (MSH-15 or MSH-16 valued) with a partner that listens: commit answer now, application answer
 *  by the outbox. Everyone else gets the one application answer. Source: HL7 v2.5.1 ch. 2.9.3. */
function acknowledgement(message: Message, sender: Partner): { accepted: AckCode; later: boolean } {
  const wantsCommit = ['AL', 'SU'].includes(message.get('MSH-15') ?? '')
  const wantsApplication = !['NE', 'ER', ''].includes(message.get('MSH-16') ?? '')
  if (wantsCommit && hears(sender)) return { accepted: 'CA', later: wantsApplication }
  return { accepted: 'AA', later: false }
}

const hears = (sender: Partner | undefined): boolean => sender?.receives?.channel === 'hl7v2'

/** How far a refused input was understood. */
interface Refused {
  readonly raw: Uint8Array
  readonly receivedAt: Instant
  readonly message?: Message | undefined
  readonly sender?: Partner | undefined
}

async function refuse(fault: Fault, refused: Refused, gateway: Gateway): Promise<Uint8Array> {
  const { raw, receivedAt, message } = refused
  const id = gateway.newId()
  const answer = negative(fault, refused, gateway)
  let given = fault
  let bytes = answer
  try {
    if (!isStoreFault(fault)) {
      await gateway.store.quarantine({
        id,
        channel: 'mllp',
        sender: `${message?.get('MSH-3.1') ?? ''}|${message?.get('MSH-4.1') ?? ''}`,
        messageId: message?.controlId ?? null,
        receivedAt,
        raw,
        fault: fault.code,
        where: fault.where,
        text: fault.message,
        answer,
      })
    }
  } catch (thrown) {
    given = asFault(thrown)
    bytes = negative(given, refused, gateway)
  }
  if (given.code === 'internal-error') gateway.observe.failed('message-failed', given.cause)
  gateway.observe.answered({
    channel: 'mllp',
    kind: kindOf(message),
    code: given.meaning.ack ?? 'AE',
    fault: given.code,
    where: given.where,
    messageId: id,
    durationMs: msBetween(receivedAt, gateway.clock()),
  })
  return bytes
}

/** MSH-9 for the log, where it looks like a message type: a sender may have written anything into it. */
function kindOf(message: Message | undefined): string {
  const type = message?.messageType ?? ''
  return /^[A-Z][A-Z0-9]{2}(?:\^[A-Z]\d{2})?$/.test(type) ? type : 'unreadable'
}

/** Nothing can be kept when the store is what failed: the sender still has the message and sends it again. */
const isStoreFault = (fault: Fault): boolean =>
  fault.code === 'store-busy' || fault.code === 'store-unavailable'

function negative(fault: Fault, { raw, receivedAt, message, sender }: Refused, gateway: Gateway): Uint8Array {
  const application = fault.meaning.ack ?? 'AE'
  const isCommit = ['AL', 'ER'].includes(message?.get('MSH-15') ?? '') && hears(sender)
  return buildAck({
    original: message ?? raw,
    code: isCommit ? COMMIT_CODE[application] : application,
    controlId: controlIdOf(gateway.newId()),
    now: receivedAt,
    text: fault.message,
    errors: errorsOf(fault),
  })
}

const COMMIT_CODE = { AE: 'CE', AR: 'CR' } as const

export function errorsOf(fault: Fault): readonly AckError[] {
  const own: AckError = {
    location: fault.where,
    hl7Code: fault.meaning.err,
    severity: 'E',
    text: fault.message,
  }
  const found = fault.issues.filter(isError).map((issue): AckError => ({
    location: issue.where,
    hl7Code: fault.meaning.err,
    severity: 'E',
    text: issue.text,
  }))
  return (found.length === 0 ? [own] : found).slice(0, MAX_ERRORS)
}

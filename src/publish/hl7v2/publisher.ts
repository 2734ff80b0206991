/** Replies to senders that speak HL7 v2: RRI for what became of a referral, and the application acknowledgement of
 *  enhanced mode. One connection per receiver, one message in flight on it. */
import type { Organization, Patient, ServiceRequest, Task } from 'fhir/r4.js'
import { parseMessage } from '../../codec/hl7v2/parse.js'
import type { ReceivesHl7v2 } from '../../directory/types.js'
import type { Publisher, RenderContext, SendResult } from '../../flow/ports.js'
import type { CaseRecord, Delivery, RenderedDelivery } from '../../store/types.js'
import { controlIdOf } from '../../terms/control-id.js'
import { Fault } from '../../terms/fault.js'
import type { ReplyReason, ReplyWriter } from '../../translate/reply.js'
import { MllpClient } from '../../wire/mllp-client.js'
import { readContext, type ReplyContext } from './context.js'

const CONTENT_TYPE = 'application/hl7-v2'

export interface Hl7v2Publisher extends Publisher {
  close(): Promise<void>
}

export function createHl7v2Publisher(writeReply: ReplyWriter): Hl7v2Publisher {
  const clients = new Map<string, MllpClient>()
  return {
    channel: 'hl7v2',
    repeatsSafely: (receives) => receives.channel === 'hl7v2' && receives.discardsRepeats,
    render: (delivery, record, context) => {
      if (delivery.kind === 'ack') return renderedAck(delivery)
      if (delivery.kind === 'reply') return renderedReply(delivery, record, context, writeReply)
      const text = `HL7 v2 receivers get replies and acknowledgements; found a delivery of kind ${delivery.kind}.`
      throw new Fault('event-unsupported', text, 'Delivery.kind')
    },
    send: async (message, receives, signal) => {
      if (receives.channel !== 'hl7v2') {
        const text = `An HL7 v2 message cannot go to a ${receives.channel} receiver.`
        throw new Fault('deployment-invalid', text, 'receives')
      }
      return outcomeOf(await clientFor(clients, receives).send(message.body, signal))
    },
    close: async () => {
      for (const client of clients.values()) client.close()
    },
  }
}

function clientFor(clients: Map<string, MllpClient>, receives: ReceivesHl7v2): MllpClient {
  const { host, port, timeoutMs } = receives
  const key = `${host}:${port}`
  const known = clients.get(key)
  if (known !== undefined) return known
  const client = new MllpClient({ host, port, connectTimeoutMs: timeoutMs, answerTimeoutMs: timeoutMs })
  clients.set(key, client)
  return client
}

/** MSA-1: AA and CA took it; every other answer refused this very message (HL7 v2.5.1 ch. 2.9). */
function outcomeOf(answer: Uint8Array): SendResult {
  const code = parseMessage(answer).get('MSA-1') ?? 'nothing'
  if (code === 'AA' || code === 'CA') return { answer, says: { kind: 'received' } }
  throw new Fault('receiver-rejected', `The receiver answered ${code}; its log says why.`, 'MSA-1')
}

/** The acknowledgement was written when the message was committed; only its sending was left. */
function renderedAck({ context }: Delivery): RenderedDelivery {
  const { message } = context
  if (typeof message !== 'string') {
    throw new Fault('required-missing', 'The acknowledgement to be sent is not there.', 'Delivery.context')
  }
  const body = Buffer.from(message, 'base64')
  return { body, contentType: CONTENT_TYPE, headers: {}, correlation: parseMessage(body).controlId ?? '' }
}

function renderedReply(
  delivery: Delivery,
  record: CaseRecord,
  context: RenderContext,
  writeReply: ReplyWriter,
): RenderedDelivery {
  const { receives } = context.receiver
  if (receives?.channel !== 'hl7v2') {
    throw new Fault('receiver-unknown', 'The sender of the referral has no HL7 v2 listener.', 'receives')
  }
  const reply = readContext(delivery)
  const controlId = controlIdOf(context.newId())
  const task = find<Task>(record, 'Task', delivery.subject) ?? coordinatorOf(record)
  const provider = ownerOf(task, context)
  const body = writeReply({
    event: reply.origin.event,
    version: receives.version,
    controlId,
    now: context.now,
    processingId: reply.origin.processingId,
    sending: { application: reply.origin.application, facility: reply.origin.facility },
    receiving: { application: receives.application, facility: receives.facility },
    originalControlId: reply.origin.controlId,
    serviceRequest: required<ServiceRequest>(record, 'ServiceRequest', record.caseId),
    task: { ...task, status: TASK_STATUS[reply.status] },
    patient: required<Patient>(record, 'Patient', (task.for?.reference ?? '').replace('Patient/', '')),
    ...(provider === undefined ? {} : { provider }),
    reasons: reasonsOf(reply),
    notes: [],
  })
  return { body, contentType: CONTENT_TYPE, headers: {}, correlation: controlId }
}

/** The status the sender is told, whatever the Task has become since. */
const TASK_STATUS = {
  accepted: 'accepted',
  pending: 'requested',
  rejected: 'rejected',
  completed: 'completed',
} as const satisfies Record<ReplyContext['status'], Task['status']>

function reasonsOf({ reason }: ReplyContext): ReplyReason[] {
  if (reason === undefined) return []
  const [coding] = reason.codings
  return [
    {
      text: reason.text,
      ...(coding?.code === undefined ? {} : { code: coding.code }),
      ...(coding?.system === undefined ? {} : { system: coding.system }),
    },
  ]
}

/** The organisation behind the offer; the access point's own Task names no provider. */
function ownerOf(task: Task, { deployment }: RenderContext): Organization | undefined {
  const id = task.owner?.reference?.replace('Organization/', '')
  const accessPoint = deployment.partners.get(deployment.accessPoint)?.organization
  if (id === undefined || id === accessPoint) return undefined
  return deployment.resources.find(
    (resource): resource is Organization & { id: string } =>
      resource.resourceType === 'Organization' && resource.id === id,
  )
}

function coordinatorOf(record: CaseRecord): Task {
  const found = record.resources.find(
    (resource): resource is Task => resource.resourceType === 'Task' && resource.partOf === undefined,
  )
  if (found === undefined) throw new Fault('required-missing', 'The case has no coordinating Task.', 'Task')
  return found
}

function find<T extends ServiceRequest | Patient | Task>(
  record: CaseRecord,
  type: T['resourceType'],
  id: string,
): T | undefined {
  const found = record.resources.find((resource) => resource.resourceType === type && resource.id === id)
  // The type was just compared.
  return found as T | undefined
}

function required<T extends ServiceRequest | Patient>(
  record: CaseRecord,
  type: T['resourceType'],
  id: string,
): T {
  const found = find<T>(record, type, id)
  if (found === undefined)
    throw new Fault('required-missing', `The case has no ${type} to reply about.`, type)
  return found
}

/** Who sent an HL7 v2 message: the partner whose MSH-3 and MSH-4 it carries. */
import type { Message } from '../codec/hl7v2/message.js'
import type { Deployment, Partner } from '../directory/types.js'
import { Fault } from '../terms/fault.js'

const DAY_MS = 86_400_000

/** The registered partner, or a stand-in for a stranger where strangers are taken.
 *  Throws Fault `sender-unknown`. */
export function senderOf(message: Message, deployment: Deployment, acceptUnregistered: boolean): Partner {
  const application = message.get('MSH-3.1') ?? ''
  const facility = message.get('MSH-4.1') ?? ''
  const known = registered(deployment, application, facility)
  if (known !== undefined) return known
  if (!acceptUnregistered) {
    throw new Fault(
      'sender-unknown',
      'MSH-3 and MSH-4 name no partner of this deployment; ask its operator to add them to partners/.',
      'MSH-3',
    )
  }
  return stranger(application, facility)
}

/** The zone of its times that carry no offset. */
export const zoneOf = (partner: Partner, deployment: Deployment): string =>
  partner.timeZone ?? deployment.timeZone

/** Throws Fault `processing-id-refused` for training and debugging messages (HL7 table 0103). */
export function requireProcessingId(message: Message, sender: Partner): void {
  const allowed = sender.sends.hl7v2?.processingIds ?? ['P']
  if (allowed.includes(message.processingId ?? 'P')) return
  throw new Fault(
    'processing-id-refused',
    `Found a processing id other than ${allowed.join(', ')}; test messages never reach live services. Send it to a test gateway.`,
    'MSH-11',
  )
}

/** Throws Fault `event-unsupported` for what this partner does not send, where its entry names what it does. */
export function requireMessageType(message: Message, sender: Partner): void {
  const allowed = sender.sends.hl7v2?.messageTypes
  if (allowed === undefined || allowed.includes(message.messageType)) return
  throw new Fault(
    'event-unsupported',
    `This partner sends ${allowed.join(', ')}; send one of these, or ask the operator to add the type.`,
    'MSH-9',
  )
}

export const duplicateWindowMsOf = (sender: Partner): number =>
  sender.sends.hl7v2?.duplicateWindowMs ?? DAY_MS

function registered(deployment: Deployment, application: string, facility: string): Partner | undefined {
  const index = indexOf(deployment)
  return index.get(`${application}|${facility}`) ?? index.get(`${application}|`)
}

const indexes = new WeakMap<Deployment, ReadonlyMap<string, Partner>>()

function indexOf(deployment: Deployment): ReadonlyMap<string, Partner> {
  let index = indexes.get(deployment)
  if (index === undefined) {
    const entries = [...deployment.partners.values()].flatMap((partner) =>
      (partner.sends.hl7v2?.applications ?? []).map(({ application, facility }): [string, Partner] => [
        `${application}|${facility}`,
        partner,
      ]),
    )
    index = new Map(entries)
    indexes.set(deployment, index)
  }
  return index
}

function stranger(application: string, facility: string): Partner {
  const id = `unregistered:${application}|${facility}`
  return { id, name: `${application} ${facility}`.trim(), organization: '', identifiers: [], sends: {} }
}

/** A decoded HL7 v2 message -> a case made or changed. Translate, validate, decide: pure; then one commit. */
import type { Task } from 'fhir/r4.js'
import type { Message } from '../codec/hl7v2/message.js'
import type { CaseState } from '../referral/case.js'
import { businessStatus } from '../referral/codes.js'
import { coordinatorOf, requestOf, type Draft } from '../referral/parts.js'
import type { CommitOutcome } from '../store/types.js'
import { Fault, FAULTS, type FaultCode } from '../terms/fault.js'
import { isError, type Issue } from '../terms/issue.js'
import { localise } from '../translate/localise.js'
import type { Translation } from '../translate/translation.js'
import { openCase, referenceTo } from './change-case.js'
import { changeByMessage } from './change-by-message.js'
import type { Gateway } from './gateway.js'
import { causeOf, settle, type Processed, type Received } from './received.js'
import { zoneOf } from './sender.js'

/** Throws Fault for everything that is refused; nothing is committed then. */
export async function processMessage(received: Received, gateway: Gateway): Promise<Processed> {
  const translation = translate(received, gateway)
  const resources = localise(translation.bundle)
  switch (translation.action) {
    case 'open':
      return settle(await open(resources, received, gateway), requestOf(resources).id)
    case 'amend':
    case 'cancel':
      return changeByMessage(translation.action, resources, received, gateway)
    default:
      throw unsupported(received.message, gateway)
  }
}

/** Names no type: MSH-9 is the sender's own text. */
function unsupported({ messageCode }: Message, { translator }: Gateway): Fault {
  const types = translator.messageTypes
  const isKnown = types.some((type) => type.startsWith(`${messageCode ?? ''}^`))
  return new Fault(
    isKnown ? 'event-unsupported' : 'message-type-unsupported',
    'A message of this type starts and changes no case here; send REF^I12, I13 or I14.',
    'MSH-9',
  )
}

type ValidTranslation = Translation & { readonly bundle: NonNullable<Translation['bundle']> }

function translate({ message, sender, incoming }: Received, gateway: Gateway): ValidTranslation {
  const translation = gateway.translator.translate(message, {
    sourceId: sender.id,
    timeZone: zoneOf(sender, gateway.deployment),
    overlays: sender.sends.hl7v2?.overlays ?? [],
    receivedAt: incoming.receivedAt,
  })
  const { bundle } = translation
  if (!translation.ok || bundle === null) throw refusal('mapping-failed', translation.issues)
  const found = gateway.validate(bundle)
  if (found.some(isError)) throw refusal('resource-invalid', found)
  return { ...translation, bundle }
}

/** The first error speaks for all; its own code wins where the catalogue has it. */
function refusal(fallback: FaultCode, issues: readonly Issue[]): Fault {
  const first = issues.find(isError)
  const code = first !== undefined && first.code in FAULTS ? (first.code as FaultCode) : fallback
  return new Fault(code, first?.text ?? 'The message could not be translated.', first?.where ?? '', {
    issues,
  })
}

async function open(
  resources: readonly Draft[],
  received: Received,
  gateway: Gateway,
): Promise<CommitOutcome> {
  const { incoming, sender } = received
  requireOneNeed(resources)
  const request = requestOf(resources)
  const coordinator = coordinatorOf(resources)
  const accessPoint = gateway.deployment.accessPoint
  const state: CaseState = {
    phase: 'open',
    sender: sender.id,
    accessPoint,
    coordinator: coordinator.id,
    patient: request.subject.reference?.replace('Patient/', '') ?? '',
    baton: { holder: sender.id, since: incoming.receivedAt },
    offers: [],
    origin: originOf(received.message),
  }
  const owned: Task & { id: string } = {
    ...coordinator,
    businessStatus: businessStatus('received', coordinator.businessStatus),
    requester: coordinator.requester ?? referenceTo(sender.id, gateway.deployment),
    owner: referenceTo(accessPoint, gateway.deployment),
  }
  const opened = {
    caseId: request.id,
    journeyId: gateway.newId(),
    state,
    resources: resources.map((resource) => (resource === coordinator ? owned : resource)),
  }
  return openCase(opened, causeOf('referral-received', received), gateway)
}

/** What a reply to this message is addressed and matched by. */
const originOf = (message: Message): Readonly<Record<string, string>> => ({
  controlId: message.controlId ?? '',
  event: message.triggerEvent ?? '',
  processingId: message.processingId ?? '',
  application: message.get('MSH-5.1') ?? '',
  facility: message.get('MSH-6.1') ?? '',
})

/** A case is one need; a second order must not vanish inside the first one's case. */
function requireOneNeed(resources: readonly Draft[]): void {
  const count = resources.filter((resource) => resource.resourceType === 'ServiceRequest').length
  if (count <= 1) return
  throw new Fault(
    'event-unsupported',
    `The message holds ${count} orders; send one message for each, so that each becomes a case of its own.`,
    'ORC',
  )
}

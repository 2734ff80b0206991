/** A decoded HL7 v2 message -> a case made or changed. Translate, validate, decide: pure; then one commit. */
import type { FhirResource, Identifier, ServiceRequest, Task } from 'fhir/r4.js'
import type { Message } from '../codec/hl7v2/message.js'
import type { Partner } from '../directory/types.js'
import type { CaseState } from '../referral/case.js'
import { businessStatus, hasTaskCode } from '../referral/codes.js'
import type { Reason } from '../referral/answer.js'
import type { CommitOutcome, IncomingMessage } from '../store/types.js'
import { Fault, FAULTS, type FaultCode } from '../terms/fault.js'
import { isError, type Issue } from '../terms/issue.js'
import { localise } from '../translate/localise.js'
import type { Translation } from '../translate/translation.js'
import { changeCase, openCase, referenceTo, stateOf, type Cause } from './change-case.js'
import type { Gateway } from './gateway.js'
import { zoneOf } from './sender.js'

export interface Received {
  readonly message: Message
  readonly sender: Partner
  readonly incoming: IncomingMessage
  /** The application answer, when it follows by the outbox (enhanced mode). */
  readonly applicationAck?: Uint8Array
}

export type Processed =
  | { readonly kind: 'done'; readonly caseId: string }
  /** The same message again: its stored answer. */
  | { readonly kind: 'duplicate'; readonly caseId: string; readonly answer: Uint8Array | null }

/** Throws Fault for everything that is refused; nothing is committed then. */
export async function processMessage(received: Received, gateway: Gateway): Promise<Processed> {
  const translation = translate(received, gateway)
  const resources = localise(translation.bundle)
  switch (translation.action) {
    case 'open':
      return settle(await open(resources, received, gateway), caseIdOf(resources))
    case 'amend':
    case 'cancel':
      return change(translation.action, resources, received, gateway)
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

type Draft = FhirResource & { id: string }

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

/** REF^I13 and I14 find their case by the identifiers of RF1-6 and RF1-11, among the sender's own. */
async function change(
  action: 'amend' | 'cancel',
  resources: readonly Draft[],
  received: Received,
  gateway: Gateway,
): Promise<Processed> {
  const known = await answerGiven(received, gateway)
  if (known !== undefined) return known
  const caseId = await findCase(requestOf(resources).identifier ?? [], received, gateway)
  const act = action === 'cancel' ? cancel : amend
  try {
    return settle(await act(caseId, resources, received, gateway), caseId)
  } catch (thrown) {
    // A copy of this very message that was faster may be why the case refused it.
    const given = await answerGiven(received, gateway)
    if (given !== undefined) return given
    throw thrown
  }
}

async function answerGiven({ incoming }: Received, gateway: Gateway): Promise<Processed | undefined> {
  const before = await gateway.store.findAnswer(incoming.sender, incoming.messageId, incoming.bodyHash)
  if (before === undefined) return undefined
  return { kind: 'duplicate', caseId: before.caseId ?? '', answer: before.answer }
}

function cancel(
  caseId: string,
  resources: readonly Draft[],
  received: Received,
  gateway: Gateway,
): Promise<CommitOutcome> {
  const request = requestOf(resources)
  const reason = reasonOf(request)
  const happening = {
    kind: 'cancelled',
    enteredInError: request.status === 'entered-in-error',
    ...(reason === undefined ? {} : { reason }),
  } as const
  return changeCase(caseId, () => happening, causeOf('referral-cancelled', received), gateway)
}

function amend(
  caseId: string,
  resources: readonly Draft[],
  received: Received,
  gateway: Gateway,
): Promise<CommitOutcome> {
  return changeCase(
    caseId,
    () => ({ kind: 'amended' }),
    causeOf('referral-amended', received),
    gateway,
    (record) => ontoCase(resources, caseId, stateOf(record), record.resources),
  )
}

/** The amended referral's resources under the ids the case knows; what the sender left out stays as it was. */
function ontoCase(
  resources: readonly Draft[],
  caseId: string,
  state: CaseState,
  current: readonly FhirResource[],
): Draft[] {
  const newId = new Map<string, string>()
  const request = requestOf(resources)
  newId.set(`ServiceRequest/${request.id}`, caseId)
  newId.set(`Task/${coordinatorOf(resources).id}`, state.coordinator)
  for (const resource of resources) {
    if (resource.resourceType === 'Patient') newId.set(`Patient/${resource.id}`, state.patient)
  }
  const renamed = resources
    .filter((resource) => resource.resourceType !== 'Task')
    .map((resource) => {
      const text = JSON.stringify(resource, (key, value: unknown) =>
        key === 'reference' && typeof value === 'string' ? renamedReference(value, newId) : value,
      )
      // The same resource with other ids.
      const copy = JSON.parse(text) as Draft
      return { ...copy, id: newId.get(`${resource.resourceType}/${resource.id}`) ?? resource.id }
    })
  return renamed.map((resource) => {
    const before = current.find((r) => r.resourceType === resource.resourceType && r.id === resource.id)
    if (before === undefined) return resource
    // An element the sender left out is unchanged; the request's status moves only by what the case decides.
    const status = before.resourceType === 'ServiceRequest' ? { status: before.status } : {}
    return { ...before, ...resource, ...status } as Draft
  })
}

const renamedReference = (reference: string, newId: ReadonlyMap<string, string>): string => {
  const id = newId.get(reference)
  return id === undefined ? reference : `${reference.slice(0, reference.indexOf('/'))}/${id}`
}

async function findCase(
  identifiers: readonly Identifier[],
  { sender }: Received,
  gateway: Gateway,
): Promise<string> {
  for (const { system, value } of identifiers) {
    if (value === undefined) continue
    const found: string[] = []
    for (const caseId of await gateway.store.findCasesByIdentifier(system ?? '', value)) {
      const record = await gateway.store.readCase(caseId)
      if (record !== undefined && stateOf(record).sender === sender.id) found.push(caseId)
    }
    const [only] = found
    if (only !== undefined && found.length === 1) return only
    if (found.length > 1) {
      throw new Fault(
        'case-ambiguous',
        `${found.length} cases of this sender carry the referral id; name one by its own id in RF1-11.`,
        'RF1-6',
      )
    }
  }
  throw new Fault(
    'case-unknown',
    'No case of this sender carries the referral id; send REF^I12 first or correct the id.',
    'RF1-6',
  )
}

function settle(outcome: CommitOutcome, caseId: string): Processed {
  switch (outcome.kind) {
    case 'committed':
      return { kind: 'done', caseId }
    case 'duplicate':
      return { kind: 'duplicate', caseId: outcome.caseId ?? caseId, answer: outcome.answer }
    case 'conflict':
      throw new Fault(
        'duplicate-conflict',
        'Another message with this control id was received from this sender; give the new one its own MSH-10.',
        'MSH-10',
      )
    default:
      throw new Fault('store-busy', 'The case is being changed by many at once; send the message again.')
  }
}

const causeOf = (event: string, { incoming, sender, applicationAck }: Received): Cause => ({
  event,
  actor: { partner: sender.id },
  now: incoming.receivedAt,
  message: incoming,
  ...(applicationAck === undefined ? {} : { applicationAck }),
})

/** What a reply to this message is addressed and matched by. */
const originOf = (message: Message): Readonly<Record<string, string>> => ({
  controlId: message.controlId ?? '',
  event: message.triggerEvent ?? '',
  processingId: message.processingId ?? '',
  application: message.get('MSH-5.1') ?? '',
  facility: message.get('MSH-6.1') ?? '',
})

function requestOf(resources: readonly Draft[]): ServiceRequest & { id: string } {
  const found = resources.find(
    (r): r is ServiceRequest & { id: string } => r.resourceType === 'ServiceRequest',
  )
  if (found === undefined) throw new Fault('mapping-failed', 'The message made no ServiceRequest.', 'RF1')
  return found
}

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

const caseIdOf = (resources: readonly Draft[]): string => requestOf(resources).id

function coordinatorOf(resources: readonly Draft[]): Task & { id: string } {
  const found = resources.find(
    (r): r is Task & { id: string } => r.resourceType === 'Task' && hasTaskCode(r, 'coordinate'),
  )
  if (found === undefined) throw new Fault('mapping-failed', 'The message made no coordinating Task.', 'RF1')
  return found
}

function reasonOf(request: ServiceRequest): Reason | undefined {
  const [concept] = request.reasonCode ?? []
  const text = concept?.text ?? concept?.coding?.[0]?.display
  return text === undefined ? undefined : { codings: concept?.coding ?? [], text }
}

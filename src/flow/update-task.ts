/** A Task updated over FHIR: how a plain FHIR service reports, and how the access point's people decide. */
import type { Task } from 'fhir/r4.js'
import type { CaseState } from '../referral/case.js'
import { OFFER_TRANSITIONS, offerOf } from '../referral/case.js'
import type { Reason, ServiceAnswer } from '../referral/answer.js'
import { TASK_INPUT } from '../referral/codes.js'
import type { CaseHappening } from '../referral/happening.js'
import type { CaseRecord, StoredResource } from '../store/types.js'
import { Fault } from '../terms/fault.js'
import { answered } from './answer.js'
import { changeCase } from './change-case.js'
import type { Gateway } from './gateway.js'

export interface TaskUpdate {
  readonly id: string
  readonly task: Task
  /** Version the writer read (If-Match); undefined when it did not say. */
  readonly ifMatch?: number
  /** Partner that writes, when the wire knows it. */
  readonly actor?: string
}

/** Answers the Task as it stands afterwards. Throws Fault `resource-unknown`, `version-conflict`,
 *  `transition-refused`. */
export async function updateTask(update: TaskUpdate, gateway: Gateway): Promise<StoredResource> {
  const stored = await gateway.store.readResource('Task', update.id)
  if (stored === undefined || stored.caseId === null) {
    throw new Fault('resource-unknown', 'There is no such Task; read it from the search first.', 'Task.id')
  }
  const { caseId } = stored
  const now = gateway.clock()
  const outcome = await changeCase(
    caseId,
    (state, record) => {
      requireVersion(update, record)
      return happeningOf(update, state, record, gateway)
    },
    { event: 'task-updated', actor: { partner: update.actor ?? ownerOf(update, gateway) }, now },
    gateway,
  )
  if (outcome.kind !== 'committed') {
    throw new Fault(
      'version-conflict',
      'The Task was changed meanwhile; read it again and repeat the update.',
    )
  }
  return (await gateway.store.readResource('Task', update.id)) ?? stored
}

/** Against the case as it is decided on, so that an update that was overtaken is not tried again blindly. */
function requireVersion({ id, ifMatch }: TaskUpdate, { resources }: CaseRecord): void {
  if (ifMatch === undefined) return
  const current = resources.find((resource) => resource.resourceType === 'Task' && resource.id === id)
  const version = current?.meta?.versionId
  if (version === String(ifMatch)) return
  throw new Fault(
    'version-conflict',
    `Found If-Match version ${ifMatch}; the Task is at version ${version ?? 'unknown'}. Read it again first.`,
    'If-Match',
  )
}

function happeningOf(
  update: TaskUpdate,
  state: CaseState,
  record: CaseRecord,
  gateway: Gateway,
): CaseHappening {
  if (update.id === state.coordinator) return coordinatorUpdate(update.task, gateway)
  const offer = offerOf(state, update.id)
  if (offer === undefined) {
    throw new Fault(
      'transition-refused',
      'Only the coordinating Task and offer Tasks are updated from outside.',
      'Task.code',
    )
  }
  const { status } = update.task
  const legal = OFFER_TRANSITIONS[offer.status]
  const answer = answerOf(update.task)
  if (answer === undefined || (status !== offer.status && !legal.some((next) => next === status))) {
    throw new Fault(
      'transition-refused',
      `Found status ${status}; an offer that is ${offer.status} may become ${legal.join(', ') || 'nothing else'}.`,
      'Task.status',
    )
  }
  return answered(state, record, update.id, answer, gateway, gateway.clock())
}

/** FHIR Task.status -> what the service says. Undefined for a status that a service does not set. */
function answerOf(task: Task): ServiceAnswer | undefined {
  const note = task.note?.at(-1)?.text
  const noted = note === undefined ? {} : { note }
  switch (task.status) {
    case 'received':
      return { kind: 'received' }
    case 'accepted':
      return { kind: 'accepted', ...noted }
    case 'in-progress':
      return { kind: 'started', ...noted }
    case 'rejected':
      return { kind: 'rejected', reason: requiredReason(task), ...noted }
    case 'failed':
    case 'cancelled':
      return { kind: 'failed', reason: requiredReason(task), ...noted }
    case 'completed': {
      const outcome = conceptReason(task.output?.[0]?.valueCodeableConcept)
      return { kind: 'completed', ...noted, ...(outcome === undefined ? {} : { outcome }) }
    }
    default:
      return undefined
  }
}

/** The access point chooses a service by naming it as an input, or ends the case. */
function coordinatorUpdate(task: Task, gateway: Gateway): CaseHappening {
  const chosen = task.input?.find((input) =>
    input.type.coding?.some((c) => c.system === TASK_INPUT && c.code === 'service'),
  )
  if (chosen !== undefined)
    return { kind: 'chosen', next: chosenStep(chosen.valueReference?.reference, gateway) }
  const reason = conceptReason(task.statusReason)
  switch (task.status) {
    case 'rejected':
      return { kind: 'ended', as: 'rejected', reason: requiredReason(task) }
    case 'completed':
      return { kind: 'ended', as: 'completed', ...(reason === undefined ? {} : { reason }) }
    case 'cancelled':
      return { kind: 'cancelled', enteredInError: false, ...(reason === undefined ? {} : { reason }) }
    default:
      throw new Fault(
        'transition-refused',
        `Found status ${task.status}; the coordinating Task may become rejected, completed or cancelled, or get an input "service" naming the HealthcareService to offer to.`,
        'Task.status',
      )
  }
}

function chosenStep(
  reference: string | undefined,
  gateway: Gateway,
): Extract<CaseHappening, { kind: 'chosen' }>['next'] {
  const id = reference?.replace(/^HealthcareService\//, '') ?? ''
  const service = gateway.deployment.services.get(id)
  const receives =
    service === undefined ? undefined : gateway.deployment.partners.get(service.partner)?.receives
  if (service === undefined || receives === undefined) {
    throw new Fault(
      'transition-refused',
      'The chosen HealthcareService is not in the directory or has no electronic way in; choose another.',
      'Task.input',
    )
  }
  const pathway = gateway.deployment.pathways.find((candidate) => candidate.services.includes(id))
  return {
    service: { id, partner: service.partner, answerWithinMs: pathway?.answerWithinMs ?? DEFAULT_ANSWER_MS },
    explanation: ['Chosen by a person at the access point.'],
  }
}

/** For a service that stands on no pathway. */
const DEFAULT_ANSWER_MS = 2 * 3_600_000

function requiredReason(task: Task): Reason {
  const reason = conceptReason(task.statusReason)
  if (reason !== undefined) return reason
  throw new Fault(
    'transition-refused',
    `A Task that becomes ${task.status} needs statusReason: say why, coded or in text.`,
    'Task.statusReason',
  )
}

function conceptReason(concept: Task['statusReason']): Reason | undefined {
  const text = concept?.text ?? concept?.coding?.[0]?.display ?? concept?.coding?.[0]?.code
  return text === undefined ? undefined : { codings: concept?.coding ?? [], text }
}

function ownerOf(update: TaskUpdate, gateway: Gateway): string {
  const organization = update.task.owner?.reference?.replace(/^Organization\//, '')
  const partner = [...gateway.deployment.partners.values()].find((p) => p.organization === organization)
  return partner?.id ?? gateway.deployment.accessPoint
}

/** What a service's answer means for its offer and for the case. */
import { Fault } from '../terms/fault.js'
import type { Reason, ServiceAnswer } from './answer.js'
import {
  isOpenOffer,
  isTaken,
  OFFER_TRANSITIONS,
  offerOf,
  withOffer,
  withReference,
  type CaseState,
  type Offer,
  type OfferStatus,
} from './case.js'
import type { BusinessStatus } from './codes.js'
import type { Effect } from './effects.js'
import type { CaseHappening, DecideContext, Decision, NextStep } from './happening.js'
import { closing, coordinator, offerOrAsk, passBaton, withdrawal, withdrawOffer } from './moves.js'

/** Throws Fault `transition-refused` when the Task is no offer of the case. */
export function decideAnswer(
  state: CaseState,
  { taskId, answer: given, next }: CaseHappening & { kind: 'answered' },
  context: DecideContext,
): Decision {
  const offer = offerOf(state, taskId)
  if (offer === undefined) {
    throw new Fault(
      'transition-refused',
      'The Task is no offer of this case; answer the offer Task.',
      'Task.id',
    )
  }
  const status = STATUS_OF[given.kind]
  const known = referenceKept(state, taskId, given)
  if (offer.status === status || (given.kind === 'received' && offer.status !== 'requested')) {
    return { state: known, effects: [] }
  }
  if (!OFFER_TRANSITIONS[offer.status].includes(status)) return late(known, offer, status, context)
  const moved = withOffer(known, taskId, status)
  const task = taskChange(taskId, status, given)
  switch (given.kind) {
    case 'received':
      return { state: moved, effects: [task] }
    case 'accepted':
    case 'started':
      return taken(moved, offer, task, context)
    case 'rejected':
      return refused(moved, offer, task, given.reason, next, context)
    case 'completed':
      return completed(moved, offer, task, given.outcome, context)
    case 'failed':
      return givenBack(moved, offer, task, given.reason, context)
  }
}

/** The receiver's id stays known even when its answer changes nothing: a later cancellation needs it. */
function referenceKept(state: CaseState, taskId: string, given: ServiceAnswer): CaseState {
  const reference = 'reference' in given ? given.reference : undefined
  return reference === undefined ? state : withReference(state, taskId, reference.value)
}

const STATUS_OF = {
  received: 'received',
  accepted: 'accepted',
  started: 'in-progress',
  rejected: 'rejected',
  completed: 'completed',
  failed: 'failed',
} as const satisfies Record<ServiceAnswer['kind'], OfferStatus>

const BUSINESS_OF = {
  received: 'received',
  accepted: 'accepted',
  started: 'in-progress',
  rejected: 'rejected',
  completed: 'completed',
  failed: 'given-back',
} as const satisfies Record<ServiceAnswer['kind'], BusinessStatus>

function taskChange(taskId: string, status: OfferStatus, given: ServiceAnswer): Effect {
  return {
    kind: 'set-task',
    taskId,
    status,
    businessStatus: BUSINESS_OF[given.kind],
    ...('reason' in given ? { reason: given.reason } : {}),
    ...('note' in given && given.note !== undefined ? { note: given.note } : {}),
    ...(given.kind === 'completed' && given.outcome !== undefined ? { outcome: given.outcome } : {}),
  }
}

/** Acceptance moves the baton; every other service still holding an offer is told that it is not needed. */
function taken(state: CaseState, offer: Offer, task: Effect, { now }: DecideContext): Decision {
  const first = !isTaken(offer)
  const others = state.offers.filter((other) => other.taskId !== offer.taskId && isOpenOffer(other))
  const passed = passBaton(closing(others, state), offer.partner, now)
  return {
    state: passed.state,
    effects: [
      task,
      coordinator(state, first ? 'accepted' : 'in-progress'),
      { kind: 'stop-waiting', taskId: offer.taskId },
      ...passed.effects,
      ...others.flatMap((other) => withdrawal(other)),
      ...(first ? [{ kind: 'tell-sender', status: 'accepted', taskId: offer.taskId } as const] : []),
    ],
  }
}

function refused(
  state: CaseState,
  offer: Offer,
  task: Effect,
  reason: Reason,
  next: NextStep,
  context: DecideContext,
): Decision {
  const { taskId } = offer
  const before: Effect[] = [task, { kind: 'stop-waiting', taskId }]
  if (state.offers.some(isOpenOffer)) return { state, effects: before }
  const onward = offerOrAsk(state, next, 'service-rejected', context)
  const told: Effect[] =
    next.service === undefined ? [{ kind: 'tell-sender', status: 'pending', reason, taskId }] : []
  return { state: onward.state, effects: [...before, ...onward.effects, ...told] }
}

function completed(
  state: CaseState,
  offer: Offer,
  task: Effect,
  outcome: Reason | undefined,
  { now }: DecideContext,
): Decision {
  const others = state.offers.filter((other) => other.taskId !== offer.taskId && isOpenOffer(other))
  const passed = passBaton(closing(others, state), offer.partner, now)
  return {
    state: { ...passed.state, phase: 'closed' },
    effects: [
      task,
      { kind: 'stop-waiting', taskId: offer.taskId },
      ...passed.effects,
      ...others.flatMap((other) => withdrawal(other)),
      { kind: 'set-task', taskId: state.coordinator, status: 'completed', businessStatus: 'completed' },
      { kind: 'set-request', status: 'completed' },
      {
        kind: 'tell-sender',
        status: 'completed',
        taskId: offer.taskId,
        ...(outcome === undefined ? {} : { reason: outcome }),
      },
    ],
  }
}

/** A service that cannot go on hands the case to the access point, never into nobody's hands. */
function givenBack(
  state: CaseState,
  offer: Offer,
  task: Effect,
  reason: Reason,
  { now, newId }: DecideContext,
): Decision {
  const passed: Decision =
    state.baton.holder === offer.partner ? passBaton(state, state.accessPoint, now) : { state, effects: [] }
  return {
    state: passed.state,
    effects: [
      task,
      { kind: 'stop-waiting', taskId: offer.taskId },
      ...passed.effects,
      coordinator(state, 'given-back'),
      {
        kind: 'ask-person',
        taskId: newId(),
        why: 'given-back',
        about: offer.taskId,
        explanation: [reason.text],
      },
      { kind: 'tell-sender', status: 'pending', reason, taskId: offer.taskId },
    ],
  }
}

/** An answer to an offer that had ended: kept, shown to a person, never obeyed in silence. */
function late(state: CaseState, offer: Offer, status: OfferStatus, { newId }: DecideContext): Decision {
  const said = `The service answered "${status}" although its offer was already "${offer.status}".`
  const taking = status === 'accepted' || status === 'in-progress'
  return {
    state,
    effects: [
      { kind: 'ask-person', taskId: newId(), why: 'late-answer', about: offer.taskId, explanation: [said] },
      ...(taking ? [withdrawOffer(offer, {})] : []),
    ],
  }
}

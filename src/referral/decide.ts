/** One step of a case. Same state, event, time and ids: same decision. Nothing here knows a wire or a clock. */
import { Fault, type FaultCode } from '../terms/fault.js'
import { addMs, type Instant } from '../terms/instant.js'
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

/** Where the case may go next, worked out by `routing` from the directory as it is now. */
export interface NextStep {
  /** The service to offer to; absent when a person must choose. */
  readonly service?: { readonly id: string; readonly partner: string; readonly answerWithinMs: number }
  readonly explanation: readonly string[]
}

export type CaseHappening =
  | { readonly kind: 'opened'; readonly next: NextStep }
  | { readonly kind: 'amended' }
  | { readonly kind: 'cancelled'; readonly reason?: Reason; readonly enteredInError: boolean }
  | {
      readonly kind: 'answered'
      readonly taskId: string
      readonly answer: ServiceAnswer
      readonly next: NextStep
    }
  /** A person at the access point chose a service. */
  | { readonly kind: 'chosen'; readonly next: NextStep }
  /** A person at the access point ended the case. */
  | { readonly kind: 'ended'; readonly as: 'rejected' | 'completed'; readonly reason?: Reason }
  | {
      readonly kind: 'undeliverable'
      readonly subject: string
      readonly fault: FaultCode
      readonly cause: string
    }
  | { readonly kind: 'answer-overdue'; readonly taskId: string }

export interface DecideContext {
  readonly now: Instant
  readonly newId: () => string
}

export interface Decision {
  readonly state: CaseState
  readonly effects: readonly Effect[]
}

export function decide(state: CaseState, happening: CaseHappening, context: DecideContext): Decision {
  if (state.phase === 'closed' && happening.kind !== 'answered' && happening.kind !== 'undeliverable') {
    throw new Fault('case-closed', 'The case is closed; nothing was changed. Send a new referral instead.')
  }
  switch (happening.kind) {
    case 'opened':
    case 'chosen':
      return offerOrAsk(state, happening.next, 'choose-service', context)
    case 'amended':
      return { state, effects: [] }
    case 'cancelled':
      return cancel(state, happening)
    case 'answered':
      return answer(state, happening.taskId, happening.answer, happening.next, context)
    case 'ended':
      return end(state, happening.as, happening.reason)
    case 'undeliverable':
      return undeliverable(state, happening, context)
    case 'answer-overdue':
      return overdue(state, happening.taskId, context)
  }
}

function offerOrAsk(
  state: CaseState,
  next: NextStep,
  why: 'choose-service' | 'service-rejected',
  { now, newId }: DecideContext,
): Decision {
  const taskId = newId()
  if (next.service === undefined) {
    return {
      state,
      effects: [
        coordinator(state, 'needs-decision'),
        { kind: 'ask-person', taskId, why, about: state.coordinator, explanation: next.explanation },
      ],
    }
  }
  const { id: service, partner, answerWithinMs } = next.service
  const offer: Offer = { taskId, service, partner, status: 'requested', offeredAt: now }
  return {
    state: { ...state, offers: [...state.offers, offer] },
    effects: [
      coordinator(state, 'offered'),
      {
        kind: 'create-offer',
        taskId,
        service,
        partner,
        explanation: next.explanation,
        answerDue: addMs(now, answerWithinMs),
      },
    ],
  }
}

function answer(
  state: CaseState,
  taskId: string,
  given: ServiceAnswer,
  next: NextStep,
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

function cancel(
  state: CaseState,
  { reason, enteredInError }: { readonly reason?: Reason; readonly enteredInError: boolean },
): Decision {
  const open = state.offers.filter(isOpenOffer)
  return {
    state: { ...closing(open, state), phase: 'closed' },
    effects: [
      { kind: 'set-request', status: enteredInError ? 'entered-in-error' : 'revoked' },
      {
        kind: 'set-task',
        taskId: state.coordinator,
        status: 'cancelled',
        businessStatus: 'cancelled',
        ...(reason === undefined ? {} : { reason }),
      },
      ...open.flatMap((offer) => withdrawal(offer, { mistake: enteredInError, ...(reason && { reason }) })),
    ],
  }
}

function end(state: CaseState, as: 'rejected' | 'completed', reason: Reason | undefined): Decision {
  const open = state.offers.filter(isOpenOffer)
  return {
    state: { ...closing(open, state), phase: 'closed' },
    effects: [
      {
        kind: 'set-task',
        taskId: state.coordinator,
        status: as,
        businessStatus: as,
        ...(reason && { reason }),
      },
      { kind: 'set-request', status: as === 'completed' ? 'completed' : 'revoked' },
      ...open.flatMap((offer) => withdrawal(offer, reason && { reason })),
      { kind: 'tell-sender', status: as, ...(reason && { reason }) },
    ],
  }
}

/** An offer that could not be delivered leaves the case with the access point; any other message is only reported. */
function undeliverable(
  state: CaseState,
  { subject, fault, cause }: { readonly subject: string; readonly fault: FaultCode; readonly cause: string },
  { newId }: DecideContext,
): Decision {
  const ask: Effect = {
    kind: 'ask-person',
    taskId: newId(),
    why: 'undeliverable',
    about: subject,
    fault,
    explanation: [cause],
  }
  const offer = offerOf(state, subject)
  if (offer === undefined || !(offer.status === 'requested' || offer.status === 'received')) {
    return { state, effects: [ask] }
  }
  return {
    state: withOffer(state, subject, 'failed'),
    effects: [
      { kind: 'set-task', taskId: subject, status: 'failed', businessStatus: 'undeliverable' },
      { kind: 'stop-waiting', taskId: subject },
      coordinator(state, 'undeliverable'),
      ask,
    ],
  }
}

/** Silence never ends an offer by itself: the service may still be on its way. A person is asked. */
function overdue(state: CaseState, taskId: string, { newId }: DecideContext): Decision {
  const offer = offerOf(state, taskId)
  if (offer === undefined || isTaken(offer) || !isOpenOffer(offer)) return { state, effects: [] }
  return {
    state,
    effects: [
      { kind: 'set-task', taskId, status: offer.status, businessStatus: 'no-answer' },
      coordinator(state, 'no-answer'),
      { kind: 'ask-person', taskId: newId(), why: 'no-answer', about: taskId, explanation: [] },
    ],
  }
}

/** The state once these offers are withdrawn. */
const closing = (offers: readonly Offer[], state: CaseState): CaseState =>
  offers.reduce((before, offer) => withOffer(before, offer.taskId, 'cancelled'), state)

const coordinator = (state: CaseState, status: BusinessStatus): Effect => ({
  kind: 'set-task',
  taskId: state.coordinator,
  status: 'in-progress',
  businessStatus: status,
})

function passBaton(state: CaseState, to: string, now: Instant): Decision {
  const from = state.baton.holder
  if (from === to) return { state, effects: [] }
  return {
    state: { ...state, baton: { holder: to, since: now } },
    effects: [{ kind: 'pass-baton', from, to }],
  }
}

interface Withdrawal {
  readonly reason?: Reason
  readonly mistake?: boolean
}

const withdrawOffer = (offer: Offer, { reason, mistake = false }: Withdrawal): Effect => ({
  kind: 'withdraw-offer',
  taskId: offer.taskId,
  partner: offer.partner,
  service: offer.service,
  mistake,
  ...(reason === undefined ? {} : { reason }),
})

const withdrawal = (offer: Offer, why: Withdrawal = {}): readonly Effect[] => [
  { kind: 'set-task', taskId: offer.taskId, status: 'cancelled', businessStatus: 'cancelled' },
  { kind: 'stop-waiting', taskId: offer.taskId },
  withdrawOffer(offer, why),
]

/** One step of a case. Same state, event, time and ids: same decision. Nothing here knows a wire or a clock. */
import { Fault, type FaultCode } from '../terms/fault.js'
import type { Reason } from './answer.js'
import { isOpenOffer, isTaken, offerOf, withOffer, type CaseState, type Offer } from './case.js'
import { decideAnswer } from './decide-answer.js'
import type { Effect } from './effects.js'
import type { CaseHappening, DecideContext, Decision } from './happening.js'
import { closing, coordinator, offerOrAsk, withdrawal } from './moves.js'

/** What may still come in when nothing can be asked of the case any more. */
const AFTER_CLOSING: readonly CaseHappening['kind'][] = ['answered', 'undeliverable', 'answer-overdue']

/** Throws Fault `case-closed` for what a closed case cannot take. */
export function decide(state: CaseState, happening: CaseHappening, context: DecideContext): Decision {
  if (state.phase === 'closed' && !AFTER_CLOSING.includes(happening.kind)) {
    throw new Fault('case-closed', 'The case is closed; nothing was changed. Send a new referral instead.')
  }
  switch (happening.kind) {
    case 'opened':
    case 'chosen':
      return offerOrAsk(state, happening.next, 'choose-service', context)
    case 'amended':
      return { state, effects: state.offers.filter(isOpenOffer).map(updateOf) }
    case 'cancelled':
      return cancel(state, happening)
    case 'answered':
      return decideAnswer(state, happening, context)
    case 'ended':
      return end(state, happening.as, happening.reason)
    case 'undeliverable':
      return undeliverable(state, happening, context)
    case 'answer-overdue':
      return overdue(state, happening.taskId, context)
  }
}

/** Whoever holds an offer hears of every change to it. */
const updateOf = ({ taskId, partner, service }: Offer): Effect => ({
  kind: 'update-offer',
  taskId,
  partner,
  service,
})

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

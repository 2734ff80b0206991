/** Steps that several decisions share: offer it on, withdraw, pass the responsibility. */
import { addMs, type Instant } from '../terms/instant.js'
import type { Reason } from './answer.js'
import { withOffer, type CaseState, type Offer } from './case.js'
import type { BusinessStatus } from './codes.js'
import type { Effect } from './effects.js'
import type { DecideContext, Decision, NextStep } from './happening.js'

/** To the service routing found, or before a person. */
export function offerOrAsk(
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

/** The state once these offers are withdrawn. */
export const closing = (offers: readonly Offer[], state: CaseState): CaseState =>
  offers.reduce((before, offer) => withOffer(before, offer.taskId, 'cancelled'), state)

/** The coordinating Task follows the case. */
export const coordinator = (state: CaseState, status: BusinessStatus): Effect => ({
  kind: 'set-task',
  taskId: state.coordinator,
  status: 'in-progress',
  businessStatus: status,
})

export function passBaton(state: CaseState, to: string, now: Instant): Decision {
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

export const withdrawOffer = (offer: Offer, { reason, mistake = false }: Withdrawal): Effect => ({
  kind: 'withdraw-offer',
  taskId: offer.taskId,
  partner: offer.partner,
  service: offer.service,
  mistake,
  ...(reason === undefined ? {} : { reason }),
})

/** An open offer that ends: its Task, its deadline, and word to the service. */
export const withdrawal = (offer: Offer, why: Withdrawal = {}): readonly Effect[] => [
  { kind: 'set-task', taskId: offer.taskId, status: 'cancelled', businessStatus: 'cancelled' },
  { kind: 'stop-waiting', taskId: offer.taskId },
  withdrawOffer(offer, why),
]

/** A service says something about an offer: found by what we sent it under, decided, one commit. */
import { offerOf, type CaseState, type Offer } from '../referral/case.js'
import type { ServiceAnswer } from '../referral/answer.js'
import type { CaseHappening } from '../referral/happening.js'
import type { CaseRecord, CommitOutcome } from '../store/types.js'
import { Fault } from '../terms/fault.js'
import type { Instant } from '../terms/instant.js'
import { changeCase, nextStep, stateOf } from './change-case.js'
import type { Gateway } from './gateway.js'
import type { AnswerOutcome, IncomingAnswer } from './ports.js'

/** Throws Fault `case-unknown` when nothing was sent under that correlation. */
export async function receiveAnswer(incoming: IncomingAnswer, gateway: Gateway): Promise<AnswerOutcome> {
  const { message, from, answer } = incoming
  const before = await gateway.store.findAnswer(message.sender, message.messageId, message.bodyHash)
  if (before !== undefined) return { kind: 'duplicate', reply: before.answer }
  const { caseId, subject } = await offerAnswered(incoming, gateway)
  const cause = {
    event: 'answer-received',
    actor: { partner: from.id },
    now: message.receivedAt,
    message,
  }
  const outcome = await changeCase(
    caseId,
    (state, record) => answered(state, record, subject, answer, gateway, cause.now),
    cause,
    gateway,
  )
  return answerOutcome(outcome, caseId)
}

interface OfferRef {
  readonly caseId: string
  /** Id of the offer Task. */
  readonly subject: string
}

async function offerAnswered(
  { from, correlation, conversation }: IncomingAnswer,
  gateway: Gateway,
): Promise<OfferRef> {
  const delivery = await gateway.store.findDelivery(correlation)
  if (delivery?.receiver === from.id) return delivery
  const record = conversation === undefined ? undefined : await gateway.store.readCase(conversation)
  const held = record === undefined ? [] : stateOf(record).offers.filter((offer) => offer.partner === from.id)
  const latest = held.at(-1)
  if (record !== undefined && latest !== undefined) return { caseId: record.caseId, subject: latest.taskId }
  throw new Fault('case-unknown', 'Nothing was sent to this partner under that id.', 'response.identifier')
}

/** The happening for an answer, with where the case may go next should it be a rejection. */
export function answered(
  state: CaseState,
  record: CaseRecord,
  taskId: string,
  answer: ServiceAnswer,
  gateway: Gateway,
  now: Instant,
): CaseHappening {
  const offer = offerOf(state, taskId)
  const next =
    answer.kind === 'rejected'
      ? nextStep(record.resources, excludedBy(state.offers, offer), gateway.deployment, now)
      : { explanation: [] }
  return { kind: 'answered', taskId, answer, next }
}

/** Services that have had their chance: every one an offer was put to. */
const excludedBy = (offers: readonly Offer[], current: Offer | undefined): string[] => [
  ...new Set([...offers, ...(current === undefined ? [] : [current])].map((offer) => offer.service)),
]

function answerOutcome(outcome: CommitOutcome, caseId: string): AnswerOutcome {
  switch (outcome.kind) {
    case 'committed':
      return { kind: 'recorded', caseId }
    case 'duplicate':
      return { kind: 'duplicate', reply: outcome.answer }
    case 'conflict':
      return { kind: 'conflict' }
    default:
      throw new Fault('store-busy', 'The case is being changed by many at once; send the answer again.')
  }
}

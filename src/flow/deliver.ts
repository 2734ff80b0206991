/** One outbox row: render once, send, record what the receiver said. Only then is it done. */
import type { Partner, Receives, RetryPolicy } from '../directory/types.js'
import type { AttemptOutcome, CaseRecord, Delivery } from '../store/types.js'
import { offerOf } from '../referral/case.js'
import { asFault, Fault } from '../terms/fault.js'
import { addMs, msBetween, type Instant } from '../terms/instant.js'
import { answered } from './answer.js'
import { changeCase, stateOf } from './change-case.js'
import type { Gateway } from './gateway.js'
import type { Publisher, SendResult } from './ports.js'

/** Sends one claimed delivery. Never throws for what a receiver does; a store failure leaves the lease to expire,
 *  after which another worker takes the row up. */
export async function deliver(delivery: Delivery, gateway: Gateway): Promise<void> {
  const startedAt = gateway.clock()
  const record = await gateway.store.readCase(delivery.caseId)
  if (record === undefined) return
  if (delivery.kind === 'cancel' && (await wasNeverSent(delivery, gateway))) {
    return withdraw(delivery, startedAt, gateway)
  }
  let sent: SendResult | undefined
  try {
    sent = await attempt(delivery, record, gateway)
  } catch (thrown) {
    const fault = asFault(thrown)
    if (fault.code === 'store-busy' || fault.code === 'store-unavailable') throw fault
    return fail(delivery, fault, startedAt, gateway)
  }
  if (sent !== undefined) await settle(delivery, record, sent, startedAt, gateway)
}

/** An offer taken back before it left needs no cancellation. */
async function wasNeverSent(delivery: Delivery, gateway: Gateway): Promise<boolean> {
  const all = await gateway.store.readDeliveries(delivery.caseId)
  return all.some(
    (other) => other.kind === 'offer' && other.subject === delivery.subject && other.state === 'withdrawn',
  )
}

async function withdraw(delivery: Delivery, startedAt: Instant, gateway: Gateway): Promise<void> {
  const now = gateway.clock()
  const outcome: AttemptOutcome = {
    deliveryId: delivery.id,
    lease: delivery.lease,
    at: now,
    state: 'withdrawn',
    durationMs: msBetween(startedAt, now),
  }
  await gateway.store.recordAttempt(outcome)
  report(delivery, outcome, gateway)
}

function receiverOf(
  delivery: Delivery,
  gateway: Gateway,
): { partner: Partner; receives: Receives; publisher: Publisher } {
  const partner = gateway.deployment.partners.get(delivery.receiver)
  const receives = partner?.receives
  const publisher = receives === undefined ? undefined : gateway.publishers.get(receives.channel)
  if (partner === undefined || receives === undefined || publisher === undefined) {
    throw new Fault(
      'receiver-unknown',
      `The deployment has no way to reach partner ${delivery.receiver}; add its "receives" and send again.`,
    )
  }
  return { partner, receives, publisher }
}

/** Undefined when another worker holds the lease now. */
async function attempt(
  delivery: Delivery,
  record: CaseRecord,
  gateway: Gateway,
): Promise<SendResult | undefined> {
  const { deployment, newId, clock, store } = gateway
  const { partner, receives, publisher } = receiverOf(delivery, gateway)
  if (delivery.mayHaveArrived && !publisher.repeatsSafely(receives)) {
    throw new Fault(
      'receiver-silent',
      'An earlier attempt may have arrived and this receiver does not discard repeats: ask it before sending again.',
    )
  }
  const rendered =
    delivery.rendered ??
    publisher.render(withReceiverId(delivery, record), record, {
      deployment,
      receiver: partner,
      now: clock(),
      newId,
    })
  if (!(await store.beginAttempt(delivery.id, delivery.lease, rendered))) return undefined
  return publisher.send(rendered, receives, AbortSignal.timeout(receives.timeoutMs))
}

/** What the receiver called the offer is known only once it was delivered, which may be after its change or
 *  cancellation was decided. */
function withReceiverId(delivery: Delivery, record: CaseRecord): Delivery {
  const reference =
    delivery.kind === 'offer' ? undefined : offerOf(stateOf(record), delivery.subject)?.reference
  if (reference === undefined) return delivery
  return { ...delivery, context: { ...delivery.context, receiverServiceRequestId: reference } }
}

async function settle(
  delivery: Delivery,
  record: CaseRecord,
  sent: SendResult,
  startedAt: Instant,
  gateway: Gateway,
): Promise<void> {
  const now = gateway.clock()
  const attemptOutcome: AttemptOutcome = {
    deliveryId: delivery.id,
    lease: delivery.lease,
    at: now,
    state: 'delivered',
    durationMs: msBetween(startedAt, now),
    answer: sent.answer,
    ...(sent.httpStatus === undefined ? {} : { httpStatus: sent.httpStatus }),
  }
  await gateway.store.receiverAnswered(delivery.receiver)
  if (delivery.kind === 'offer') {
    const cause = { event: 'delivered', actor: { partner: delivery.receiver }, now, attempt: attemptOutcome }
    await changeCase(
      record,
      (state, current) => answered(state, current, delivery.subject, sent.says, gateway, now),
      cause,
      gateway,
    )
  } else {
    await gateway.store.recordAttempt(attemptOutcome)
  }
  report(delivery, attemptOutcome, gateway)
}

async function fail(delivery: Delivery, fault: Fault, startedAt: Instant, gateway: Gateway): Promise<void> {
  const now = gateway.clock()
  const receives = gateway.deployment.partners.get(delivery.receiver)?.receives
  const failures = isReceiverFault(fault)
    ? await gateway.store.receiverFailed(delivery.receiver, now, receives?.retry)
    : undefined
  const outcome = outcomeOf(delivery, fault, startedAt, now, receives, gateway)
  if (outcome.state === 'queued') await gateway.store.recordAttempt(outcome)
  else await putBeforePerson(delivery, outcome, fault, now, gateway)
  report(delivery, outcome, gateway)
  if (failures?.opened === true) gateway.observe.failed('receiver-down', delivery.receiver)
  if (fault.code === 'internal-error') gateway.observe.failed('delivery-failed', fault.cause)
}

/** A failure of the receiver or the way to it, as against one of the message. */
const isReceiverFault = (fault: Fault): boolean => fault.meaning.class !== 'never'

function outcomeOf(
  delivery: Delivery,
  fault: Fault,
  startedAt: Instant,
  now: Instant,
  receives: Receives | undefined,
  gateway: Gateway,
): AttemptOutcome {
  const base = {
    deliveryId: delivery.id,
    lease: delivery.lease,
    at: now,
    faultClass: fault.meaning.class,
    fault: fault.code,
    cause: fault.message,
    durationMs: msBetween(startedAt, now),
  }
  const publisher = receives === undefined ? undefined : gateway.publishers.get(receives.channel)
  const mayRepeat =
    receives !== undefined &&
    (fault.meaning.class === 'retry' ||
      (fault.meaning.class === 'unsure' && publisher?.repeatsSafely(receives) === true))
  if (!mayRepeat) return { ...base, state: fault.meaning.class === 'never' ? 'refused' : 'unsure' }
  const { maxAttempts } = receives.retry
  if (maxAttempts !== null && delivery.attempts >= maxAttempts) return { ...base, state: 'dead' }
  return {
    ...base,
    state: 'queued',
    nextAttemptAt: addMs(now, waitMs(delivery.attempts, fault, receives.retry, gateway)),
  }
}

/** Doubling with jitter, between half of the step and the whole of it; longer when the receiver asked for it. */
function waitMs(attempts: number, fault: Fault, retry: RetryPolicy, gateway: Gateway): number {
  const step = Math.min(retry.maxDelayMs, retry.firstDelayMs * 2 ** Math.min(attempts - 1, 30))
  const backOffMs = Math.round(step * (0.5 + gateway.random() / 2))
  return Math.max(backOffMs, Math.min(fault.retryAfterMs ?? 0, retry.maxDelayMs))
}

async function putBeforePerson(
  delivery: Delivery,
  outcome: AttemptOutcome,
  fault: Fault,
  now: Instant,
  gateway: Gateway,
): Promise<void> {
  const cause = {
    event: 'undeliverable',
    actor: { partner: gateway.deployment.accessPoint },
    now,
    attempt: outcome,
  }
  const happening = {
    kind: 'undeliverable',
    subject: delivery.subject,
    fault: fault.code,
    cause: `${delivery.kind} to ${delivery.receiver}: ${fault.message}`,
  } as const
  await changeCase(
    delivery.caseId,
    (state) => (isOfferStillWanted(state, delivery) ? happening : { ...happening, subject: delivery.caseId }),
    cause,
    gateway,
  )
}

const isOfferStillWanted = (state: ReturnType<typeof stateOf>, delivery: Delivery): boolean =>
  delivery.kind === 'offer' && offerOf(state, delivery.subject) !== undefined

function report(delivery: Delivery, outcome: AttemptOutcome, gateway: Gateway): void {
  gateway.observe.attempted({
    receiver: delivery.receiver,
    channel: delivery.channel,
    kind: delivery.kind,
    state: outcome.state,
    caseId: delivery.caseId,
    deliveryId: delivery.id,
    attempts: delivery.attempts,
    durationMs: outcome.durationMs,
    ...(outcome.fault === undefined ? {} : { fault: outcome.fault }),
    ...(outcome.cause === undefined ? {} : { cause: outcome.cause }),
  })
}

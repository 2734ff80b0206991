/** The parts of a statement that record what became of an attempt: the delivery moves on, the log gets a line. */
import type { Bind } from './statement.js'
import type { AttemptOutcome } from './types.js'

/** `attempt_settled` returns one row, or none when the lease is no longer the caller's: a later claim has another
 *  token, and a settled delivery has none. */
export function attemptParts(outcome: AttemptOutcome, bind: Bind): string[] {
  const id = `${bind(outcome.deliveryId)}::text`
  const lease = `${bind(outcome.lease)}::bigint`
  const at = `${bind(outcome.at)}::timestamptz`
  const state = `${bind(outcome.state)}::text`
  const cause = `${bind(outcome.cause ?? null)}::text`
  const faultClass = `${bind(outcome.faultClass ?? null)}::text`
  const settled = `attempt_settled as (
    update delivery set state = ${state}, lease = null, lease_until = null, last_cause = coalesce(${cause}, last_cause),
      due_at = coalesce(${bind(outcome.nextAttemptAt ?? null)}::timestamptz, due_at),
      may_have_arrived = may_have_arrived or coalesce(${faultClass} = 'unsure', false),
      settled_at = case when ${state} <> 'queued' then ${at} end
    where id = ${id} and lease = ${lease} and state in ('queued', 'sending')
    returning attempts
  )`
  const logged = `attempt_logged as (
    insert into delivery_attempt (delivery_id, lease, attempt, at, state, fault_class, fault, cause, http_status,
      duration_ms, answer)
    select ${id}, ${lease}, attempts, ${at}, ${state}, ${faultClass}, ${bind(outcome.fault ?? null)}::text, ${cause},
      ${bind(outcome.httpStatus ?? null)}::int, ${bind(Math.round(outcome.durationMs))}::int,
      ${bind(outcome.answer ?? null)}::bytea
    from attempt_settled
  )`
  return [settled, logged]
}

/** One claimed delivery through its attempt: begun, recorded, found again. */
import type { RetryPolicy } from '../directory/types.js'
import { instantOf, type Instant } from '../terms/instant.js'
import { attemptParts } from './attempt-statement.js'
import type { Database } from './database.js'
import { deliveryOf, type DeliveryRow } from './outbox.js'
import { statement } from './statement.js'
import type { AttemptOutcome, Delivery, RenderedDelivery } from './types.js'

/** The first attempt's bytes stay for every later one. */
export const BEGIN_ATTEMPT = `
update delivery set state = 'sending', attempts = attempts + 1, body = coalesce(body, $3),
  content_type = coalesce(content_type, $4), headers = coalesce(headers, $5::jsonb),
  correlation = coalesce(correlation, $6)
where id = $1 and lease = $2::bigint and state = 'queued'
returning 1`

export async function beginAttempt(
  database: Database,
  deliveryId: string,
  lease: string,
  rendered: RenderedDelivery,
): Promise<boolean> {
  const rows = await database.run({
    name: 'begin-attempt',
    text: BEGIN_ATTEMPT,
    values: [
      deliveryId,
      lease,
      rendered.body,
      rendered.contentType,
      JSON.stringify(rendered.headers),
      rendered.correlation,
    ],
  })
  return rows.length === 1
}

export async function recordAttempt(database: Database, outcome: AttemptOutcome): Promise<boolean> {
  const rows = await database.run(
    statement(
      'record-attempt',
      (bind) => `with ${attemptParts(outcome, bind).join(',\n')} select 1 from attempt_settled`,
    ),
  )
  return rows.length === 1
}

export const FIND_DELIVERY = `select * from delivery where correlation = $1 order by created_at desc, id desc limit 1`

export async function findDelivery(database: Database, correlation: string): Promise<Delivery | undefined> {
  const [row] = await database.run<DeliveryRow>({
    name: 'find-delivery',
    text: FIND_DELIVERY,
    values: [correlation],
  })
  return row === undefined ? undefined : deliveryOf(row)
}

const READ_DELIVERIES = `select * from delivery where case_id = $1 order by seq`

export async function readDeliveries(
  database: Database,
  caseId: string,
): Promise<readonly (Delivery & { readonly lastCause: string | null })[]> {
  const rows = await database.run<DeliveryRow & { readonly last_cause: string | null }>({
    text: READ_DELIVERIES,
    values: [caseId],
  })
  return rows.map((row) => ({ ...deliveryOf(row), lastCause: row.last_cause }))
}

export type BreakerPolicy = Pick<RetryPolicy, 'breakerFailures' | 'breakerOpenMs'>

/** A failure of the delivery on trial opens the breaker again, whatever the count. */
const RECEIVER_FAILED = `
insert into receiver_state as s (receiver, failures, open_until)
values ($1, 1, case when 1 >= $3::int then $2::timestamptz + $4::int * interval '1 millisecond' end)
on conflict (receiver) do update set failures = s.failures + 1,
  open_until = case when s.failures + 1 >= $3::int or s.open_until is not null
    then $2::timestamptz + $4::int * interval '1 millisecond' end
returning failures, open_until, failures = $3::int as opened`

/** `opened` is true once per outage, for the one alert it deserves. Without a policy the breaker stays closed. */
export async function receiverFailed(
  database: Database,
  receiver: string,
  now: Instant,
  policy: BreakerPolicy | undefined,
): Promise<{ readonly failures: number; readonly opened: boolean; readonly openUntil: Instant | null }> {
  const never = 2_147_483_647
  const [row] = await database.run<{ failures: number; open_until: Date | null; opened: boolean }>({
    name: 'receiver-failed',
    text: RECEIVER_FAILED,
    values: [receiver, now, policy?.breakerFailures ?? never, policy?.breakerOpenMs ?? 0],
  })
  return {
    failures: row?.failures ?? 0,
    opened: row?.opened ?? false,
    openUntil: row?.open_until ? instantOf(row.open_until) : null,
  }
}

const RECEIVER_ANSWERED = `delete from receiver_state where receiver = $1 returning open_until is not null as closed`

/** `closed` is true when this answer ended an outage. */
export async function receiverAnswered(
  database: Database,
  receiver: string,
): Promise<{ readonly closed: boolean }> {
  const [row] = await database.run<{ closed: boolean }>({
    name: 'receiver-answered',
    text: RECEIVER_ANSWERED,
    values: [receiver],
  })
  return { closed: row?.closed ?? false }
}

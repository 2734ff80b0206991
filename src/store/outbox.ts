/** Takes deliveries that are due. In line are all open deliveries of one case to one receiver, in order: only the
 *  first of a line may go, so a line waits for its head and for nothing else (docs/decisions/0003). */
import { instantOf, type Instant } from '../terms/instant.js'
import type { Database } from './database.js'
import type { Delivery, DeliveryState } from './types.js'

/** Per receiver, so that a long queue for one never hides the others; a receiver whose breaker is open gets
 *  nothing, one whose breaker has just run out gets a single delivery to show that it is back.
 *  `$1` limit, `$2` now, `$3` lease in milliseconds. Due times follow the caller's clock, leases the database's.
 *  A lease that ran out while `sending` comes back as one that may have arrived. */
export const CLAIM_DELIVERIES = `
with recursive waiting(receiver) as (
  (select receiver from delivery where state in ('queued', 'sending') order by receiver limit 1)
  union all
  select (select d.receiver from delivery d where d.state in ('queued', 'sending') and d.receiver > w.receiver
    order by d.receiver limit 1)
  from waiting w where w.receiver is not null
), ready as materialized (
  select w.receiver, b.open_until is not null as on_trial
  from waiting w left join receiver_state b on b.receiver = w.receiver
  where w.receiver is not null and (b.open_until is null or b.open_until <= $2::timestamptz)
    and (b.open_until is null or not exists (
      select from delivery f where f.receiver = w.receiver and f.state in ('queued', 'sending')
        and f.lease_until > clock_timestamp()))
), picked as materialized (
  select first.id, first.due_at from ready r cross join lateral (
    select d.id, d.due_at from delivery d
    where d.receiver = r.receiver and d.state in ('queued', 'sending') and d.due_at <= $2::timestamptz
      and (d.lease_until is null or d.lease_until <= clock_timestamp())
      and not exists (
        select from delivery e where e.case_id = d.case_id and e.receiver = d.receiver and e.seq < d.seq
          and e.state in ('queued', 'sending'))
    order by d.due_at
    limit case when r.on_trial then 1 else $1::int end
    for update of d skip locked
  ) first
  order by first.due_at
  limit $1::int
)
update delivery d set lease = nextval('lease'), lease_until = clock_timestamp() + $3::int * interval '1 millisecond',
  may_have_arrived = d.may_have_arrived or d.state = 'sending', state = 'queued'
from picked where d.id = picked.id
returning d.*`

export interface DeliveryRow {
  readonly id: string
  readonly case_id: string
  readonly seq: number
  readonly receiver: string
  readonly channel: string
  readonly kind: string
  readonly subject: string
  readonly state: string
  readonly created_at: Date
  readonly due_at: Date
  readonly context: unknown
  readonly attempts: number
  readonly body: Buffer | null
  readonly content_type: string | null
  readonly headers: unknown
  readonly correlation: string | null
  readonly may_have_arrived: boolean
  readonly lease: string | null
}

export async function claimDeliveries(
  database: Database,
  options: { readonly limit: number; readonly leaseMs: number; readonly now: Instant },
): Promise<readonly Delivery[]> {
  const rows = await database.run<DeliveryRow>({
    name: 'claim-deliveries',
    text: CLAIM_DELIVERIES,
    values: [options.limit, options.now, options.leaseMs],
  })
  return rows
    .sort((a, b) => a.due_at.getTime() - b.due_at.getTime())
    .map((row) => ({ ...deliveryOf(row), attempts: row.attempts + 1 }))
}

/** Casts: only this folder writes these columns. */
export function deliveryOf(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    caseId: row.case_id,
    seq: row.seq,
    receiver: row.receiver,
    channel: row.channel,
    kind: row.kind,
    subject: row.subject,
    context: row.context as Delivery['context'],
    state: row.state as DeliveryState,
    attempts: row.attempts,
    createdAt: instantOf(row.created_at),
    rendered:
      row.body === null
        ? null
        : {
            body: row.body,
            contentType: row.content_type ?? '',
            headers: row.headers as Readonly<Record<string, string>>,
            correlation: row.correlation ?? '',
          },
    mayHaveArrived: row.may_have_arrived,
    lease: row.lease ?? '',
  }
}

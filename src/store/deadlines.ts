/** Deadlines that have passed, and when the next thing falls due. */
import type { Instant } from '../terms/instant.js'
import type { Database } from './database.js'
import type { Deadline } from './types.js'
import { instantOf } from '../terms/instant.js'

/** `$1` limit, `$2` now, `$3` lease in milliseconds. */
export const CLAIM_DEADLINES = `
with picked as materialized (
  select id from deadline
  where settled_at is null and due_at <= $2::timestamptz
    and (lease_until is null or lease_until <= clock_timestamp())
  order by due_at
  limit $1::int
  for update skip locked
)
update deadline d set lease = nextval('lease'), lease_until = clock_timestamp() + $3::int * interval '1 millisecond'
from picked where d.id = picked.id
returning d.id, d.case_id, d.kind, d.due_at, d.subject, d.lease`

interface DeadlineRow {
  readonly id: string
  readonly case_id: string
  readonly kind: string
  readonly due_at: Date
  readonly subject: string
  readonly lease: string
}

export async function claimDeadlines(
  database: Database,
  options: { readonly limit: number; readonly leaseMs: number; readonly now: Instant },
): Promise<readonly Deadline[]> {
  const rows = await database.run<DeadlineRow>({
    name: 'claim-deadlines',
    text: CLAIM_DEADLINES,
    values: [options.limit, options.now, options.leaseMs],
  })
  return rows
    .sort((a, b) => a.due_at.getTime() - b.due_at.getTime())
    .map((row) => ({
      id: row.id,
      caseId: row.case_id,
      kind: row.kind,
      dueAt: instantOf(row.due_at),
      subject: row.subject,
      lease: row.lease,
    }))
}

/** Milliseconds from `$1` until something can be claimed. Rows behind another in their line, or leased, do not
 *  count by their due time: their turn comes with a settlement, which wakes, or with the end of a lease. */
export const NEXT_DUE = `
with recursive waiting(receiver) as (
  (select receiver from delivery where state in ('queued', 'sending') order by receiver limit 1)
  union all
  select (select d.receiver from delivery d where d.state in ('queued', 'sending') and d.receiver > w.receiver
    order by d.receiver limit 1)
  from waiting w where w.receiver is not null
), due(in_ms) as (
  select extract(epoch from greatest(first.due_at, b.open_until) - $1::timestamptz) * 1000
  from waiting w left join receiver_state b on b.receiver = w.receiver cross join lateral (
    select d.due_at from delivery d
    where d.receiver = w.receiver and d.state in ('queued', 'sending') and d.lease_until is null
      and (b.open_until is null or not exists (
        select from delivery f where f.receiver = w.receiver and f.state in ('queued', 'sending')
          and f.lease_until is not null))
      and not exists (
        select from delivery e where e.case_id = d.case_id and e.receiver = d.receiver and e.seq < d.seq
          and e.state in ('queued', 'sending'))
    order by d.due_at limit 1
  ) first
  where w.receiver is not null
  union all
  select extract(epoch from min(lease_until) - clock_timestamp()) * 1000 from delivery where lease_until is not null
  union all
  (select extract(epoch from greatest(due_at - $1::timestamptz, coalesce(lease_until - clock_timestamp(), '0'))) * 1000
    from deadline where settled_at is null order by due_at limit 1)
)
select ceil(greatest(in_ms, 0))::float8 as in_ms from due where in_ms is not null order by in_ms limit 1`

export async function nextDueInMs(database: Database, now: Instant): Promise<number | undefined> {
  const [row] = await database.run<{ in_ms: number }>({
    name: 'next-due',
    text: NEXT_DUE,
    values: [now],
  })
  return row?.in_ms
}

/** Figures for metrics and the console: what waits and what is before a person. */
import { instantOf, type Instant } from '../terms/instant.js'
import type { Database } from './database.js'

/** Every part counts rows of a partial index, so that settled work costs nothing here. */
const COUNTS = `
select
  (select count(*) from delivery where state in ('queued', 'sending') and state = 'queued')::int as queued,
  (select count(*) from delivery where state in ('queued', 'sending') and state = 'sending')::int as sending,
  (select count(*) from delivery where state in ('unsure', 'refused', 'dead') and state = 'unsure')::int as unsure,
  (select count(*) from delivery where state in ('unsure', 'refused', 'dead') and state = 'refused')::int as refused,
  (select count(*) from delivery where state in ('unsure', 'refused', 'dead') and state = 'dead')::int as dead,
  (select count(*) from deadline where settled_at is null)::int as deadlines,
  (select count(*) from receiver_state where open_until is not null)::int as "openBreakers",
  (select count(*) from quarantine)::int as quarantined`

export async function counts(database: Database): Promise<Readonly<Record<string, number>>> {
  const [row] = await database.run<Record<string, number>>({ text: COUNTS, values: [] })
  return row ?? {}
}

const OLDEST_WAITING = `select min(created_at) as created_at from delivery where state in ('queued', 'sending')`

/** When the delivery that has waited longest was committed. */
export async function oldestWaiting(database: Database): Promise<Instant | undefined> {
  const [row] = await database.run<{ created_at: Date | null }>({ text: OLDEST_WAITING, values: [] })
  return row?.created_at ? instantOf(row.created_at) : undefined
}

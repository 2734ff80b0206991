/** Brings the schema up to date; many processes may start at once, one of them does the work. */
import pg from 'pg'
import type { PoolConfig } from 'pg'
import { faultOf } from './fault-of.js'
import { MIGRATIONS, type Migration } from './migrations/index.js'

/** Any number, the same in every process: the advisory lock that lets one of them migrate. */
const MIGRATION_LOCK = 7_620_573_001

const CREATE_LOG = `create table if not exists schema_migration (
  number int primary key,
  name text not null,
  applied_at timestamptz not null default now()
)`

/** Returns how many migrations were run, all in one transaction. A database that is newer than this version is left
 *  as it is: migrations only expand. On a connection of its own: a large table, or the process that is migrating
 *  already, may take longer than any other statement is allowed to. */
export async function migrate(connection: PoolConfig): Promise<number> {
  const client = new pg.Client({ application_name: 'onedoor migrate', ...connection })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('begin')
    await client.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
    await client.query(CREATE_LOG)
    const pending = await pendingOf(client)
    for (const migration of pending) await apply(client, migration)
    await client.query('commit')
    return pending.length
  } catch (thrown) {
    throw faultOf(thrown)
  } finally {
    // Ends what did not commit.
    await client.end().catch(() => undefined)
  }
}

async function pendingOf(client: pg.Client): Promise<readonly Migration[]> {
  const { rows } = await client.query<{ number: number }>('select number from schema_migration')
  const applied = new Set(rows.map((row) => row.number))
  return MIGRATIONS.filter((migration) => !applied.has(migration.number))
}

async function apply(client: pg.Client, { number, name, sql }: Migration): Promise<void> {
  await client.query(sql)
  await client.query('insert into schema_migration (number, name) values ($1, $2)', [number, name])
}

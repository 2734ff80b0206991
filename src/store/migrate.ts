/** Brings the schema up to date; many processes may start at once, one of them does the work. */
import type { PoolClient } from 'pg'
import type { Database } from './database.js'
import { MIGRATIONS, type Migration } from './migrations/index.js'

/** Any number, the same in every process: the advisory lock that lets one of them migrate. */
const MIGRATION_LOCK = 7_620_573_001

const CREATE_LOG = `create table if not exists schema_migration (
  number int primary key,
  name text not null,
  applied_at timestamptz not null default now()
)`

/** Returns how many migrations were run. A database that is newer than this version is left as it is: migrations
 *  only expand. */
export function migrate(database: Database): Promise<number> {
  return database.transaction(async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
    // A migration of a large table may take longer than any other statement is allowed to.
    await client.query('set local statement_timeout = 0')
    await client.query(CREATE_LOG)
    const pending = await pendingOf(client)
    for (const migration of pending) await apply(client, migration)
    return pending.length
  })
}

async function pendingOf(client: PoolClient): Promise<readonly Migration[]> {
  const { rows } = await client.query<{ number: number }>('select number from schema_migration')
  const applied = new Set(rows.map((row) => row.number))
  return MIGRATIONS.filter((migration) => !applied.has(migration.number))
}

async function apply(client: PoolClient, { number, name, sql }: Migration): Promise<void> {
  await client.query(sql)
  await client.query('insert into schema_migration (number, name) values ($1, $2)', [number, name])
}

/** Holds the gateway's database still at a named point, from outside, so that a kill hits exactly there. */
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { GatewayUnderTest } from './kill-gateway.js'

const LOCK = 77_001
const REACH_TIMEOUT_MS = 20_000

export interface Pause {
  /** Resolves when a transaction of the gateway has come to the point and waits there. */
  reached(): Promise<void>
  /** Closes the test's own connection; the killed database has ended it already. */
  end(): Promise<void>
}

/** A trigger that sleeps while the test holds a lock. It does not wait for the lock itself: the dying database may
 *  end the holder first, and what then got the lock could still commit. A sleep ends only with its server process. `when`: `before insert on message`. A constraint trigger
 *  (`at commit`) waits in the last moment before the commit itself, when everything is written. */
export async function pauseAt(
  gateway: GatewayUnderTest,
  table: string,
  when: `${'before' | 'after'} ${'insert' | 'update'}` | 'at commit',
  condition = 'true',
): Promise<Pause> {
  const client = await gateway.connect()
  await client.query('select pg_advisory_lock($1)', [LOCK])
  await client.query(`
    create or replace function hold_for_test() returns trigger language plpgsql as $$
    begin
      if not pg_try_advisory_xact_lock_shared(${LOCK}) then perform pg_sleep(3600); end if;
      return new;
    end $$`)
  await client.query(
    when === 'at commit'
      ? `create constraint trigger hold_for_test after insert on ${table} deferrable initially deferred
           for each row when (${condition}) execute function hold_for_test()`
      : `create trigger hold_for_test ${when} on ${table} for each row when (${condition})
           execute function hold_for_test()`,
  )
  return {
    reached: () => until(client, `select from pg_stat_activity where wait_event = 'PgSleep'`),
    end: () => client.end().catch(() => undefined),
  }
}

/** Removes what `pauseAt` made, which has survived the kill. */
export async function removePauses(gateway: GatewayUnderTest): Promise<void> {
  const client = await gateway.connect()
  try {
    await client.query('drop function if exists hold_for_test cascade')
  } finally {
    await client.end()
  }
}

/** Every commit from now on is durable, but whoever asked for it is not told: it waits for a standby that does not
 *  exist. The setting ends with this server: the next one starts without. */
export async function pauseAfterCommit(gateway: GatewayUnderTest): Promise<Pause> {
  const client = await gateway.connect()
  await client.query(`alter system set synchronous_standby_names = 'nobody'`)
  await client.query('select pg_reload_conf()')
  await until(
    client,
    `select from pg_settings where name = 'synchronous_standby_names' and setting = 'nobody'`,
  )
  await client.query('alter system reset synchronous_standby_names')
  return {
    reached: () => until(client, `select from pg_stat_activity where wait_event = 'SyncRep'`),
    end: () => client.end().catch(() => undefined),
  }
}

async function until(client: pg.Client, found: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < REACH_TIMEOUT_MS; waitedMs += 10) {
    const { rowCount } = await client.query(found)
    if (rowCount !== null && rowCount > 0) return
    await sleep(10)
  }
  throw new Error(`The point was not reached in ${REACH_TIMEOUT_MS} ms: ${found}`)
}

/** The connection pool and the two ways to ask it: named prepared statements (hot) and Kysely (everything else). */
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { PoolClient, PoolConfig, QueryResultRow } from 'pg'
import { faultOf } from './fault-of.js'
import type { Tables } from './tables.js'

export interface Statement {
  /** Named ones are parsed and planned once per connection. */
  readonly name?: string
  readonly text: string
  readonly values: readonly unknown[]
}

export interface Database {
  readonly pool: pg.Pool
  readonly kysely: Kysely<Tables>
  /** Runs one statement as its own transaction; throws Faults only. */
  run<Row extends QueryResultRow>(statement: Statement): Promise<Row[]>
  /** Runs several statements as one transaction; throws Faults only. */
  transaction<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result>
  close(): Promise<void>
}

export interface DatabaseOptions {
  readonly connection: PoolConfig
  readonly poolSize: number
  /** 0 = no limit. */
  readonly statementTimeoutMs: number
  /** How long work waits for a free connection before `store-busy`. */
  readonly acquireTimeoutMs: number
  /** Connections that break while idle are replaced; this hears about them. */
  readonly onConnectionLost: (cause: Error) => void
}

export function openDatabase(options: DatabaseOptions): Database {
  const pool = new pg.Pool({
    application_name: 'onedoor',
    ...options.connection,
    max: options.poolSize,
    connectionTimeoutMillis: options.acquireTimeoutMs,
    keepAlive: true,
    // A server that vanished without a word (half-open connection) must not hold work for ever.
    ...(options.statementTimeoutMs > 0 ? { query_timeout: options.statementTimeoutMs + SILENCE_MS } : {}),
    onConnect: (client) => prepareSession(client, options.statementTimeoutMs),
  })
  pool.on('error', options.onConnectionLost)
  // One that breaks while in use fails its query; without a listener it would end the process as well.
  pool.on('connect', (client) => client.on('error', () => undefined))
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  return {
    pool,
    kysely,
    run: (statement) => run(pool, statement),
    transaction: (work) => transaction(pool, work),
    // Kysely would end the pool only if it had been used.
    close: () => pool.end(),
  }
}

/** How much later than the server's own timeout an answer is given up. */
const SILENCE_MS = 5_000

/** Compiling a plan (jit) costs more than any statement here runs for. Random reads cost about what sequential ones
 *  do on the disks of today; the server's default of four times makes it read whole tables that just began to grow. */
async function prepareSession(client: pg.ClientBase, statementTimeoutMs: number): Promise<void> {
  await client.query(
    `set jit = off; set random_page_cost = 1.1; set statement_timeout = ${Math.trunc(statementTimeoutMs)}`,
  )
}

async function run<Row extends QueryResultRow>(pool: pg.Pool, statement: Statement): Promise<Row[]> {
  let client: PoolClient | undefined
  try {
    client = await pool.connect()
    const { rows } = await client.query<Row>({
      ...(statement.name === undefined ? {} : { name: statement.name }),
      text: statement.text,
      // pg's types ask for a mutable array; it never changes it.
      values: statement.values as unknown[],
    })
    client.release()
    return rows
  } catch (thrown) {
    client?.release(!isRefusal(thrown))
    throw faultOf(thrown)
  }
}

/** The server refused the statement and is ready for the next one. `pool.query` would close the connection, and
 *  every duplicate message would cost a new one. */
const isRefusal = (thrown: unknown): boolean =>
  thrown instanceof pg.DatabaseError && thrown.severity === 'ERROR'

async function transaction<Result>(
  pool: pg.Pool,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  let client: PoolClient | undefined
  try {
    client = await pool.connect()
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    client.release()
    return result
  } catch (thrown) {
    // Closing the connection rolls back, also when it is the connection that failed.
    client?.release(true)
    throw faultOf(thrown)
  }
}

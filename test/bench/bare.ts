/** The bound of every ingest figure: the statement of a commit run bare, from 32 connections in one process, with
 *  values made beforehand by the gateway's own code from the same messages. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { PoolConfig } from 'pg'
import { receive } from '../../src/flow/receive.js'
import type { Gateway } from '../../src/flow/gateway.js'
import { newId } from '../../src/main/new-id.js'
import { loadConfig } from '../../src/config/environment.js'
import { commitStatement } from '../../src/store/commit-statement.js'
import type { Statement } from '../../src/store/database.js'
import type { Store } from '../../src/store/store.js'
import type { CaseCommit } from '../../src/store/types.js'
import { instantOf } from '../../src/terms/instant.js'
import { quantile } from './measure.js'
import { referral } from './messages.js'
import { product } from './product.js'

export interface Rate {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

const CONNECTIONS = 32

/** What the gateway commits for one referral, as the statement that does it, again and again under new ids. */
export async function statementsFor(prefix: string, count: number): Promise<Statement[]> {
  const commits: CaseCommit[] = []
  await receive(Buffer.from(referral(MARK)), gatewayThatKeeps(commits))
  const [commit] = commits
  if (commit === undefined) throw new Error('The gateway refused the message of the bench.')
  const model = commitStatement(commit, 1)
  return Array.from({ length: count }, (_, n) => underNewIds(model, `${prefix}N${n}`))
}

const MARK = 'NUMBER'
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

function underNewIds(model: Statement, number: string): Statement {
  const ids = new Map<string, string>()
  const newIdOf = (id: string): string => {
    const known = ids.get(id) ?? randomUUID()
    ids.set(id, known)
    return known
  }
  const renew = (value: unknown): unknown => {
    if (typeof value === 'string') return value.replace(UUID, newIdOf).replaceAll(MARK, number)
    return Array.isArray(value) ? value.map(renew) : value
  }
  return { ...model, values: model.values.map(renew) }
}

/** Everything of `serve` but the network and the database: each commit goes to `commits`. */
export function gatewayThatKeeps(commits: CaseCommit[]): Gateway {
  const { deployment, translator, validate } = product()
  const { limits } = loadConfig({})
  const commitCase: Store['commitCase'] = (commit) => {
    commits.push(commit)
    return Promise.resolve({ kind: 'committed', version: 1 })
  }
  return {
    // A new referral asks nothing else of the store.
    store: { commitCase } as Store,
    deployment,
    translator,
    validate,
    publishers: new Map(),
    clock: () => instantOf(new Date()),
    newId,
    random: Math.random,
    acceptUnregistered: false,
    hl7Limits: {
      maxMessageBytes: limits.hl7MaxMessageBytes,
      maxSegments: limits.hl7MaxSegments,
      maxRepetitions: limits.hl7MaxRepetitions,
      maxFieldBytes: limits.hl7MaxFieldBytes,
    },
    observe: { answered: () => undefined, attempted: () => undefined, failed: () => undefined },
  }
}

export async function runBare(connection: PoolConfig, statements: readonly Statement[]): Promise<Rate> {
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => connected(connection)))
  try {
    const warmUp = Math.floor(statements.length / 6)
    await drain(clients, statements.slice(0, warmUp), [])
    const times: number[] = []
    const startedAt = performance.now()
    await drain(clients, statements.slice(warmUp), times)
    const seconds = (performance.now() - startedAt) / 1000
    return { perSecond: times.length / seconds, p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99) }
  } finally {
    await Promise.all(clients.map((client) => client.end()))
  }
}

/** The same session as the gateway's own connections. */
async function connected(connection: PoolConfig): Promise<pg.Client> {
  const client = new pg.Client(connection)
  await client.connect()
  await client.query('set jit = off; set random_page_cost = 1.1')
  return client
}

async function drain(
  clients: readonly pg.Client[],
  statements: readonly Statement[],
  times: number[],
): Promise<void> {
  let next = 0
  const work = async (client: pg.Client): Promise<void> => {
    for (let statement = statements[next++]; statement !== undefined; statement = statements[next++]) {
      const { name, text, values } = statement
      const startedAt = performance.now()
      await client.query({ ...(name === undefined ? {} : { name }), text, values: [...values] })
      times.push(performance.now() - startedAt)
    }
  }
  await Promise.all(clients.map(work))
}

/** Opens the store: pool, migrations, checks and the signal; everything else is one file per act. */
import type { PoolConfig } from 'pg'
import {
  beginAttempt,
  findDelivery,
  readDeliveries,
  receiverAnswered,
  receiverFailed,
  recordAttempt,
} from './attempts.js'
import { findCasesByIdentifier, readCase, readEvents } from './cases.js'
import { commitCase } from './commit-case.js'
import { counts, oldestWaiting } from './counts.js'
import { openDatabase, type Database } from './database.js'
import { claimDeadlines, nextDueInMs } from './deadlines.js'
import { requireDurable } from './durability.js'
import { findAnswer, keepQuarantined } from './messages.js'
import { migrate } from './migrate.js'
import { claimDeliveries } from './outbox.js'
import { putDirectory, readHistory, readResource, readVersion } from './resources.js'
import { searchResources } from './search.js'
import type { Store } from './store.js'
import { WorkSignal } from './work-signal.js'

export interface StoreOptions {
  readonly connection: PoolConfig
  /** Connections of this process; the default is 16. */
  readonly poolSize?: number
  /** A statement is given up after this time; the default is 10 s. */
  readonly statementTimeoutMs?: number
  /** Work waits this long for a free connection; the default is 5 s. */
  readonly acquireTimeoutMs?: number
  /** Hears about connections that broke while idle; they are replaced. */
  readonly onConnectionLost?: (cause: Error) => void
}

/** Throws Fault `store-unavailable` when the database does not answer, `config-invalid` when it cannot promise a
 *  commit. Migrations run first, under a lock that all processes share. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const database = openDatabase({
    connection: options.connection,
    poolSize: options.poolSize ?? 16,
    statementTimeoutMs: options.statementTimeoutMs ?? 10_000,
    acquireTimeoutMs: options.acquireTimeoutMs ?? 5_000,
    onConnectionLost: options.onConnectionLost ?? (() => undefined),
  })
  try {
    await requireDurable(database)
    await migrate(options.connection)
  } catch (thrown) {
    await database.close()
    throw thrown
  }
  return storeOn(database, new WorkSignal(options.connection))
}

function storeOn(database: Database, signal: WorkSignal): Store {
  return {
    async commitCase(commit) {
      const outcome = await commitCase(database, commit)
      if (outcome.kind === 'committed' && makesWork(commit)) signal.raise()
      return outcome
    },
    quarantine: (input) => keepQuarantined(database, input),
    readCase: (caseId) => readCase(database, caseId),
    readEvents: (caseId) => readEvents(database, caseId),
    findCasesByIdentifier: (system, value) => findCasesByIdentifier(database, system, value),
    findAnswer: (sender, messageId, bodyHash) => findAnswer(database, sender, messageId, bodyHash),
    claimDeliveries: (claim) => claimDeliveries(database, claim),
    beginAttempt: (deliveryId, lease, rendered) => beginAttempt(database, deliveryId, lease, rendered),
    async recordAttempt(outcome) {
      const recorded = await recordAttempt(database, outcome)
      if (recorded && outcome.state !== 'queued') signal.raise()
      return recorded
    },
    findDelivery: (correlation) => findDelivery(database, correlation),
    readDeliveries: (caseId) => readDeliveries(database, caseId),
    nextDueInMs: (now) => nextDueInMs(database, now),
    receiverFailed: (receiver, now, policy) => receiverFailed(database, receiver, now, policy),
    async receiverAnswered(receiver) {
      const { closed } = await receiverAnswered(database, receiver)
      if (closed) signal.raise()
      return { closed }
    },
    claimDeadlines: (claim) => claimDeadlines(database, claim),
    readResource: (type, id) => readResource(database, type, id),
    readVersion: (type, id, version) => readVersion(database, type, id, version),
    readHistory: (type, id, limit) => readHistory(database, type, id, limit),
    putDirectory: (resources, now) => putDirectory(database, resources, now),
    search: (query) => searchResources(database.pool, query),
    onWork: (callback) => signal.onWork(callback),
    counts: () => counts(database),
    oldestWaiting: () => oldestWaiting(database),
    async ping() {
      await database.run({ text: 'select 1', values: [] })
    },
    async close() {
      await signal.close()
      await database.close()
    },
  }
}

/** A settled delivery lets the next of its line go, and a new deadline may be the next thing due. */
const makesWork = (commit: Parameters<Store['commitCase']>[0]): boolean =>
  commit.deliveries.length > 0 || commit.deadlines.length > 0 || commit.attempt !== undefined

/** The embedded PostgreSQL: made on the first start, started with the gateway, stopped with it, started again when
 *  it dies alone. No network port; its socket lies in a private directory. */
import { mkdirSync, realpathSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { PoolConfig } from 'pg'
import { Fault } from '../../terms/fault.js'
import { accountFor, type Account } from './account.js'
import { installedNative, prepareBinaries, type Binaries } from './binaries.js'
import { clusterDir, ensureCluster, SUPERUSER } from './cluster.js'
import { ownDirectory } from './owner.js'
import { readPidFile, stopOrphan } from './postmaster.js'
import { makeRuntimeDir, removeRuntimeDir, SOCKET_PORT } from './runtime-dir.js'
import { removeSockets, runServer, type Server, type ServerOptions } from './server.js'

export interface EmbeddedOptions {
  /** Made when absent. The cluster lies in `postgres` below it. */
  readonly dataDir: string
  /** A data directory of `initCluster`, copied when `dataDir` has no cluster yet. */
  readonly seed?: string
  /** The PostgreSQL to run (with `bin`, `lib`, `share`); the one npm installed for this platform by default. */
  readonly native?: string
  /** Recovery after a crash is part of a start; the default is 120 s. */
  readonly startTimeoutMs?: number
  /** A clean stop that takes longer is cut short (nothing committed is lost); the default is 8 s. */
  readonly stopTimeoutMs?: number
  readonly log?: (event: EmbeddedEvent) => void
}

export type EmbeddedEvent =
  | { readonly event: 'database-started'; readonly durationMs: number }
  | { readonly event: 'database-died' }
  | { readonly event: 'database-restart-failed'; readonly cause: unknown }

export interface Embedded {
  readonly connection: PoolConfig
  stop(): Promise<void>
}

const stopTimeoutMs = (options: EmbeddedOptions): number => options.stopTimeoutMs ?? 8_000

const DATABASE = 'onedoor'
const MAX_RESTART_DELAY_MS = 5_000

/** Throws Fault `store-unavailable`, saying what stands in the way. */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const startedAt = performance.now()
  mkdirSync(options.dataDir, { recursive: true })
  const dataDir = realpathSync(options.dataDir)
  const account = accountFor(clusterDir(dataDir))
  const runtimeDir = makeRuntimeDir(account)
  let disown: (() => Promise<void>) | undefined
  try {
    disown = await ownDirectory(dataDir, runtimeDir)
    const binaries = prepareBinaries(options.native ?? installedNative(), account, runtimeDir)
    const serverOptions = await prepareCluster(options, { dataDir, account, binaries, runtimeDir })
    const supervisor = new Supervisor(serverOptions, options)
    await supervisor.start()
    const connection = { host: runtimeDir, port: SOCKET_PORT, user: SUPERUSER, database: DATABASE }
    await ensureDatabase(connection)
    options.log?.({ event: 'database-started', durationMs: Math.round(performance.now() - startedAt) })
    return { connection, stop: () => supervisor.stop(disown) }
  } catch (thrown) {
    await disown?.()
    removeRuntimeDir(runtimeDir)
    throw thrown
  }
}

async function prepareCluster(
  options: EmbeddedOptions,
  place: { dataDir: string; account: Account; binaries: Binaries; runtimeDir: string },
): Promise<ServerOptions> {
  const cluster = clusterDir(place.dataDir)
  const before = readPidFile(cluster)
  await stopOrphan(cluster, { timeoutMs: stopTimeoutMs(options) })
  if (before !== undefined) removeRuntimeDir(before.socketDir)
  await ensureCluster(place.dataDir, place.account, place.binaries, options.seed)
  return { ...place, cluster, startTimeoutMs: options.startTimeoutMs ?? 120_000 }
}

async function ensureDatabase(connection: PoolConfig): Promise<void> {
  const client = new pg.Client({ ...connection, database: 'postgres' })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE])
    if (rowCount === 0) await client.query(`create database ${DATABASE}`)
  } catch (cause) {
    throw new Fault('store-unavailable', 'The PostgreSQL just started does not answer.', '', { cause })
  } finally {
    await client.end().catch(() => undefined)
  }
}

class Supervisor {
  readonly #serverOptions: ServerOptions
  readonly #options: EmbeddedOptions
  #server: Server | undefined
  #isStopping = false

  constructor(serverOptions: ServerOptions, options: EmbeddedOptions) {
    this.#serverOptions = serverOptions
    this.#options = options
  }

  async start(): Promise<void> {
    this.#server = await runPatiently(this.#serverOptions)
    void this.#server.ended.then(() => this.#restart())
  }

  async stop(disown: (() => Promise<void>) | undefined): Promise<void> {
    this.#isStopping = true
    await this.#server?.stop(stopTimeoutMs(this.#options))
    removeRuntimeDir(this.#serverOptions.runtimeDir)
    await disown?.()
  }

  /** The server died alone (out of memory, an operator's kill): the gateway lives on and gets it back. */
  async #restart(): Promise<void> {
    if (this.#isStopping) return
    this.#options.log?.({ event: 'database-died' })
    for (let delayMs = 50; !this.#isStopping; delayMs = Math.min(delayMs * 2, MAX_RESTART_DELAY_MS)) {
      try {
        // When the keeper was killed alone, the server may still be running.
        await stopOrphan(this.#serverOptions.cluster, { timeoutMs: stopTimeoutMs(this.#options) })
        removeSockets(this.#serverOptions.runtimeDir)
        await this.start()
        return
      } catch (cause) {
        this.#options.log?.({ event: 'database-restart-failed', cause })
        await sleep(delayMs, undefined, { ref: false })
      }
    }
  }
}

const SHARED_MEMORY_PATIENCE_MS = 10_000

/** After a kill -9 of the server its children need a moment to notice; until then their shared memory is in use. */
async function runPatiently(options: ServerOptions): Promise<Server> {
  const giveUpAt = Date.now() + SHARED_MEMORY_PATIENCE_MS
  for (;;) {
    try {
      return await runServer(options)
    } catch (thrown) {
      const isPassing = thrown instanceof Fault && thrown.message.includes('shared memory block')
      if (!isPassing || Date.now() > giveUpAt) throw thrown
      await sleep(50)
    }
  }
}

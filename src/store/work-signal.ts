/** Wakes the workers of every process when deliveries were committed. On its own connection and after the commit:
 *  NOTIFY inside it takes a lock for the whole flush and cuts throughput to a seventh. A lost signal costs no
 *  delivery, only time: workers also poll. */
import pg from 'pg'
import type { PoolConfig } from 'pg'

const CHANNEL = 'onedoor_work'
/** Commits within this time share one NOTIFY. */
const COALESCE_MS = 20
const FIRST_RETRY_MS = 100
const MAX_RETRY_MS = 5_000

export class WorkSignal {
  readonly #connection: PoolConfig
  readonly #callbacks = new Set<() => void>()
  #client: pg.Client | undefined
  #pending: NodeJS.Timeout | undefined
  #retry: NodeJS.Timeout | undefined
  #retryMs = FIRST_RETRY_MS
  #isNotifying = false
  #closed = false

  constructor(connection: PoolConfig) {
    this.#connection = connection
    void this.#connect()
  }

  onWork(callback: () => void): () => void {
    this.#callbacks.add(callback)
    return () => this.#callbacks.delete(callback)
  }

  /** Deliveries were committed: tells the workers here and in the other processes, soon. */
  raise(): void {
    this.#pending ??= setTimeout(() => {
      this.#pending = undefined
      this.#call()
      void this.#notify()
    }, COALESCE_MS)
  }

  /** One at a time: what is raised while one is on its way rides on the next. */
  async #notify(): Promise<void> {
    if (this.#isNotifying) {
      this.raise()
      return
    }
    this.#isNotifying = true
    await this.#client?.query(`notify ${CHANNEL}`).catch(() => undefined)
    this.#isNotifying = false
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#pending)
    clearTimeout(this.#retry)
    this.#callbacks.clear()
    await this.#client?.end().catch(() => undefined)
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({ application_name: 'onedoor signal', ...this.#connection, keepAlive: true })
    client.on('error', () => undefined)
    client.on('end', () => {
      if (this.#client === client) this.#client = undefined
      this.#reconnect()
    })
    client.on('notification', ({ processId }) => {
      if (processId !== ownProcessId(client)) this.#call()
    })
    try {
      await client.connect()
      await client.query(`listen ${CHANNEL}`)
    } catch {
      client.end().catch(() => undefined)
      this.#reconnect()
      return
    }
    if (this.#closed) return void client.end().catch(() => undefined)
    this.#client = client
    this.#retryMs = FIRST_RETRY_MS
    // Something may have been committed while nobody listened.
    this.#call()
  }

  #reconnect(): void {
    if (this.#closed || this.#retry !== undefined) return
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      void this.#connect()
    }, this.#retryMs)
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS)
  }

  #call(): void {
    for (const callback of this.#callbacks) callback()
  }
}

/** pg keeps the server's process id of a connection, but its types do not say so. */
const ownProcessId = (client: pg.Client): unknown => (client as pg.Client & { processID?: unknown }).processID

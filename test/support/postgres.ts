/** A real PostgreSQL for one test file: its own server and migrated database, from a cluster made once per schema. */
import { afterAll, beforeAll } from '@jest/globals'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PoolConfig } from 'pg'
import { startEmbedded, type Embedded } from '../../src/store/embedded/start.js'
import { MIGRATIONS } from '../../src/store/migrations/index.js'
import { openStore, type StoreOptions } from '../../src/store/open.js'
import type { Store } from '../../src/store/store.js'

export interface TestDatabase {
  /** Ready inside tests and later hooks. */
  readonly connection: PoolConfig
  readonly embedded: Embedded
  /** Where the server keeps its data. */
  readonly dataDir: string
  /** Opens a store that is closed after the last test. */
  open(options?: Partial<StoreOptions>): Promise<Store>
}

/** Call it at the top of a test file or of a `describe`: it adds the hooks that start and stop the server. Each file
 *  has a server of its own (0.2 s), so files run in parallel and may break theirs. */
export function withDatabase(): TestDatabase {
  let embedded: Embedded | undefined
  let dataDir = ''
  const stores: Store[] = []
  const running = (): Embedded => {
    if (embedded === undefined) throw new Error('The database starts in beforeAll; use it inside tests.')
    return embedded
  }
  beforeAll(async () => {
    const seed = await migratedSeed()
    dataDir = mkdtempSync(join(tmpdir(), 'onedoor-test-'))
    chmodSync(dataDir, 0o755)
    embedded = await startEmbedded({ dataDir, seed })
  }, 60_000)
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()))
    await embedded?.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }, 60_000)
  return {
    get connection() {
      return running().connection
    },
    get embedded() {
      return running()
    },
    get dataDir() {
      return dataDir
    },
    async open(options = {}) {
      const store = await openStore({ connection: running().connection, ...options })
      stores.push(store)
      return store
    },
  }
}

/** A data directory with the current schema, made by whoever comes first and kept for the next run. */
async function migratedSeed(): Promise<string> {
  const schema = createHash('sha256').update(JSON.stringify(MIGRATIONS)).digest('hex').slice(0, 16)
  const seed = join(tmpdir(), `onedoor-test-seed-${process.getuid?.() ?? 0}-${schema}`)
  if (existsSync(seed)) return seed
  const fresh = mkdtempSync(join(tmpdir(), 'onedoor-test-new-'))
  const embedded = await startEmbedded({ dataDir: fresh })
  try {
    const store = await openStore({ connection: embedded.connection })
    await store.close()
  } finally {
    await embedded.stop()
  }
  try {
    renameSync(fresh, seed)
  } catch {
    // Another worker was faster; its seed is the same.
    rmSync(fresh, { recursive: true, force: true })
  }
  return seed
}

/** The store the configuration asks for: an external PostgreSQL, or the embedded one. */
import type { Config } from '../config/environment.js'
import { describe, type Log } from '../config/log.js'
import { startEmbedded } from '../store/embedded/start.js'
import { openStore } from '../store/open.js'
import type { Store } from '../store/store.js'

export interface ConfiguredStore {
  readonly store: Store
  /** Closes the store, then stops the database if it is ours. */
  readonly close: () => Promise<void>
}

export async function openConfiguredStore(config: Config, log: Log): Promise<ConfiguredStore> {
  const database = await connect(config, log)
  try {
    const store = await openStore({
      connection: database.connection,
      poolSize: config.limits.databasePoolSize,
      statementTimeoutMs: config.limits.statementTimeoutMs,
      onConnectionLost: (cause) => log.warn({ event: 'connection-lost', ...describe(cause) }),
    })
    return {
      store,
      close: async () => {
        await store.close()
        await database.stop()
      },
    }
  } catch (thrown) {
    await database.stop()
    throw thrown
  }
}

async function connect(config: Config, log: Log) {
  if (config.databaseUrl !== undefined) {
    return { connection: { connectionString: config.databaseUrl }, stop: async () => undefined }
  }
  return startEmbedded({
    dataDir: config.dataDir,
    ...(config.clusterTemplate === undefined ? {} : { seed: config.clusterTemplate }),
    log: (event) => log.info('cause' in event ? { ...event, cause: describe(event.cause) } : event),
  })
}

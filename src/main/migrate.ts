/** Commands that prepare a database and stop. */
import { resolve } from 'node:path'
import { loadConfig } from '../config/environment.js'
import { createLog } from '../config/log.js'
import { initCluster } from '../store/embedded/cluster.js'
import { Fault } from '../terms/fault.js'
import { openConfiguredStore } from './database.js'

/** Opening the store brings its schema up to date. */
export async function migrateOnce(): Promise<number> {
  const config = loadConfig(process.env)
  const { close } = await openConfiguredStore(config, createLog(config.logLevel))
  await close()
  return 0
}

/** `init-cluster DIR`: an empty embedded database for a container image (docs/operations.md). */
export async function initTemplate([dir]: readonly string[]): Promise<number> {
  if (dir === undefined) throw new Fault('config-invalid', 'Say where: onedoor init-cluster DIR')
  await initCluster(resolve(dir))
  return 0
}

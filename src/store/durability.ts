/** Refuses a server that would say "committed" before the commit is on disk. */
import { Fault } from '../terms/fault.js'
import type { Database } from './database.js'

/** The oldest release whose SQL the statements use (`nulls not distinct`). */
const OLDEST_VERSION = 15

export async function requireDurable(database: Database): Promise<void> {
  const [row] = await database.run<{
    fsync: string
    synchronous_commit: string
    version: string
    recovering: boolean
  }>({
    text: `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as synchronous_commit,
      current_setting('server_version_num') as version, pg_is_in_recovery() as recovering`,
    values: [],
  })
  const version = Math.floor(Number(row?.version) / 10_000)
  const wrong = [
    ...(row?.fsync === 'off' ? ['fsync is off: set it to on'] : []),
    ...(row?.synchronous_commit === 'off' ? ['synchronous_commit is off: set it to on'] : []),
    ...(row?.recovering === true ? ['the server is a read-only replica: name the primary'] : []),
    ...(version < OLDEST_VERSION ? [`PostgreSQL ${version} is too old: use ${OLDEST_VERSION} or later`] : []),
  ]
  if (wrong.length > 0) {
    throw new Fault(
      'config-invalid',
      `This database cannot keep what is acknowledged: ${wrong.join('; ')}.`,
      'DATABASE_URL',
    )
  }
}

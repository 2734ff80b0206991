/** The cluster on disk: made once, checked at every start. */
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '../../terms/fault.js'
import { accountFor, canReach, giveDirectoryTo, giveTo, type Account } from './account.js'
import { installedNative, prepareBinaries, type Binaries } from './binaries.js'
import { makeRuntimeDir, removeRuntimeDir } from './runtime-dir.js'

/** The release line of the binaries; a cluster of another one needs `pg_upgrade`. */
const MAJOR_VERSION = '18'
/** The only role; the socket's directory decides who may use it. */
export const SUPERUSER = 'onedoor'

export const clusterDir = (dataDir: string): string => join(dataDir, 'postgres')

/** Makes the cluster without starting it, for a container image: a user id without a name can run PostgreSQL but
 *  not `initdb`. Nothing happens when it is there already. */
export async function initCluster(dataDir: string): Promise<void> {
  mkdirSync(dataDir, { recursive: true })
  const account = accountFor(clusterDir(dataDir))
  const runtimeDir = makeRuntimeDir(account)
  try {
    await ensureCluster(dataDir, account, prepareBinaries(installedNative(), account, runtimeDir))
  } finally {
    removeRuntimeDir(runtimeDir)
  }
}

/** `seed`: a data directory of `initCluster`, copied instead of running `initdb`. */
export async function ensureCluster(
  dataDir: string,
  account: Account,
  binaries: Binaries,
  seed?: string,
): Promise<void> {
  const cluster = clusterDir(dataDir)
  if (!existsSync(join(cluster, 'PG_VERSION'))) {
    // Made aside and renamed: a half-made cluster is never taken for a whole one.
    const fresh = `${cluster}.new`
    rmSync(fresh, { recursive: true, force: true })
    mkdirSync(fresh, { mode: 0o700 })
    giveDirectoryTo(account, fresh)
    if (seed === undefined) await runInitdb(fresh, account, binaries)
    else copySeed(seed, fresh, account)
    renameSync(fresh, cluster)
  }
  // A restored copy that root made. Nothing is handed over inside a tree that is the account's already: whoever
  // broke into PostgreSQL could have linked another's files there.
  if (account.dropped && statSync(cluster).uid !== account.uid) giveTo(account, cluster)
  const version = readFileSync(join(cluster, 'PG_VERSION'), 'utf8').trim()
  if (version !== MAJOR_VERSION) {
    throw new Fault(
      'store-unavailable',
      `The data directory was made by PostgreSQL ${version}; this gateway brings ${MAJOR_VERSION}. ` +
        'Move the data with pg_upgrade or pg_dump, or set DATABASE_URL.',
      cluster,
    )
  }
}

function copySeed(seed: string, cluster: string, account: Account): void {
  cpSync(clusterDir(seed), cluster, { recursive: true, preserveTimestamps: true })
  giveTo(account, cluster)
}

/** How a command is told its cluster. On Linux by its working directory, which root has entered for it: the
 *  directories above (/root, 0700) need not let the unprivileged account pass. */
export function clusterArgument(cluster: string, account: Account): string {
  if (canReach(account, cluster)) return cluster
  if (process.platform === 'linux') return '/proc/self/cwd'
  throw new Fault(
    'store-unavailable',
    `User ${account.uid}, as which PostgreSQL runs, may not enter a directory above this one. ` +
      'Choose another ONEDOOR_DATA_DIR or let others pass (chmod o+x).',
    cluster,
  )
}

/** Locale C.UTF-8 of PostgreSQL's own: the same order on every machine, no library of the system involved. */
const INITDB_OPTIONS = [
  '--encoding=UTF8',
  '--locale-provider=builtin',
  '--locale=C.UTF-8',
  '--auth-local=trust',
  '--auth-host=reject',
  '--no-instructions',
]

async function runInitdb(cluster: string, account: Account, binaries: Binaries): Promise<void> {
  const child = spawn(
    binaries.initdb,
    ['-D', clusterArgument(cluster, account), `--username=${SUPERUSER}`, ...INITDB_OPTIONS],
    {
      cwd: cluster,
      env: binaries.env,
      stdio: ['ignore', 'ignore', 'pipe'],
      ...(account.dropped ? { uid: account.uid, gid: account.gid } : {}),
    },
  )
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const code = await new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (status, signal) => resolve(status ?? signal ?? 'unknown'))
  })
  if (code !== 0)
    throw new Fault('store-unavailable', initdbAdvice(account, said), cluster, { cause: { code, said } })
}

function initdbAdvice(account: Account, said: string): string {
  if (said.includes('could not look up effective user ID')) {
    return (
      `User id ${account.uid} has no name on this system, which initdb needs. Add a line to /etc/passwd, give a ` +
      'cluster made beforehand (initCluster), or set DATABASE_URL.'
    )
  }
  return `PostgreSQL could not make its data directory: ${said.trim().split('\n').at(-1) ?? 'no reason given'}`
}

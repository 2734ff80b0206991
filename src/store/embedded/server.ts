/** One run of the server under a keeper: a shell that ends PostgreSQL when the gateway is gone, however it went. */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../../terms/fault.js'
import type { Account } from './account.js'
import type { Binaries } from './binaries.js'
import { clusterArgument } from './cluster.js'
import { isRunning, readPidFile } from './postmaster.js'
import { SOCKET_PORT, socketPath } from './runtime-dir.js'

export interface Server {
  /** Resolves when the server's keeper has ended, whoever ended it. */
  readonly ended: Promise<void>
  /** Clean stop: no new connections, running transactions rolled back, checkpoint. */
  stop(timeoutMs: number): Promise<void>
}

export interface ServerOptions {
  readonly dataDir: string
  readonly cluster: string
  readonly account: Account
  readonly binaries: Binaries
  readonly runtimeDir: string
  readonly startTimeoutMs: number
}

/** Its standard input is a pipe from the gateway, which the kernel closes with the gateway (kill -9 included): then
 *  PostgreSQL gets SIGINT, a clean stop, and the private directory goes. As PostgreSQL's parent the keeper also reaps
 *  it, so that no zombie keeps its process id where nothing else reaps (a container without an init). Signals to the
 *  process group are for the gateway. */
const KEEPER = `
trap '' INT TERM HUP
runtime=$1
shift
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
{ while read -r _ <&3; do :; done; : >"$runtime/abandoned"; kill -INT $server; } &
watch=$!
wait $server
status=$?
kill -KILL $watch 2>/dev/null
if [ -e "$runtime/abandoned" ]; then rm -rf "$runtime"; fi
exit $status`

/** Durability is on and said so here, whatever a configuration file in the cluster says. No statement text and no
 *  detail goes to the log: they may hold a patient's data. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '',
  port: String(SOCKET_PORT),
  unix_socket_permissions: '0700',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  max_connections: '100',
  shared_buffers: '128MB',
  wal_compression: 'pglz',
  max_wal_size: '1GB',
  checkpoint_timeout: '5min',
  jit: 'off',
  log_min_messages: 'warning',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_parameter_max_length: '0',
  log_parameter_max_length_on_error: '0',
  logging_collector: 'off',
  log_destination: 'stderr',
}

/** Resolves when connections are accepted. */
export async function runServer(options: ServerOptions): Promise<Server> {
  const logFile = join(options.dataDir, 'postgres.log')
  const child = spawnKeeper(options, logFile)
  const server = serverOn(child, options.cluster)
  await untilReady(child, options, logFile)
  return server
}

function spawnKeeper(options: ServerOptions, logFile: string): ChildProcess {
  const { account, binaries, cluster, runtimeDir } = options
  const settings = Object.entries({ ...SETTINGS, unix_socket_directories: runtimeDir })
  const command = [
    binaries.postgres,
    '-D',
    clusterArgument(cluster, account),
    ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
  const log = openLog(logFile)
  try {
    return spawn('/bin/sh', ['-c', KEEPER, 'onedoor-postgres', runtimeDir, ...command], {
      cwd: cluster,
      env: { ...binaries.env, ...staleProcessIdPass(cluster) },
      stdio: ['pipe', log, log],
      // A session of its own: Ctrl-C and kills of the gateway's group pass it by.
      detached: true,
      ...(account.dropped ? { uid: account.uid, gid: account.gid } : {}),
    })
  } finally {
    closeSync(log)
  }
}

/** PostgreSQL refuses to start when the process id in a stale pid file is in use, by whatever; only the ids of its
 *  own ancestors pass. Behind this stands its check of the shared memory, which a living server holds. */
function staleProcessIdPass(cluster: string): Readonly<Record<string, string>> {
  const stale = readPidFile(cluster)
  return stale === undefined || isRunning(stale) ? {} : { PG_GRANDPARENT_PID: String(stale.pid) }
}

const MAX_LOG_BYTES = 10 * 1024 * 1024

function openLog(path: string): number {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size > MAX_LOG_BYTES) truncateSync(path)
  return openSync(path, 'a', 0o600)
}

function serverOn(child: ChildProcess, cluster: string): Server {
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  }).then(() => void child.stdin?.end())
  // The keeper must not keep a gateway alive that has nothing else to do; the pipe closes with it.
  child.unref()
  child.stdin?.on('error', () => undefined)
  return {
    ended,
    async stop(timeoutMs) {
      child.ref()
      const running = readPidFile(cluster)
      child.stdin?.end()
      const patience = new AbortController()
      const outcome = await Promise.race([
        ended.then(() => 'ended' as const),
        sleep(timeoutMs, 'late' as const, { signal: patience.signal }),
      ])
      patience.abort()
      if (outcome === 'late' && running !== undefined && isRunning(running))
        process.kill(running.pid, 'SIGQUIT')
      await ended
    },
  }
}

async function untilReady(child: ChildProcess, options: ServerOptions, logFile: string): Promise<void> {
  const logStart = statSync(logFile).size
  const giveUpAt = Date.now() + options.startTimeoutMs
  let failure: Error | undefined
  child.once('error', (error) => (failure = error))
  while (!(readPidFile(options.cluster)?.isReady === true && isListening(options.runtimeDir))) {
    const ended = failure !== undefined || child.exitCode !== null || child.signalCode !== null
    if (ended || Date.now() > giveUpAt) {
      child.stdin?.end()
      const said = readFileSync(logFile, 'utf8').slice(logStart).trim()
      throw new Fault(
        'store-unavailable',
        `PostgreSQL ${ended ? 'ended while starting' : `was not ready in ${options.startTimeoutMs} ms`}: ` +
          `${said.split('\n').at(-1) || (failure?.message ?? 'no reason given')}. See ${logFile}.`,
        options.cluster,
        { cause: { said, failure } },
      )
    }
    await sleep(5)
  }
}

/** The pid file may still be the one before; the socket in a new directory can only be ours. */
const isListening = (runtimeDir: string): boolean =>
  statSync(socketPath(runtimeDir), { throwIfNoEntry: false }) !== undefined

/** For a new run in the same directory, after the one before has ended. */
export function removeSockets(runtimeDir: string): void {
  rmSync(socketPath(runtimeDir), { force: true })
  rmSync(`${socketPath(runtimeDir)}.lock`, { force: true })
}

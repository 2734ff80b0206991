/** A server that may still be running on a cluster: found by its pid file, told from a stranger, stopped. */
import { spawnSync } from 'node:child_process'
import { readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../../terms/fault.js'

export interface PidFile {
  readonly pid: number
  readonly socketDir: string
  /** The server accepts connections. */
  readonly isReady: boolean
}

/** `postmaster.pid`: process id, data directory, start time, port, socket directory, address, shared memory, state. */
export function readPidFile(cluster: string): PidFile | undefined {
  let lines: string[]
  try {
    lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n')
  } catch {
    return undefined
  }
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  return { pid, socketDir: lines[4] ?? '', isReady: (lines[7] ?? '').trim() === 'ready' }
}

/** Stops a server whose gateway is gone. A pid file alone proves nothing: after a crash of the whole machine or
 *  container its number may belong to any process, and an unreaped one (zombie) still has it. */
export async function stopOrphan(cluster: string, options: { readonly timeoutMs: number }): Promise<void> {
  const found = readPidFile(cluster)
  if (found === undefined || !isServerOf(found.pid, cluster)) return
  signal(found.pid, 'SIGINT')
  if (await isGone(found.pid, cluster, options.timeoutMs)) return
  // Immediate shutdown: the next start replays the log, nothing committed is lost.
  signal(found.pid, 'SIGQUIT')
  if (await isGone(found.pid, cluster, options.timeoutMs)) return
  throw new Fault(
    'store-unavailable',
    `A PostgreSQL of an earlier gateway (process ${found.pid}) does not stop; end it and start again.`,
    cluster,
  )
}

function signal(pid: number, name: 'SIGINT' | 'SIGQUIT'): void {
  try {
    process.kill(pid, name)
  } catch {
    // It ended by itself, or belongs to someone else: the wait that follows tells.
  }
}

async function isGone(pid: number, cluster: string, timeoutMs: number): Promise<boolean> {
  const giveUpAt = Date.now() + timeoutMs
  while (isServerOf(pid, cluster)) {
    if (Date.now() > giveUpAt) return false
    await sleep(10)
  }
  return true
}

/** Whether that process is a living PostgreSQL of that cluster: it works inside the data directory. */
export function isServerOf(pid: number, cluster: string): boolean {
  return process.platform === 'linux' ? isServerByProc(pid, cluster) : isServerByPs(pid)
}

function isServerByProc(pid: number, cluster: string): boolean {
  const stat = readOrEmpty(`/proc/${pid}/stat`)
  const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
  const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3)
  if (name !== 'postgres' || state === 'Z' || state === 'X') return false
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(cluster)
  } catch {
    // Another user's process hides its directory; by name it is a PostgreSQL.
    return true
  }
}

function isServerByPs(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=,comm=', '-p', String(pid)], { encoding: 'utf8' })
  const [state = '', command = ''] = stdout.trim().split(/\s+/)
  return !state.startsWith('Z') && command.endsWith('postgres')
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

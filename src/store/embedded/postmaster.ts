/** A server that may still be running on a cluster: found by its pid file, told from a stranger, stopped. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
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
  if (found === undefined || !isRunning(found)) return
  signal(found.pid, 'SIGINT')
  if (await isGone(found, options.timeoutMs)) return
  // Immediate shutdown: the next start replays the log, nothing committed is lost.
  signal(found.pid, 'SIGQUIT')
  if (await isGone(found, options.timeoutMs)) return
  throw new Fault(
    'store-unavailable',
    `A PostgreSQL of an earlier gateway (process ${found.pid}) does not stop; end it and start again.`,
    cluster,
  )
}

/** Whether the process is the server that wrote the file: its command line names the socket directory, which is new
 *  for every start. A zombie has no command line. */
export function isRunning({ pid, socketDir }: PidFile): boolean {
  return socketDir !== '' && commandLineOf(pid).includes(socketDir)
}

function commandLineOf(pid: number): string {
  if (process.platform !== 'linux') {
    return spawnSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).stdout
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

function signal(pid: number, name: 'SIGINT' | 'SIGQUIT'): void {
  try {
    process.kill(pid, name)
  } catch {
    // It ended by itself: the wait that follows tells.
  }
}

async function isGone(found: PidFile, timeoutMs: number): Promise<boolean> {
  const giveUpAt = Date.now() + timeoutMs
  while (isRunning(found)) {
    if (Date.now() > giveUpAt) return false
    await sleep(10)
  }
  return true
}

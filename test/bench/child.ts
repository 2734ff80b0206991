/** A process of its own that prints JSON lines, and what it costs while it runs. */
import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

export type Line = Readonly<Record<string, unknown>>

export class Child {
  readonly pid: number
  readonly startedAt = performance.now()
  readonly ended: Promise<void>
  private readonly process: ChildProcess
  private readonly lines: Line[] = []
  private readonly listeners = new Set<() => void>()

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.process = spawn(process.execPath, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    if (this.process.pid === undefined || this.process.stdout === null) {
      throw new Error(`${args.join(' ')} cannot be started`)
    }
    this.pid = this.process.pid
    this.ended = new Promise((resolve) => this.process.once('exit', () => resolve()))
    void this.ended.then(() => this.tell())
    createInterface({ input: this.process.stdout }).on('line', (line) => {
      this.lines.push(lineOf(line))
      this.tell()
    })
  }

  /** The first line with that `event`, printed already or still to come. */
  said(event: string): Promise<Line> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.lines.find((line) => line['event'] === event)
        if (found !== undefined) resolve(found)
        else if (this.process.exitCode === null && this.process.signalCode === null) return
        else reject(new Error(`${this.process.spawnargs.slice(1).join(' ')} ended before "${event}"`))
        this.listeners.delete(look)
      }
      this.listeners.add(look)
      look()
    })
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.process.kill(signal)
    await this.ended
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener()
  }
}

function lineOf(text: string): Line {
  try {
    // Printed by our own commands.
    return JSON.parse(text) as Line
  } catch {
    process.stderr.write(`${text}\n`)
    return {}
  }
}

/** User and system time of a process and its children, those that ended included; undefined where there is no /proc. */
export function cpuSecondsOf(pid: number): number | undefined {
  const own = stat(pid)
  return own === undefined
    ? undefined
    : own + childrenOf(pid).reduce((sum, child) => sum + (stat(child) ?? 0), 0)
}

/** Memory a process holds; undefined where there is no /proc. */
export function residentMBOf(pid: number): number | undefined {
  const kB = /^VmRSS:\s+(\d+)/m.exec(proc(`${pid}/status`) ?? '')?.[1]
  return kB === undefined ? undefined : Number(kB) / 1024
}

const TICKS_PER_SECOND = 100

/** proc(5): fields 14 to 17 (own and ended children's time), counted after the command's closing bracket. */
function stat(pid: number): number | undefined {
  const text = proc(`${pid}/stat`)
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields?.slice(11, 15).reduce((ticks, field) => ticks + Number(field) / TICKS_PER_SECOND, 0)
}

function childrenOf(pid: number): number[] {
  const isChild = (entry: string): boolean => {
    const text = proc(`${entry}/stat`)
    return text !== undefined && text.slice(text.lastIndexOf(')') + 2).split(' ')[1] === String(pid)
  }
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && isChild(entry))
    .map(Number)
}

function proc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'utf8')
  } catch {
    return undefined
  }
}

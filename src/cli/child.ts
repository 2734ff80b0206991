/** One `onedoor` process of the demonstration, and the JSON lines it prints. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Fault } from '../terms/fault.js'

/** What the gateway and the partner twins say about themselves; each event has some of these. */
export interface ChildEvent {
  readonly event: string
  readonly port?: number
  readonly messageId?: string
  readonly referralId?: string
  readonly ack?: string
  /** `RRI^I12`. */
  readonly type?: string
  /** RF1-1 of a reply. */
  readonly status?: string
}

const STOP_TIMEOUT_MS = 10_000

export class Child {
  readonly events: ChildEvent[] = []
  readonly ended: Promise<unknown>
  private readonly process: ChildProcess
  private readonly waiting = new Set<() => void>()

  constructor(args: readonly string[], env: Readonly<Record<string, string | undefined>>) {
    const [, entry = ''] = process.argv
    this.process = spawn(process.execPath, [entry, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    this.ended = new Promise((resolve) => this.process.once('exit', resolve))
    void this.ended.then(() => this.look())
    if (this.process.stdout === null) return
    createInterface({ input: this.process.stdout }).on('line', (line) => this.hear(line))
  }

  /** The first event of that name, said already or still to come. */
  event(name: string, timeoutMs: number): Promise<ChildEvent> {
    return new Promise((resolve, reject) => {
      const settle = (): boolean => {
        const found = this.events.find(({ event }) => event === name)
        if (found !== undefined) resolve(found)
        else if (this.process.exitCode !== null) {
          reject(
            new Fault('internal-error', `${this.process.spawnargs[2]} ended with ${this.process.exitCode}.`),
          )
        } else return false
        clearTimeout(late)
        return true
      }
      const late = setTimeout(() => {
        reject(
          new Fault('internal-error', `${this.process.spawnargs[2]} said no "${name}" in ${timeoutMs} ms.`),
        )
      }, timeoutMs)
      const look = (): void => {
        if (settle()) this.waiting.delete(look)
      }
      this.waiting.add(look)
      look()
    })
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    this.process.kill('SIGTERM')
    const cut = setTimeout(() => this.process.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await this.ended
    clearTimeout(cut)
  }

  private hear(line: string): void {
    try {
      // Written by our own commands.
      this.events.push(JSON.parse(line) as ChildEvent)
      this.look()
    } catch {
      process.stderr.write(`${line}\n`)
    }
  }

  private look(): void {
    for (const look of [...this.waiting]) look()
  }
}

/** The gateway as a process of its own, on its own data, to be killed and started again. Knows the product only from
 *  outside: its command, its environment, its ports and, for evidence, its database. */
import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

const DEPLOYMENT = fileURLToPath(new URL('../kill/deployment', import.meta.url))
const START_TIMEOUT_MS = 60_000
/** Claims of a killed gateway come back after this time; longer than the receivers' time-out. */
const LEASE_MS = 2_500

export class GatewayUnderTest {
  readonly mllpPort: number
  readonly base: string
  private readonly folder: string
  private readonly environment: Readonly<Record<string, string>>
  private child: ChildProcess | undefined
  private said = ''

  private constructor(
    private readonly entry: string,
    ports: { readonly http: number; readonly mllp: number },
    environment: Readonly<Record<string, string>>,
  ) {
    this.mllpPort = ports.mllp
    this.base = `http://127.0.0.1:${ports.http}`
    this.folder = mkdtempSync(join(tmpdir(), 'onedoor-kill-'))
    // PostgreSQL may run as another user than the test.
    chmodSync(this.folder, 0o755)
    this.environment = {
      PATH: process.env['PATH'] ?? '',
      TMPDIR: tmpdir(),
      HOST: '127.0.0.1',
      PORT: String(ports.http),
      MLLP_PORT: String(ports.mllp),
      ONEDOOR_DATA_DIR: this.dataDir,
      ONEDOOR_DEPLOYMENT: DEPLOYMENT,
      DELIVERY_LEASE_MS: String(LEASE_MS),
      LOG_LEVEL: 'warn',
      ...environment,
    }
  }

  static async make(entry: string, environment: Readonly<Record<string, string>>): Promise<GatewayUnderTest> {
    const [http, mllp] = [await freePort(), await freePort()]
    return new GatewayUnderTest(entry, { http, mllp }, environment)
  }

  private get dataDir(): string {
    return join(this.folder, 'data')
  }

  /** Resolves when it takes work; with the time that took. */
  async start(): Promise<number> {
    const startedAt = performance.now()
    this.launch()
    const giveUpAt = Date.now() + START_TIMEOUT_MS
    while (!(await this.isReady())) {
      if (this.hasEnded) throw new Error(`The gateway ended while starting:\n${this.said.slice(-3000)}`)
      if (Date.now() > giveUpAt) throw new Error(`The gateway is not ready:\n${this.said.slice(-3000)}`)
      await sleep(10)
    }
    return performance.now() - startedAt
  }

  /** Starts it without waiting for anything. */
  launch(): void {
    this.said = ''
    const child = spawn(process.execPath, [this.entry, 'serve'], {
      cwd: this.folder,
      env: this.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own: a kill hits all of it and nothing else.
      detached: true,
    })
    child.stdout.on('data', (bytes) => (this.said += bytes))
    child.stderr.on('data', (bytes) => (this.said += bytes))
    this.child = child
  }

  async isReady(): Promise<boolean> {
    return fetch(`${this.base}/health/ready`, { signal: AbortSignal.timeout(2_000) }).then(
      (answer) => answer.ok,
      () => false,
    )
  }

  /** SIGKILL to the whole process group, at once; resolves when the process is gone. */
  async kill(): Promise<void> {
    const { child } = this
    if (child === undefined) return
    const gone = this.gone()
    this.signal('SIGKILL')
    await gone
  }

  /** A kill that takes the database's processes with it, as when a machine resets. */
  async killWithDatabase(): Promise<void> {
    const postmaster = this.postmaster()
    const gone = this.gone()
    this.signal('SIGKILL')
    if (postmaster !== undefined) signalTo(postmaster.pid, 'SIGKILL')
    await gone
  }

  /** To the gateway's process group. */
  signal(name: NodeJS.Signals): void {
    if (this.child?.pid !== undefined && !this.hasEnded) signalTo(-this.child.pid, name)
  }

  async gone(): Promise<void> {
    const { child } = this
    if (child === undefined || this.hasEnded) return
    await new Promise((resolve) => child.once('exit', resolve))
  }

  /** Stops it if it runs and removes its data. */
  async remove(): Promise<void> {
    this.signal('SIGTERM')
    await Promise.race([this.gone(), sleep(10_000, undefined, { ref: false })])
    await this.kill()
    await this.databaseGone()
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }

  /** A connection of the test's own to the gateway's database. */
  async connect(): Promise<pg.Client> {
    const host = this.postmaster()?.socketDir ?? ''
    const client = new pg.Client({ host, port: 5432, user: 'onedoor', database: 'onedoor' })
    client.on('error', () => undefined)
    await client.connect()
    return client
  }

  /** From PostgreSQL's own `postmaster.pid`: process id in line 1, socket directory in line 5. */
  postmaster(): { readonly pid: number; readonly socketDir: string; readonly isReady: boolean } | undefined {
    try {
      const path = join(this.dataDir, 'postgres', 'postmaster.pid')
      const lines = readFileSync(path, 'utf8').split('\n')
      return {
        pid: Number(lines[0]),
        socketDir: lines[4] ?? '',
        isReady: (lines[7] ?? '').trim() === 'ready',
      }
    } catch {
      return undefined
    }
  }

  private async databaseGone(): Promise<void> {
    for (let waited = 0; this.postmaster() !== undefined && waited < 5_000; waited += 20) await sleep(20)
  }

  private get hasEnded(): boolean {
    return this.child === undefined || this.child.exitCode !== null || this.child.signalCode !== null
  }
}

function signalTo(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // Gone already.
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      // A TCP server that listens has an AddressInfo.
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

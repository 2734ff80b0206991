/** A gateway for tests: in this process on a real PostgreSQL, with the product's own translator, validator and
 *  publishers and a clock that the test moves; or the built product as a process of its own. */
import { afterAll, beforeAll } from '@jest/globals'
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { FhirResource, Task } from 'fhir/r4.js'
import pg from 'pg'
import { parseDeployment } from '../../src/directory/deployment.js'
import type { Deployment } from '../../src/directory/types.js'
import { deliver } from '../../src/flow/deliver.js'
import type { Gateway } from '../../src/flow/gateway.js'
import { createPublishers, type Publishers } from '../../src/main/publishers.js'
import { loadTranslation } from '../../src/main/translation.js'
import type { CaseState } from '../../src/referral/case.js'
import { hasTaskCode, type TaskCode } from '../../src/referral/codes.js'
import type { Store } from '../../src/store/store.js'
import type { CaseRecord } from '../../src/store/types.js'
import { addMs, type Instant } from '../../src/terms/instant.js'
import { uuidV7 } from '../../src/terms/uuid.js'
import { NOW } from './case-commit.js'
import { withDatabase, type TestDatabase } from './postgres.js'

/** A market town: two hospitals (one with a listener), two services that speak FHIR. */
const FILES = new Map([
  ['deployment.yaml', 'name: Market Town\ntimeZone: Europe/London\naccessPoint: door\n'],
  [
    'partners/all.yaml',
    `partners:
  door: { name: Market Town Front Door }
  northgate:
    name: Northgate Hospital
    sends: { hl7v2: { applications: [{ application: PAS, facility: NORTHGATE }] } }
  southgate:
    name: Southgate Hospital
    sends: { hl7v2: { applications: [{ application: PAS, facility: SOUTHGATE }] } }
    receives:
      channel: hl7v2
      host: 127.0.0.1
      port: { env: SOUTHGATE_PORT, default: 9 }
      application: PAS
      facility: SOUTHGATE
      timeoutMs: 500
      retry: { firstDelayMs: 1000, maxDelayMs: 4000, maxAttempts: 3, breakerFailures: 100 }
  nursing:
    name: Town Nursing
    sends: { fhir: {} }
    receives:
      channel: fhir
      url: { env: NURSING_URL, default: 'http://127.0.0.1:9/fhir' }
      timeoutMs: 500
      retry: { firstDelayMs: 1000, maxDelayMs: 4000, maxAttempts: 3, breakerFailures: 2, breakerOpenMs: 30000 }
  therapy:
    name: Town Therapy
    sends: { fhir: {} }
    receives:
      channel: fhir
      url: { env: THERAPY_URL, default: 'http://127.0.0.1:9/fhir' }
      timeoutMs: 500
      retry: { firstDelayMs: 1000, maxDelayMs: 4000, maxAttempts: 3, breakerFailures: 100 }
`,
  ],
  [
    'directory/all.yaml',
    `services:
  home-nursing: { name: Home Nursing, partner: nursing, aliases: [NURSES] }
  home-therapy: { name: Home Therapy, partner: therapy, aliases: [THERAPISTS] }
`,
  ],
  [
    'pathways/all.yaml',
    `pathways:
  nursing-at-home:
    name: Nursing at home
    codes: [{ code: NURSING }]
    services: [home-nursing, home-therapy]
    offer: automatic
    answerWithinMinutes: 60
  unknown-need:
    name: Need not recognised
    fallback: true
    services: [home-nursing, home-therapy]
    offer: manual
`,
  ],
])

export const marketTown = (env: Readonly<Record<string, string>> = {}): Deployment => ({
  ...parseDeployment(FILES, (name) => env[name]),
  publicUrl: 'https://door.example',
})

export interface TestGateway {
  /** Ready inside tests. */
  readonly gateway: Gateway
  readonly store: Store
  readonly database: TestDatabase
  /** What the observer was told. */
  readonly told: readonly (readonly [event: string, info: unknown])[]
  /** The same gateway with other parts. */
  with(changes: Partial<Gateway>): Gateway
  /** Moves the clock. */
  pass(ms: number): void
  query<Row extends pg.QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<Row[]>
}

/** Call it at the top of a test file: it adds the hooks that start and stop everything. */
export function withGateway(): TestGateway {
  const database = withDatabase()
  const told: (readonly [string, unknown])[] = []
  const made: { gateway?: Gateway; publishers?: Publishers; now: Instant } = { now: NOW }
  const gatewayOf = (): Gateway => {
    if (made.gateway === undefined) throw new Error('The gateway starts in beforeAll; use it inside tests.')
    return made.gateway
  }
  beforeAll(async () => {
    made.publishers = createPublishers()
    const deployment = marketTown()
    const store = await database.open()
    await store.putDirectory(deployment.resources, made.now)
    made.gateway = {
      store,
      deployment,
      ...loadTranslation(),
      publishers: made.publishers.byChannel,
      clock: () => made.now,
      newId: () => uuidV7(Date.parse(made.now), randomBytes(10)),
      random: () => 0,
      acceptUnregistered: false,
      hl7Limits: {
        maxMessageBytes: 1_000_000,
        maxSegments: 500,
        maxRepetitions: 100,
        maxFieldBytes: 100_000,
      },
      observe: {
        answered: (info) => void told.push(['answered', info]),
        attempted: (info) => void told.push(['attempted', info]),
        failed: (event, error) => void told.push([event, error]),
      },
    }
  }, 60_000)
  afterAll(() => made.publishers?.close())
  return {
    get gateway() {
      return gatewayOf()
    },
    get store() {
      return gatewayOf().store
    },
    database,
    told,
    with: (changes) => ({ ...gatewayOf(), ...changes }),
    pass: (ms) => {
      made.now = addMs(made.now, ms)
    },
    query: (sql, values = []) => query(database, sql, values),
  }
}

async function query<Row extends pg.QueryResultRow>(
  database: TestDatabase,
  sql: string,
  values: readonly unknown[],
): Promise<Row[]> {
  const client = new pg.Client(database.connection)
  await client.connect()
  try {
    return (await client.query<Row>(sql, [...values])).rows
  } finally {
    await client.end()
  }
}

/** Sends everything that is due, one after the other; how many attempts that took. */
export async function deliverAll(gateway: Gateway): Promise<number> {
  for (let attempts = 0; attempts < 100;) {
    const claimed = await gateway.store.claimDeliveries({ limit: 10, leaseMs: 10_000, now: gateway.clock() })
    if (claimed.length === 0) return attempts
    for (const delivery of claimed) await deliver(delivery, gateway)
    attempts += claimed.length
  }
  throw new Error('The outbox never empties.')
}

export async function caseOf(store: Store, caseId: string): Promise<CaseRecord> {
  const record = await store.readCase(caseId)
  if (record === undefined) throw new Error(`no case ${caseId}`)
  return record
}

// Written by the flow alone.
export const stateOf = (record: CaseRecord): CaseState => record.state as CaseState

export const ofType = <T extends FhirResource>(record: CaseRecord, type: T['resourceType']): readonly T[] =>
  record.resources.filter((resource): resource is T => resource.resourceType === type)

/** The case's Tasks of that kind, oldest first. */
export const tasksOf = (record: CaseRecord, code: TaskCode): readonly Task[] =>
  ofType<Task>(record, 'Task')
    .filter((task) => hasTaskCode(task, code))
    .sort((a, b) => ((a.id ?? '') < (b.id ?? '') ? -1 : 1))

export interface ReferralOptions {
  readonly id: string
  readonly facility?: string
  /** `I12`, `I13`, `I14`. */
  readonly event?: string
  /** RF1-6.1. */
  readonly referral?: string
  /** RF1-10.1; none when null. */
  readonly reason?: string | null
  /** PRD RT: the service the sender names. */
  readonly service?: string
  readonly at?: string
  readonly processingId?: string
  /** MSH-15 and MSH-16. */
  readonly accept?: string
  readonly application?: string
  readonly family?: string
  readonly note?: string
  /** RF1-1.1. */
  readonly status?: string
}

/** An invented REF message of 2.5.1. */
export function aReferral(options: ReferralOptions): Buffer {
  const { id, facility = 'NORTHGATE', event = 'I12', referral = `R-${id}`, reason = 'NURSING' } = options
  const { at = '20261121093000+0000', processingId = 'P', accept = '', application = '' } = options
  const header = `MSH|^~\\&|PAS|${facility}|ONEDOOR|TOWN|${at}||REF^${event}^REF_I12|${id}|${processingId}|2.5.1|||${accept}|${application}||UNICODE UTF-8`
  const reasoned = reason === null ? '' : `${reason}^Nursing at home^L`
  const segments = [
    header,
    `RF1|${options.status ?? 'P'}|A|||O|${referral}^${facility}|20261121|||${reasoned}`,
    'PRD|RP^Referring Provider^HL70286|Marchbank^Ottoline^^^Dr',
    ...(options.service === undefined
      ? []
      : [`PRD|RT^Referred to Provider^HL70286|${options.service}|||||${options.service}^L`]),
    `PID|1||S-${referral}^^^${facility}^MR||${options.family ?? 'Thistlewood'}^Marigold^^^Mrs||19410309|F|||7 Invented Lane^^Town^^TN1 1AB`,
    ...(options.note === undefined ? [] : [`NTE|1||${options.note}`]),
  ]
  return Buffer.from(segments.join('\r') + '\r', 'utf8')
}

const ROOT = resolve(import.meta.dirname, '../..')
export const MAIN = join(ROOT, 'dist', 'main.js')

export interface Served {
  /** `http://127.0.0.1:<port>`. */
  readonly http: string
  readonly mllpPort: number
  /** Everything it has written, both streams. */
  output(): string
  readonly process: ChildProcess
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
}

export interface ServeOptions {
  /** One to keep, or a temporary one. */
  readonly dataDir?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Folders and processes are gone after the last test. */
export function withServe(): (options?: ServeOptions) => Promise<Served> {
  const ends: (() => Promise<unknown>)[] = []
  afterAll(async () => {
    for (const end of ends.reverse()) await end()
  }, 60_000)
  return async ({ dataDir, env = {} } = {}) => {
    let folder = dataDir
    if (folder === undefined) {
      folder = aDataDir()
      const made = folder
      ends.push(async () => rmSync(made, { recursive: true, force: true }))
    }
    const served = await serve(folder, env)
    ends.push(served.stop)
    return served
  }
}

/** The database's own account must be able to enter. */
export function aDataDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'onedoor-serve-'))
  chmodSync(folder, 0o755)
  return folder
}

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Nothing of the tester's own environment leaks in. */
const environmentOf = (env: Readonly<Record<string, string>>): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  TMPDIR: tmpdir(),
  ...env,
})

/** `onedoor <args>` until it ends. */
export function onedoor(
  args: readonly string[],
  { env = {}, input = '' }: { env?: Readonly<Record<string, string>>; input?: string | Uint8Array } = {},
): Promise<Finished> {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: ROOT, env: environmentOf(env) })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()))
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...said })))
}

async function serve(dataDir: string, env: Readonly<Record<string, string>>): Promise<Served> {
  const child = spawn(process.execPath, [MAIN, 'serve'], {
    cwd: ROOT,
    env: environmentOf({ PORT: '0', MLLP_PORT: '0', ONEDOOR_DATA_DIR: dataDir, LOG_LEVEL: 'info', ...env }),
  })
  let output = ''
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const listening = await new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      output += chunk.toString()
      const line = output.split('\n').find((each) => each.startsWith('{"event":"listening"'))
      if (line !== undefined) resolve(line)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    void ended.then((code) => reject(new Error(`serve ended with ${code}:\n${output}`)))
  })
  // Its own words.
  const { http, mllpPort } = JSON.parse(listening) as { http: string; mllpPort: number }
  return {
    http,
    mllpPort,
    process: child,
    output: () => output,
    stop: () => {
      child.kill('SIGTERM')
      return ended
    },
  }
}

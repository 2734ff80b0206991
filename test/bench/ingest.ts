/** The whole way in: MLLP, decode, translate, validate, decide, durable commit, ACK; beside the bare statement. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { PoolConfig } from 'pg'
import { buildAck } from '../../src/codec/hl7v2/ack.js'
import { parseMessage } from '../../src/codec/hl7v2/parse.js'
import { productRoot } from '../../src/config/assets.js'
import { startEmbedded } from '../../src/store/embedded/start.js'
import { readPidFile } from '../../src/store/embedded/postmaster.js'
import { instantOf } from '../../src/terms/instant.js'
import { startMllpServer } from '../../src/wire/mllp-server.js'
import { runBare, statementsFor, type Rate } from './bare.js'
import { Child, cpuSecondsOf, residentMBOf } from './child.js'
import { median } from './measure.js'
import { deploymentDir } from './product.js'
import { result, type Bench, type Result } from './report.js'

/** Open Integration Engine 4.5.2 on a machine like this; it only stores and forwards. */
const OTHER_ENGINE = {
  at32: 400,
  at1: 126,
  p99Ms: 245,
  residentMB: 466,
  name: 'Open Integration Engine (before)',
}

const ROUNDS = 2
const WARM_UP_MS = 3_000
const MEASURED_MS = 8_000
const BARE_STATEMENTS = 6_000
const DRAIN_MS = 20_000

export const ingest: Bench = { name: 'ingest', run: measureIngest }

const progress = (text: string): void => void process.stderr.write(`  ${text}\n`)

/** CPU time per message; undefined where the system does not tell. */
interface Costs {
  readonly databaseMs: number | undefined
}

interface Measured extends Rate, Costs {
  readonly gatewayMs: number | undefined
  readonly senderMs: number
  readonly residentMB: number | undefined
  /** Offers the sink took per second of the measured time. */
  readonly deliveredPerSecond: number
}

async function measureIngest(): Promise<readonly Result[]> {
  const folder = mkdtempSync(join(tmpdir(), 'onedoor-bench-'))
  chmodSync(folder, 0o755)
  const database = await startEmbedded({ dataDir: folder })
  const sink = await startSink()
  const hospital = await startHospital()
  const gateway = new Child([join(productRoot, 'dist', 'main.js'), 'serve'], {
    DATABASE_URL: urlOf(database.connection),
    ONEDOOR_DEPLOYMENT: deploymentDir,
    ONEDOOR_HOME_NURSING_URL: sink.url,
    ONEDOOR_HARBOUR_MLLP_PORT: String(hospital.port),
    PORT: '0',
    MLLP_PORT: '0',
    LOG_LEVEL: 'error',
  })
  try {
    const { mllpPort } = await gateway.said('listening')
    const place = {
      mllpPort: Number(mllpPort),
      gateway: gateway.pid,
      postmaster: readPidFile(join(folder, 'postgres'))?.pid,
      taken: () => sink.taken,
    }
    progress('warm-up')
    await measure(place, 32, 'WARM')
    await drained(database.connection)
    const bare: (Rate & Partial<Costs>)[] = []
    const at32: Measured[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const statements = await statementsFor(`B${round}`, BARE_STATEMENTS)
      progress(`bare statement, round ${round + 1}`)
      bare.push(await costed(place, () => runBare(database.connection, statements), BARE_STATEMENTS))
      progress(`32 senders, round ${round + 1}`)
      at32.push(await measure(place, 32, `S${round}`))
      await drained(database.connection)
    }
    progress('1 sender')
    const at1 = await measure(place, 1, 'ONE')
    await drained(database.connection)
    await sink.close()
    progress('32 senders, receiver down')
    const down = await measure(place, 32, 'DOWN')
    return rows(middle(bare), bare, at32, at1, down)
  } finally {
    await gateway.end('SIGTERM')
    await sink.close()
    await hospital.close(0)
    await database.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

const urlOf = ({ host, port, user, database }: PoolConfig): string =>
  `postgres://${user}@/${database}?host=${encodeURIComponent(String(host))}&port=${port}`

interface Sink {
  readonly url: string
  readonly taken: number
  close(): Promise<void>
}

/** A FHIR server that takes every transaction at once. */
async function startSink(): Promise<Sink> {
  let taken = 0
  const server: Server = createServer((request, response) => {
    request.resume().once('end', () => {
      taken += 1
      response.writeHead(200, { 'content-type': 'application/fhir+json' })
      response.end('{"resourceType":"Bundle","type":"transaction-response"}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A TCP server that listens has an AddressInfo.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    get taken() {
      return taken
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Where the gateway's replies to the sender go: everything is answered AA. */
const startHospital = () =>
  startMllpServer({
    host: '127.0.0.1',
    port: 0,
    handle: (bytes) => {
      const now = instantOf(new Date())
      return Promise.resolve(buildAck({ original: parseMessage(bytes), code: 'AA', controlId: 'H1', now }))
    },
    onReject: () => Promise.resolve(null),
  })

interface Place {
  readonly mllpPort: number
  readonly gateway: number
  readonly postmaster: number | undefined
  readonly taken: () => number
}

/** A rate, and what it cost PostgreSQL per statement. */
async function costed(place: Place, run: () => Promise<Rate>, statements: number): Promise<Rate & Costs> {
  const before = place.postmaster === undefined ? undefined : cpuSecondsOf(place.postmaster)
  const rate = await run()
  const after = place.postmaster === undefined ? undefined : cpuSecondsOf(place.postmaster)
  const databaseMs =
    before === undefined || after === undefined ? undefined : ((after - before) * 1000) / statements
  return { ...rate, databaseMs }
}

async function measure(place: Place, senders: number, prefix: string): Promise<Measured> {
  const script = join(productRoot, 'test', 'bench', 'sender.ts')
  const args = [place.mllpPort, senders, WARM_UP_MS, MEASURED_MS, prefix].map(String)
  const child = new Child(['--import', 'tsx', script, ...args])
  await child.said('measuring')
  const gatewayBefore = cpuSecondsOf(place.gateway)
  const databaseBefore = place.postmaster === undefined ? undefined : cpuSecondsOf(place.postmaster)
  const takenBefore = place.taken()
  let residentMB = residentMBOf(place.gateway)
  const watch = setInterval(() => {
    residentMB = Math.max(residentMB ?? 0, residentMBOf(place.gateway) ?? 0)
  }, 250)
  const said = await child.said('measured')
  clearInterval(watch)
  const answers = Number(said['answers'])
  if (Number(said['refused']) > 0) throw new Error(`${said['refused']} messages were not answered AA`)
  const perMessage = (before: number | undefined, pid: number | undefined): number | undefined => {
    const after = pid === undefined ? undefined : cpuSecondsOf(pid)
    return before === undefined || after === undefined ? undefined : ((after - before) * 1000) / answers
  }
  const measured = {
    perSecond: Number(said['perSecond']),
    p50Ms: Number(said['p50Ms']),
    p99Ms: Number(said['p99Ms']),
    gatewayMs: perMessage(gatewayBefore, place.gateway),
    databaseMs: perMessage(databaseBefore, place.postmaster),
    senderMs: (Number(said['cpuSeconds']) * 1000) / answers,
    residentMB,
    deliveredPerSecond: ((place.taken() - takenBefore) * 1000) / MEASURED_MS,
  }
  await child.ended
  return measured
}

/** Waits until the outbox is empty, so that one measurement does not pay for the one before. */
async function drained(connection: PoolConfig): Promise<void> {
  const client = new pg.Client(connection)
  await client.connect()
  try {
    for (const until = Date.now() + DRAIN_MS; Date.now() < until; await sleep(200)) {
      const { rows } = await client.query<{ open: boolean }>(
        `select exists (select from delivery where state in ('queued', 'sending')) as open`,
      )
      if (rows[0]?.open === false) return
    }
  } finally {
    await client.end()
  }
}

const middle = (rates: readonly Rate[]): Rate => ({
  perSecond: median(rates.map(({ perSecond }) => perSecond)),
  p50Ms: median(rates.map(({ p50Ms }) => p50Ms)),
  p99Ms: median(rates.map(({ p99Ms }) => p99Ms)),
})

function rows(
  bound: Rate,
  bare: readonly (Rate & Partial<Costs>)[],
  rounds: readonly Measured[],
  at1: Measured,
  down: Measured,
): readonly Result[] {
  const at32 = middle(rounds)
  const limit = { limit: bound.perSecond, limitName: 'bare statement' }
  const resident = Math.max(...rounds.map(({ residentMB = 0 }) => residentMB))
  const figure = (name: string, unit: string, ours: number | undefined): Result[] =>
    ours === undefined ? [] : [result({ name, unit, ours })]
  const mean = (values: readonly (number | undefined)[]): number | undefined =>
    values.includes(undefined) ? undefined : median(values.map((value) => value ?? 0))
  return [
    result({
      name: 'ingest, 32 senders, outbox working',
      unit: 'ACK/s',
      ours: at32.perSecond,
      ...limit,
      goal: { atLeast: 0.7 },
    }),
    result({
      name: 'ingest, 32 senders, p99',
      unit: 'ms',
      ours: at32.p99Ms,
      limit: bound.p99Ms,
      limitName: 'bare statement',
      goal: { atMost: 3 },
    }),
    result({
      name: 'ingest, 32 senders, p50',
      unit: 'ms',
      ours: at32.p50Ms,
      limit: bound.p50Ms,
      limitName: 'bare statement',
    }),
    result({
      name: 'ingest, 32 senders, outbox working',
      unit: 'ACK/s',
      ours: at32.perSecond,
      peer: OTHER_ENGINE.at32,
      peerName: OTHER_ENGINE.name,
      goal: { atLeast: 3 },
    }),
    ...figure('delivered meanwhile', 'per s', mean(rounds.map((round) => round.deliveredPerSecond))),
    result({
      name: 'ingest, 32 senders, receiver down',
      unit: 'ACK/s',
      ours: down.perSecond,
      ...limit,
      goal: { atLeast: 0.7 },
    }),
    result({
      name: 'ingest, 32 senders, receiver down, p99',
      unit: 'ms',
      ours: down.p99Ms,
      limit: bound.p99Ms,
      limitName: 'bare statement',
      goal: { atMost: 3 },
    }),
    result({
      name: 'ingest, 1 sender',
      unit: 'ACK/s',
      ours: at1.perSecond,
      peer: OTHER_ENGINE.at1,
      peerName: OTHER_ENGINE.name,
    }),
    ...figure(
      'CPU of the gateway, outbox working',
      'ms/message',
      mean(rounds.map(({ gatewayMs }) => gatewayMs)),
    ),
    ...figure(
      'CPU of PostgreSQL, outbox working',
      'ms/message',
      mean(rounds.map(({ databaseMs }) => databaseMs)),
    ),
    ...figure('CPU of the gateway, receiver down', 'ms/message', down.gatewayMs),
    ...figure('CPU of PostgreSQL, receiver down', 'ms/message', down.databaseMs),
    ...figure(
      'CPU of PostgreSQL, bare statement',
      'ms/message',
      mean(bare.map(({ databaseMs }) => databaseMs)),
    ),
    ...figure('CPU of the senders', 'ms/message', mean(rounds.map(({ senderMs }) => senderMs))),
    ...(resident === 0
      ? []
      : [
          result({
            name: 'memory of the gateway under load',
            unit: 'MB',
            ours: resident,
            peer: OTHER_ENGINE.residentMB,
            peerName: OTHER_ENGINE.name,
          }),
        ]),
    ...(resident === 0
      ? []
      : [
          result({
            name: 'memory of the gateway under load',
            unit: 'MB',
            ours: resident,
            goal: { atMost: 250 },
          }),
        ]),
  ]
}

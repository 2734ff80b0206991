/** `examples/plain` end to end: a health system that knows nothing of the NHS refers, is answered, and finds no trace
 *  of English identifiers in anything that was stored or sent. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import pg from 'pg'
import { parse, stringify } from 'yaml'
import type { Bundle, ServiceRequest, Task } from 'fhir/r4.js'
import { startFhirReceiver } from '../../src/simulate/fhir-receiver.js'
import { startHospital } from '../../src/simulate/hospital.js'
import type { Twin } from '../../src/simulate/events.js'
import { instantOf } from '../../src/terms/instant.js'
import { withServe } from '../support/gateway.js'
import { withDatabase } from '../support/postgres.js'
import { closedUrl } from '../wire/receiver.js'

const serve = withServe()
const database = withDatabase()
let folder = ''
const twins: Twin[] = []
afterAll(async () => {
  for (const twin of twins) await twin.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The example, open all day: the test runs at any hour. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onedoor-plain-'))
  cpSync(resolve(import.meta.dirname, '../../examples/plain'), folder, { recursive: true })
  const file = join(folder, 'directory', 'services.yaml')
  const directory = parse(readFileSync(file, 'utf8')) as { services: Record<string, { hours?: unknown }> }
  for (const service of Object.values(directory.services)) delete service.hours
  writeFileSync(file, stringify(directory))
})

const REFERRAL = [
  'MSH|^~\\&|HARBOURPAS|HH|ONEDOOR|HFD|20261121093000||REF^I12^REF_I12|HB0001|P|2.5.1',
  'RF1|P|A|||O|HB-26-1^HH|20261121|||NURSING^Nursing at home^L',
  'PRD|RP^Referring Provider^HL70286|Tamihana^Aroha^^^Dr',
  'PID|1||H4711^^^HH^MR||Kauri^Wiremu^^^Mr||19410309|M|||7 Invented Quay^^Harbour^^0612||^PRN^PH^^^09^5550101',
  'NTE|1||Dressing twice a week.',
]

interface Said {
  readonly event: string
  readonly fields: Readonly<Record<string, unknown>>
}

test('referred, offered, seen through, and the hospital told; nothing English anywhere', async () => {
  const said: Said[] = []
  const emit = (event: string, fields: Readonly<Record<string, unknown>> = {}): void =>
    void said.push({ event, fields })
  const deps = { write: () => undefined, now: () => instantOf(new Date()), newId: () => String(randomUUID()) }
  const nursing = await startFhirReceiver(
    {
      port: 0,
      gateway: 'http://127.0.0.1:9',
      decide: 'complete',
      delayMs: 50,
      downFirst: 1,
      misbehave: undefined,
    },
    emit,
    deps,
  )
  twins.push(nursing)
  const replyPort = Number(new URL(await closedUrl()).port)
  const { host, user, database: name } = database.connection
  const served = await serve({
    env: {
      DATABASE_URL: `postgres://${user}@/${name}?host=${encodeURIComponent(String(host))}`,
      ONEDOOR_DEPLOYMENT: folder,
      ONEDOOR_HOME_NURSING_URL: `http://127.0.0.1:${nursing.port}`,
      ONEDOOR_HARBOUR_MLLP_PORT: String(replyPort),
    },
  })
  const from = join(folder, 'referral.hl7')
  writeFileSync(from, REFERRAL.join('\r') + '\r')
  const hospital = await startHospital(
    {
      application: 'HARBOURPAS',
      facility: 'HH',
      gatewayHost: '127.0.0.1',
      gatewayPort: served.mllpPort,
      port: replyPort,
      from,
      count: 1,
      everyMs: 0,
    },
    emit,
    deps,
  )
  twins.push(hospital)
  await hospital.sent

  const replies = (): Said[] =>
    said.filter(({ event, fields }) => event === 'received' && fields['type'] === 'RRI^I12')
  for (const start = Date.now(); replies().length < 2 && Date.now() - start < 20_000;) {
    await new Promise((wait) => setTimeout(wait, 50))
  }
  expect(said.find(({ event }) => event === 'sent')?.fields).toMatchObject({ messageId: 'HB0001', ack: 'AA' })
  expect(replies().map(({ fields }) => [fields['referralId'], fields['answers'], fields['status']])).toEqual([
    ['HB-26-1', 'HB0001', 'A'],
    ['HB-26-1', 'HB0001', 'A'],
  ])

  const search = async <T>(query: string): Promise<T[]> => {
    const response = await fetch(`${served.http}/FHIR/R4/${query}`)
    const bundle = (await response.json()) as Bundle
    return (bundle.entry ?? []).map(({ resource }) => resource as T)
  }
  const [request] = await search<ServiceRequest>('ServiceRequest?identifier=HB-26-1')
  expect(request?.status).toBe('completed')
  const tasks = await search<Task>(`Task?focus=ServiceRequest/${request?.id}`)
  expect(tasks.map(({ status, owner }) => [owner?.display, status]).sort()).toEqual([
    ['Harbour Front Door', 'completed'],
    ['Harbour Home Nursing Trust', 'completed'],
  ])

  expect(await served.stop()).toBe(0)
  const stored = await everything()
  expect(stored).toContain('Kauri')
  expect(
    stored.match(/.{0,60}(?:fhir\.nhs\.uk|hl7\.org\.uk|\bnhs|\bods\b|dos-service|bars-).{0,60}/gi) ?? [],
  ).toEqual([])
  expect(served.output()).not.toMatch(/nhs/i)
}, 60_000)

/** Every row of every table, as text: resources and their history, what came, what went out. */
async function everything(): Promise<string> {
  const client = new pg.Client(database.connection)
  await client.connect()
  try {
    const tables = await client.query<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
    )
    const texts: string[] = []
    for (const { name } of tables.rows) {
      const { rows } = await client.query<Record<string, unknown>>(
        `select * from ${client.escapeIdentifier(name)}`,
      )
      for (const row of rows) {
        const shown = Object.values(row).map((v) =>
          Buffer.isBuffer(v) ? v.toString('utf8') : JSON.stringify(v),
        )
        texts.push(shown.join('\n'))
      }
    }
    return texts.join('\n')
  } finally {
    await client.end()
  }
}

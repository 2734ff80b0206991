/** What was acknowledged is there, whole, after the database was killed under load. */
import { expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { readPidFile } from '../../src/store/embedded/postmaster.js'
import { verifyChain } from '../../src/store/event-chain.js'
import { asFault } from '../../src/terms/fault.js'
import { aDelivery, aMessage, anOpening, aServiceRequest, NOW } from '../support/case-commit.js'
import { withDatabase } from '../support/postgres.js'

const database = withDatabase()
const WRITERS = 8
const KILLS = 3

test(`${KILLS} kills under ${WRITERS} writers: nothing acknowledged is lost, nothing is there in part or twice`, async () => {
  const store = await database.open({ poolSize: WRITERS })
  const acknowledged: string[] = []
  const faults = new Set<string>()
  let isDone = false
  const writer = async (): Promise<void> => {
    let pending = newReferral()
    while (!isDone) {
      try {
        // An unanswered message is sent again as it was, like every sender does.
        const outcome = await store.commitCase(pending)
        expect(['committed', 'duplicate']).toContain(outcome.kind)
        acknowledged.push(pending.caseId)
        pending = newReferral()
      } catch (thrown) {
        faults.add(asFault(thrown).code)
        await sleep(10)
      }
    }
  }
  const writers = Array.from({ length: WRITERS }, writer)
  for (let kills = 0; kills < KILLS; kills++) {
    await sleep(700)
    await killServer()
    const before = acknowledged.length
    while (acknowledged.length < before + WRITERS) await sleep(10)
  }
  isDone = true
  await Promise.all(writers)

  expect([...faults].filter((code) => code !== 'store-unavailable' && code !== 'store-busy')).toEqual([])
  expect(acknowledged.length).toBeGreaterThan(50)
  expect(new Set(acknowledged).size).toBe(acknowledged.length)
  const counts = await countsByCase()
  for (const caseId of acknowledged) {
    expect(counts.get(caseId)).toEqual({ messages: 1, resources: 1, events: 1, deliveries: 1 })
    expect(verifyChain(await store.readEvents(caseId))).toBeUndefined()
  }
  // Cases whose acknowledgement was lost are as whole as the others.
  expect([...counts.values()].every((count) => Object.values(count).every((n) => n === 1))).toBe(true)
}, 60_000)

function newReferral() {
  const caseId = randomUUID()
  return anOpening({
    caseId,
    message: aMessage({ receivedAt: NOW }),
    resources: [{ resource: aServiceRequest(caseId), parties: ['northgate'] }],
    deliveries: [aDelivery()],
  })
}

/** Resolves when the supervisor has the server running again. */
async function killServer(): Promise<void> {
  const cluster = join(database.dataDir, 'postgres')
  const killed = readPidFile(cluster)!.pid
  process.kill(killed, 'SIGKILL')
  for (;;) {
    const now = readPidFile(cluster)
    if (now !== undefined && now.pid !== killed && now.isReady) return
    await sleep(10)
  }
}

async function countsByCase(): Promise<ReadonlyMap<string, Readonly<Record<string, number>>>> {
  const rows = await ask<{ case_id: string } & Record<string, number>>(`
    select c.case_id, (select count(*)::int from message where case_id = c.case_id) as messages,
      (select count(*)::int from resource where case_id = c.case_id) as resources,
      (select count(*)::int from case_event where case_id = c.case_id) as events,
      (select count(*)::int from delivery where case_id = c.case_id) as deliveries
    from case_file c`)
  return new Map(rows.map(({ case_id, ...counts }) => [case_id, counts as Readonly<Record<string, number>>]))
}

async function ask<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> {
  const client = new pg.Client(database.connection)
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}

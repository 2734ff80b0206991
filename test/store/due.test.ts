import { expect, test } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { addMs } from '../../src/terms/instant.js'
import { aDelivery, anOpening, NOW } from '../support/case-commit.js'
import { withDatabase } from '../support/postgres.js'

const database = withDatabase()
const claimAt = (now = NOW, leaseMs = 60_000) => ({ limit: 100, leaseMs, now })

test('the next thing due: nothing, a delivery, a lease, a breaker, a deadline', async () => {
  const store = await database.open()
  expect(await store.nextDueInMs(NOW)).toBeUndefined()
  const first = aDelivery({ notBefore: addMs(NOW, 3_000) })
  await store.commitCase(anOpening({ deliveries: [first, aDelivery()] }))
  // The second is due now, but stands behind the first.
  expect(await store.nextDueInMs(NOW)).toBe(3_000)
  expect(await store.nextDueInMs(addMs(NOW, 4_000))).toBe(0)
  await store.receiverFailed('ucr', NOW, { breakerFailures: 1, breakerOpenMs: 7_000 })
  expect(await store.nextDueInMs(NOW)).toBe(7_000)
  const [claimed] = await store.claimDeliveries(claimAt(addMs(NOW, 7_000), 5_000))
  const untilLeaseEnds = await store.nextDueInMs(addMs(NOW, 7_000))
  expect(untilLeaseEnds).toBeGreaterThan(4_000)
  expect(untilLeaseEnds).toBeLessThanOrEqual(5_000)
  const outcome = { deliveryId: claimed!.id, lease: claimed!.lease, at: NOW, durationMs: 1 }
  await store.recordAttempt({ ...outcome, state: 'delivered' })
  await store.receiverAnswered('ucr')
  expect(await store.nextDueInMs(NOW)).toBe(0)
  const [second] = await store.claimDeliveries(claimAt())
  await store.recordAttempt({ ...outcome, deliveryId: second!.id, lease: second!.lease, state: 'delivered' })
  await store.commitCase(
    anOpening({ deadlines: [{ id: 'd1', kind: 'answer-due', dueAt: addMs(NOW, 1_500), subject: 's' }] }),
  )
  expect(await store.nextDueInMs(NOW)).toBe(1_500)
})

test('a commit with deliveries wakes this process and the others, many commits only a few times', async () => {
  const here = await database.open()
  const there = await database.open()
  await untilListening(2)
  const calls = { here: 0, there: 0 }
  here.onWork(() => calls.here++)
  const stop = there.onWork(() => calls.there++)
  await Promise.all(
    Array.from({ length: 50 }, () => here.commitCase(anOpening({ deliveries: [aDelivery()] }))),
  )
  await until(() => calls.here > 0 && calls.there > 0)
  await sleep(100)
  expect(calls.here).toBeLessThan(25)
  expect(calls.there).toBeLessThan(25)
  stop()
  const before = calls.there
  await here.commitCase(anOpening({ deliveries: [aDelivery()] }))
  await until(() => calls.here > before)
  expect(calls.there).toBe(before)
})

test('the signal comes back after its connection was lost', async () => {
  const here = await database.open()
  const there = await database.open()
  await untilListening(2)
  const client = new pg.Client(database.connection)
  await client.connect()
  await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'onedoor signal'`,
  )
  let calls = 0
  there.onWork(() => calls++)
  // Its own call on reconnecting: work may have come in between.
  await until(() => calls > 0)
  await untilListening(2)
  calls = 0
  await here.commitCase(anOpening({ deliveries: [aDelivery()] }))
  await until(() => calls > 0)
  await client.end()
})

/** Stores of earlier tests of this file listen as well. */
async function untilListening(atLeast: number): Promise<void> {
  const client = new pg.Client(database.connection)
  await client.connect()
  for (;;) {
    const { rows } = await client.query<{ n: number }>(
      `select count(*)::int as n from pg_stat_activity where application_name = 'onedoor signal' and query like 'listen%' and state = 'idle'`,
    )
    if ((rows[0]?.n ?? 0) >= atLeast) break
    await sleep(10)
  }
  await client.end()
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds() && tries < 500; tries++) await sleep(10)
  expect(holds()).toBe(true)
}

/** Kills at random moments under load: nothing acknowledged is lost, nothing is there or sent twice, nothing out of
 *  order, and the gateway is back in time. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import { KillRun, seeded } from '../support/kill-run.js'

const KILLS = 36
/** Every so many kills: the database dies too; the start after it is killed as well. */
const WITH_DATABASE = 6
const DOUBLE = 9
const SENDERS = 6
/** How long a start may take before it is a fault: the goal is below 2 s on a machine with nothing else to do. */
const RESTART_LIMIT_MS = 20_000

const seed = Date.now() % 1_000_000
const random = seeded(seed)
let run: KillRun

beforeAll(async () => {
  run = await KillRun.prepare([], random)
}, 60_000)
afterAll(() => run?.remove(), 60_000)

test(`${KILLS} kills under ${SENDERS} senders: 0 lost, 0 double, 0 out of order (seed ${seed})`, async () => {
  const { gateway, receivers, senders } = run
  receivers.failSometimes(random)
  await gateway.start()
  senders.start(SENDERS)
  const restartsMs: number[] = []
  for (let kills = 1; kills <= KILLS; kills++) {
    await sleep(random() * 1_000)
    if (kills % WITH_DATABASE === 0) await gateway.killWithDatabase()
    else await gateway.kill()
    if (kills % DOUBLE === 0) {
      kills++
      gateway.launch()
      await sleep(random() * 1_500)
      await gateway.kill()
    }
    restartsMs.push(await gateway.start())
  }
  await senders.finish()
  const { faults, evidence } = await run.judge()

  expect(faults).toEqual([])
  expect(evidence.cases.length).toBeGreaterThan(KILLS)
  expect(evidence.arrivals.filter(({ effect, kind }) => effect && kind === 'cancel').length).toBeGreaterThan(
    5,
  )
  // Without repeats at the receivers nothing was proven about them.
  expect(evidence.arrivals.some(({ effect }) => !effect)).toBe(true)
  expect(Math.max(...restartsMs)).toBeLessThan(RESTART_LIMIT_MS)
}, 300_000)

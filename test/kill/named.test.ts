/** kill -9 at named points of a message's way in and out. Each point is held from outside (a lock in the database, a
 *  receiver that stops, a sender that watches its answer), so that the kill hits exactly there. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import { drained } from '../support/kill-evidence.js'
import { frame, MllpClient, unusable } from '../support/kill-messages.js'
import { pauseAfterCommit, pauseAt, removePauses, type Pause } from '../support/kill-pause.js'
import type { Moment } from '../support/kill-receivers.js'
import { KillRun } from '../support/kill-run.js'
import type { Sent } from '../support/kill-senders.js'

const ANSWER_TIMEOUT_MS = 20_000

let run: KillRun

beforeAll(async () => {
  run = await KillRun.prepare()
}, 60_000)
afterAll(() => run?.remove(), 60_000)

test('while the first start makes the database, four times', async () => {
  const { gateway } = run
  const isFirstMade = (): boolean => gateway.postmaster() !== undefined
  const isReady = (): boolean => gateway.postmaster()?.isReady === true
  for (const moment of [() => true, isFirstMade, isReady]) {
    gateway.launch()
    while (!moment()) await sleep(2)
    await gateway.kill()
  }
  gateway.launch()
  await untilConnected()
  await gateway.kill()
  await gateway.start()
  await expectTaken(run.senders.newReferral())
}, 120_000)

/** The pauses on the way in: what the database is doing when the gateway is killed, and whether the message is kept. */
const WAYS_IN: readonly (readonly [string, () => Promise<Pause>, kept: boolean])[] = [
  ['read, nothing written', () => pauseAt(run.gateway, 'message', 'before insert'), false],
  ['half of the commit written', () => pauseAt(run.gateway, 'delivery', 'after insert'), false],
  ['all written, before the commit', () => pauseAt(run.gateway, 'message', 'at commit'), false],
  ['committed, before the ACK', () => pauseAfterCommit(run.gateway), true],
]

test.each(WAYS_IN)(
  'a referral: %s',
  async (_name, pause, kept) => {
    await killWhileReceiving(run.senders.newReferral(), pause, kept)
  },
  60_000,
)

test.each(WAYS_IN.slice(2))(
  'a cancellation: %s',
  async (_name, pause, kept) => {
    const referral = run.senders.newReferral()
    await expectTaken(referral)
    await killWhileReceiving(run.senders.newCancellation(referral), pause, kept)
  },
  60_000,
)

test('a refused message: before it is in quarantine', async () => {
  const sent = run.senders.note('unusable', unusable)
  await killWhileReceiving(sent, () => pauseAt(run.gateway, 'quarantine', 'before insert'), false)
}, 60_000)

test('half of the frame read', async () => {
  const sent = run.senders.newReferral()
  const client = new MllpClient(run.gateway.mllpPort)
  const bytes = frame(sent.text)
  await client.write(bytes.subarray(0, bytes.length / 2))
  await sleep(50)
  await restart()
  expect(await client.answer(0)).toBeUndefined()
  await expectTaken(sent)
}, 60_000)

test('the whole frame in the kernel, not read', async () => {
  const sent = run.senders.newReferral()
  const client = new MllpClient(run.gateway.mllpPort)
  await client.write(frame(sent.text).subarray(0, 1))
  await sleep(50)
  run.gateway.signal('SIGSTOP')
  await client.write(frame(sent.text).subarray(1))
  await restart()
  expect(await client.answer(0)).toBeUndefined()
  await expectTaken(sent)
}, 60_000)

test('after the first bytes of the ACK', async () => {
  const sent = run.senders.newReferral()
  const client = new MllpClient(run.gateway.mllpPort)
  await client.write(frame(sent.text))
  expect(await client.firstBytes(ANSWER_TIMEOUT_MS)).toBeDefined()
  // The sender saw the beginning only: to it this is no answer.
  client.close()
  await restart()
  expect(await keptTimes(sent)).toBe(1)
  await expectTaken(sent)
}, 60_000)

/** The pauses on the way out: what the database is doing about the delivery. */
const WAYS_OUT: readonly (readonly [string, string])[] = [
  ['claiming, before the POST', 'new.lease is distinct from old.lease and new.lease is not null'],
  ['claimed, before the attempt is noted', `new.state = 'sending' and old.state = 'queued'`],
  ['POST answered, before it is done', `new.state = 'delivered'`],
]

test.each(WAYS_OUT)(
  'a delivery: %s',
  async (_name, condition) => {
    const pause = await pauseAt(run.gateway, 'delivery', 'before update', condition)
    const sent = run.senders.newReferral()
    await expectTaken(sent)
    await pause.reached()
    await restart(pause)
    await expectNothingWrong()
  },
  60_000,
)

test('a delivery: done, before the gateway knows', async () => {
  await drained(run.gateway, ANSWER_TIMEOUT_MS)
  const pause = await pauseAt(run.gateway, 'delivery', 'before update', `new.state = 'delivered'`)
  await expectTaken(run.senders.newReferral())
  await pause.reached()
  const after = await pauseAfterCommit(run.gateway)
  await pause.end()
  await after.reached()
  await restart(after)
  await expectNothingWrong()
}, 60_000)

/** The moments of a POST, seen by the receiver. */
const MOMENTS: readonly (readonly [string, Moment, string])[] = [
  ['attempt noted, POST on its way', 'connected', 'RAPID'],
  ['POST read, without effect', 'read', 'CARE'],
  ['POST had its effect, before its answer (BaRS)', 'done', 'RAPID'],
  ['POST had its effect, before its answer (FHIR)', 'done', 'CARE'],
  ['half of the answer to the POST', 'half-answered', 'WARD'],
  ['POST answered', 'answered', 'CARE'],
]

test.each(MOMENTS)(
  'a delivery: %s',
  async (_name, moment, need) => {
    const happened = run.receivers.interrupt(moment).then(() => run.gateway.kill())
    await run.senders.deliver(run.senders.newReferral(need))
    await happened
    await restart()
    await expectNothingWrong()
  },
  60_000,
)

test('a cancellation decided while the offer is being sent', async () => {
  const happened = run.receivers.interrupt('read')
  const referral = run.senders.newReferral('CARE')
  await expectTaken(referral)
  await happened
  await expectTaken(run.senders.newCancellation(referral))
  await restart()
  await expectNothingWrong()
}, 60_000)

test('while stopping, with a message under way', async () => {
  const pause = await pauseAt(run.gateway, 'message', 'at commit')
  const sent = run.senders.newReferral()
  const client = new MllpClient(run.gateway.mllpPort)
  await client.write(frame(sent.text))
  await pause.reached()
  run.gateway.signal('SIGTERM')
  await sleep(200)
  await restart(pause)
  expect(await client.answer(0)).toBeUndefined()
  await expectTaken(sent)
}, 60_000)

test('while starting again', async () => {
  await run.gateway.kill()
  run.gateway.launch()
  await untilConnected()
  await restart()
  await expectTaken(run.senders.newReferral())
}, 60_000)

test('all together: 0 lost, 0 double, 0 out of order', async () => {
  await expectNothingWrong()
}, 60_000)

/** Sends, kills at the pause, starts, and looks: kept once or not at all; the same message again is then taken. */
async function killWhileReceiving(sent: Sent, pausing: () => Promise<Pause>, kept: boolean): Promise<void> {
  await drained(run.gateway, ANSWER_TIMEOUT_MS)
  const pause = await pausing()
  const client = new MllpClient(run.gateway.mllpPort)
  await client.write(frame(sent.text))
  await pause.reached()
  expect(await client.answer(0)).toBeUndefined()
  await restart(pause)
  expect(await client.answer(0)).toBeUndefined()
  expect(await keptTimes(sent)).toBe(kept ? 1 : 0)
  await expectTaken(sent)
}

async function restart(pause?: Pause): Promise<void> {
  await run.gateway.kill()
  await run.gateway.start()
  // Not before the killed database has ended: what waits there must not go on.
  await pause?.end()
  await removePauses(run.gateway)
}

async function expectTaken(sent: Sent): Promise<void> {
  const expected = sent.kind === 'unusable' ? /\rMSA\|A[ER]\|/ : /\rMSA\|AA\|/
  expect(await run.senders.deliver(sent)).toMatch(expected)
}

async function expectNothingWrong(): Promise<void> {
  expect((await run.judge()).faults).toEqual([])
}

async function keptTimes(sent: Sent): Promise<number> {
  const client = await run.gateway.connect()
  try {
    const { rowCount } = await client.query('select from message where message_id = $1', [sent.controlId])
    return rowCount ?? 0
  } finally {
    await client.end()
  }
}

/** The gateway has its database and is on its way from there to taking work. */
async function untilConnected(): Promise<void> {
  for (;;) {
    const client = await run.gateway.connect().catch(() => undefined)
    await client?.end()
    if (client !== undefined) return
    await sleep(5)
  }
}

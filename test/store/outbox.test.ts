import { describe, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../../src/store/store.js'
import type { AttemptOutcome, Delivery, RenderedDelivery } from '../../src/store/types.js'
import { addMs } from '../../src/terms/instant.js'
import { aChange, aDelivery, anOpening, NOW } from '../support/case-commit.js'
import { withDatabase } from '../support/postgres.js'

const database = withDatabase()

const RENDERED: RenderedDelivery = {
  body: Buffer.from('{"resourceType":"Bundle"}'),
  contentType: 'application/fhir+json',
  headers: { 'x-request-id': 'r-1' },
  correlation: 'bundle-1',
}
const LEASE_MS = 60_000

/** Tests share one server: each claims only what its own receivers are to get. */
const claim = async (
  store: Store,
  receivers: readonly string[],
  options: { leaseMs?: number; now?: typeof NOW } = {},
) => {
  const claimed = await store.claimDeliveries({ limit: 100, leaseMs: LEASE_MS, now: NOW, ...options })
  return claimed.filter(({ receiver }) => receivers.includes(receiver))
}

const outcomeOf = (delivery: Delivery, changes: Partial<AttemptOutcome> = {}): AttemptOutcome => ({
  deliveryId: delivery.id,
  lease: delivery.lease,
  at: NOW,
  state: 'delivered',
  durationMs: 12,
  ...changes,
})

const ids = (deliveries: readonly { id: string }[]): string[] => deliveries.map(({ id }) => id)

async function open(store: Store, deliveries: readonly ReturnType<typeof aDelivery>[]): Promise<string> {
  const commit = anOpening({ deliveries })
  await store.commitCase(commit)
  return commit.caseId
}

describe('the line of one case to one receiver', () => {
  test('its first delivery goes alone; other receivers and other cases do not wait for it', async () => {
    const store = await database.open()
    const [first, second, toHospital, otherCase] = [
      aDelivery({ receiver: 'line-ucr' }),
      aDelivery({ receiver: 'line-ucr' }),
      aDelivery({ receiver: 'line-hospital' }),
      aDelivery({ receiver: 'line-ucr' }),
    ]
    await open(store, [first!, second!, toHospital!])
    await open(store, [otherCase!])
    const lines = ['line-ucr', 'line-hospital']
    const claimed = await claim(store, lines)
    expect(new Set(ids(claimed))).toEqual(new Set(ids([first!, toHospital!, otherCase!])))
    expect(await claim(store, lines)).toEqual([])

    // A poisoned head parks its own line and nothing else.
    const head = claimed.find(({ id }) => id === first!.id)!
    await store.recordAttempt(
      outcomeOf(head, { state: 'queued', nextAttemptAt: addMs(NOW, 5_000), faultClass: 'retry' }),
    )
    expect(await claim(store, lines)).toEqual([])
    const [again] = await claim(store, lines, { now: addMs(NOW, 5_000) })
    expect(again).toMatchObject({ id: first!.id, mayHaveArrived: false })
    await store.recordAttempt(
      outcomeOf(again!, { state: 'dead', fault: 'delivery-exhausted', cause: 'ten attempts' }),
    )
    expect(ids(await claim(store, lines))).toEqual([second!.id])
  })

  test('the order is that of the commits, numbered per case', async () => {
    const store = await database.open()
    const drafts = Array.from({ length: 6 }, () => aDelivery({ receiver: 'numbers' }))
    const caseId = await open(store, drafts.slice(0, 3))
    await store.commitCase(aChange(caseId, 1, { deliveries: drafts.slice(3) }))
    const sent: string[] = []
    for (;;) {
      const [next] = await claim(store, ['numbers'])
      if (next === undefined) break
      sent.push(next.id)
      await store.recordAttempt(outcomeOf(next))
    }
    expect(sent).toEqual(ids(drafts))
    expect((await store.readDeliveries(caseId)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('notBefore holds a delivery and what stands behind it', async () => {
    const store = await database.open()
    const later = aDelivery({ receiver: 'later', notBefore: addMs(NOW, 1_000) })
    await open(store, [later, aDelivery({ receiver: 'later' })])
    expect(await claim(store, ['later'])).toEqual([])
    expect(ids(await claim(store, ['later'], { now: addMs(NOW, 1_000) }))).toEqual([later.id])
  })

  test('a long queue for one receiver leaves room for the others in every claim', async () => {
    const store = await database.open()
    const busy = Array.from({ length: 30 }, () =>
      anOpening({ deliveries: [aDelivery({ receiver: 'fair-busy' })] }),
    )
    await Promise.all(busy.map((commit) => store.commitCase(commit)))
    const quiet = aDelivery({ receiver: 'fair-quiet' })
    await open(store, [quiet])
    const claimed = await claim(store, ['fair-busy', 'fair-quiet'])
    expect(ids(claimed)).toContain(quiet.id)
    expect(claimed).toHaveLength(31)
  })
})

describe('leases', () => {
  test('of many claims at once each delivery goes to one', async () => {
    const store = await database.open({ poolSize: 16 })
    const commits = Array.from({ length: 40 }, () =>
      anOpening({ deliveries: [aDelivery({ receiver: 'many' })] }),
    )
    await Promise.all(commits.map((commit) => store.commitCase(commit)))
    const claims = await Promise.all(
      Array.from({ length: 16 }, () => store.claimDeliveries({ limit: 10, leaseMs: LEASE_MS, now: NOW })),
    )
    const claimed = ids(claims.flat().filter(({ receiver }) => receiver === 'many'))
    claimed.push(...ids(await claim(store, ['many'])))
    expect(new Set(claimed).size).toBe(40)
    expect(claimed).toHaveLength(40)
  })

  test('one that runs out before the attempt began comes back as it was; the first holder is fenced off', async () => {
    const store = await database.open()
    const draft = aDelivery({ receiver: 'slow-worker' })
    await open(store, [draft])
    const [first] = await claim(store, ['slow-worker'], { leaseMs: 1 })
    await sleep(5)
    const [second] = await claim(store, ['slow-worker'])
    expect(second).toMatchObject({ id: draft.id, attempts: 1, mayHaveArrived: false, rendered: null })
    expect(Number(second!.lease)).toBeGreaterThan(Number(first!.lease))
    expect(await store.beginAttempt(draft.id, first!.lease, RENDERED)).toBe(false)
    expect(await store.recordAttempt(outcomeOf(first!))).toBe(false)
    expect(await store.beginAttempt(draft.id, second!.lease, RENDERED)).toBe(true)
    expect(await store.beginAttempt(draft.id, second!.lease, RENDERED)).toBe(false)
  })

  test('one that runs out while sending comes back as one that may have arrived, with the same bytes', async () => {
    const store = await database.open()
    const draft = aDelivery({ receiver: 'killed-worker' })
    const rendered = { ...RENDERED, correlation: draft.id }
    await open(store, [draft])
    const [first] = await claim(store, ['killed-worker'], { leaseMs: 1 })
    expect(await store.beginAttempt(draft.id, first!.lease, rendered)).toBe(true)
    await sleep(5)
    const [second] = await claim(store, ['killed-worker'])
    expect(second).toMatchObject({ attempts: 2, mayHaveArrived: true, rendered })
    const other = { ...rendered, body: Buffer.from('other'), correlation: 'other' }
    expect(await store.beginAttempt(draft.id, second!.lease, other)).toBe(true)
    expect(await store.findDelivery('other')).toBeUndefined()
    expect(await store.findDelivery(draft.id)).toMatchObject({
      id: draft.id,
      state: 'sending',
      rendered,
    })
  })

  test('an attempt is recorded once; a commit that records it again is refused and changes nothing', async () => {
    const store = await database.open()
    const caseId = await open(store, [aDelivery({ receiver: 'once' })])
    const [claimed] = await claim(store, ['once'])
    const attempt = outcomeOf(claimed!, { httpStatus: 200, answer: Buffer.from('ok') })
    expect(await store.commitCase(aChange(caseId, 1, { attempt }))).toEqual({ kind: 'committed', version: 2 })
    expect(await store.commitCase(aChange(caseId, 2, { attempt }))).toEqual({ kind: 'lease-lost' })
    expect(await store.recordAttempt(attempt)).toBe(false)
    expect(await store.readCase(caseId)).toMatchObject({ version: 2 })
    expect(await store.readDeliveries(caseId)).toMatchObject([{ state: 'delivered', lastCause: null }])
  })
})

describe('withdrawing', () => {
  test('takes back what waits, never what is being sent or may have arrived', async () => {
    const store = await database.open()
    const subject = randomUUID()
    const receivers = ['w-sending', 'w-claimed', 'w-unsure', 'w-other']
    const [sending, claimed, unsure] = receivers.map((receiver) => aDelivery({ receiver, subject }))
    const other = aDelivery({ receiver: 'w-other' })
    const caseId = await open(store, [sending!, claimed!, unsure!, other])
    const taken = new Map((await claim(store, receivers)).map((delivery) => [delivery.id, delivery]))
    await store.beginAttempt(sending!.id, taken.get(sending!.id)!.lease, RENDERED)
    const failed = outcomeOf(taken.get(unsure!.id)!, {
      state: 'queued',
      faultClass: 'unsure',
      nextAttemptAt: NOW,
    })
    await store.recordAttempt(failed)
    await store.commitCase(aChange(caseId, 1, { withdrawnDeliveries: [subject] }))
    const states = (await store.readDeliveries(caseId)).map(({ id, state }) => [id, state])
    expect(states).toEqual([
      [sending!.id, 'sending'],
      [claimed!.id, 'withdrawn'],
      [unsure!.id, 'queued'],
      [other.id, 'queued'],
    ])
    // Whoever had claimed it finds out before anything is sent.
    expect(await store.beginAttempt(claimed!.id, taken.get(claimed!.id)!.lease, RENDERED)).toBe(false)
  })
})

describe('circuit breaker', () => {
  const policy = { breakerFailures: 3, breakerOpenMs: 10_000 }

  test('opens at the third failure in a row, says so once, and lets one delivery try when its time is over', async () => {
    const store = await database.open()
    const commits = Array.from({ length: 5 }, () =>
      anOpening({ deliveries: [aDelivery({ receiver: 'down' })] }),
    )
    await Promise.all(commits.map((commit) => store.commitCase(commit)))
    expect(await store.receiverFailed('down', NOW, policy)).toEqual({
      failures: 1,
      opened: false,
      openUntil: null,
    })
    expect(await store.receiverFailed('down', NOW, policy)).toEqual({
      failures: 2,
      opened: false,
      openUntil: null,
    })
    expect(await store.receiverFailed('down', NOW, policy)).toEqual({
      failures: 3,
      opened: true,
      openUntil: addMs(NOW, 10_000),
    })
    expect(await store.receiverFailed('down', NOW, policy)).toMatchObject({ failures: 4, opened: false })
    expect(await claim(store, ['down'], { now: addMs(NOW, 9_999) })).toEqual([])
    const trial = await claim(store, ['down'], { now: addMs(NOW, 10_000) })
    expect(trial).toHaveLength(1)
    expect(await claim(store, ['down'], { now: addMs(NOW, 10_000) })).toEqual([])

    // The trial fails: closed to all for another ten seconds.
    await store.recordAttempt(outcomeOf(trial[0]!, { state: 'queued', nextAttemptAt: NOW }))
    await store.receiverFailed('down', addMs(NOW, 10_000), policy)
    expect(await claim(store, ['down'], { now: addMs(NOW, 19_999) })).toEqual([])
    expect(await claim(store, ['down'], { now: addMs(NOW, 20_000) })).toHaveLength(1)
    expect(await store.receiverAnswered('down')).toEqual({ closed: true })
    expect(await claim(store, ['down'])).toHaveLength(4)
  })

  test('an answer between failures starts the count again; without a policy it never opens', async () => {
    const store = await database.open()
    await store.receiverFailed('flaky', NOW, policy)
    await store.receiverFailed('flaky', NOW, policy)
    expect(await store.receiverAnswered('flaky')).toEqual({ closed: false })
    expect(await store.receiverFailed('flaky', NOW, policy)).toMatchObject({ failures: 1, opened: false })
    for (let n = 0; n < 5; n++) {
      expect(await store.receiverFailed('unknown', NOW, undefined)).toMatchObject({
        opened: false,
        openUntil: null,
      })
    }
  })
})

describe('deadlines', () => {
  const due = (kind = 'answer-due') => ({
    id: randomUUID(),
    kind,
    dueAt: addMs(NOW, 1_000),
    subject: randomUUID(),
  })
  const passed = (store: Store) =>
    store.claimDeadlines({ limit: 50, leaseMs: LEASE_MS, now: addMs(NOW, 1_000) })

  test('one that has passed is claimed once and closed by the commit that acts on it', async () => {
    const store = await database.open()
    const deadline = due()
    const opening = anOpening({ deadlines: [deadline] })
    await store.commitCase(opening)
    expect(await store.claimDeadlines({ limit: 50, leaseMs: LEASE_MS, now: NOW })).toEqual([])
    const [claimed] = await passed(store)
    expect(claimed).toMatchObject({ ...deadline, caseId: opening.caseId })
    expect(await passed(store)).toEqual([])
    const act = aChange(opening.caseId, 1, {
      deadline: { id: deadline.id, lease: claimed!.lease },
      clearedDeadlines: [deadline.subject],
    })
    expect(await store.commitCase(act)).toMatchObject({ kind: 'committed' })
    expect(await store.commitCase({ ...act, expectedVersion: 2 })).toEqual({ kind: 'lease-lost' })
  })

  test('one that was cleared never comes; clearing and setting in one commit leaves the new one', async () => {
    const store = await database.open()
    const old = due()
    const opening = anOpening({ deadlines: [old] })
    await store.commitCase(opening)
    const fresh = { ...due('release-due'), subject: old.subject }
    await store.commitCase(
      aChange(opening.caseId, 1, { clearedDeadlines: [old.subject], deadlines: [fresh] }),
    )
    expect(ids(await passed(store))).toEqual([fresh.id])
  })

  test('a claim whose process died comes back when its lease runs out', async () => {
    const store = await database.open()
    const deadline = due()
    await store.commitCase(anOpening({ deadlines: [deadline] }))
    const options = { limit: 50, leaseMs: 1, now: addMs(NOW, 1_000) }
    const [first] = await store.claimDeadlines(options)
    await sleep(5)
    const [second] = await store.claimDeadlines(options)
    expect(second!.id).toBe(first!.id)
    expect(Number(second!.lease)).toBeGreaterThan(Number(first!.lease))
    await store.claimDeadlines({ ...options, leaseMs: LEASE_MS })
  })
})

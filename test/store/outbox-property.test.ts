/** Whatever workers do in whatever order, and however often they die: each delivery is settled once, in its line's
 *  order, and an attempt that began is never forgotten. */
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../../src/store/store.js'
import type { Delivery } from '../../src/store/types.js'
import { aDelivery, anOpening, NOW } from '../support/case-commit.js'
import { withDatabase } from '../support/postgres.js'

const database = withDatabase()

/** What a worker does with what it holds. `die`: its lease runs out, and it comes back later with what it held. */
type Step =
  | { readonly kind: 'claim'; readonly limit: number; readonly dies: boolean }
  | { readonly kind: 'begin'; readonly pick: number }
  | { readonly kind: 'settle'; readonly pick: number; readonly state: 'delivered' | 'dead' | 'queued' }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('claim' as const),
    limit: fc.integer({ min: 1, max: 4 }),
    dies: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('begin' as const), pick: fc.nat(20) }),
  fc.record({
    kind: fc.constant('settle' as const),
    pick: fc.nat(20),
    state: fc.constantFrom('delivered' as const, 'dead' as const, 'queued' as const),
  }),
)

const RENDERED = { body: Buffer.from('x'), contentType: 'text/plain', headers: {}, correlation: 'c' }
let run = 0

/** What the workers saw: claims they hold (or held), attempts that began, and the order of settlement per line. */
class Workers {
  readonly held: Delivery[] = []
  readonly begun = new Set<string>()
  readonly settled: { readonly line: string; readonly id: string; readonly seq: number }[] = []

  constructor(
    private readonly store: Store,
    private readonly receivers: readonly string[],
  ) {}

  async take(limit: number, leaseMs: number): Promise<readonly Delivery[]> {
    const claimed = await this.store.claimDeliveries({ limit, leaseMs, now: NOW })
    for (const delivery of claimed) {
      expect(this.receivers).toContain(delivery.receiver)
      expect(this.settled.map(({ id }) => id)).not.toContain(delivery.id)
      // An attempt that began and was not recorded may have arrived.
      if (this.begun.has(delivery.id)) expect(delivery.mayHaveArrived).toBe(true)
    }
    this.held.push(...claimed)
    return claimed
  }

  async do(step: Step): Promise<void> {
    if (step.kind === 'claim') {
      await this.take(step.limit, step.dies ? 1 : 60_000)
      if (step.dies) await sleep(3)
      return
    }
    const delivery = this.held[step.pick % Math.max(1, this.held.length)]
    if (delivery === undefined) return
    if (step.kind === 'begin') {
      if (await this.store.beginAttempt(delivery.id, delivery.lease, RENDERED)) this.begun.add(delivery.id)
      return
    }
    await this.settle(delivery, step.state)
  }

  async settle(delivery: Delivery, state: 'delivered' | 'dead' | 'queued'): Promise<void> {
    const outcome = { deliveryId: delivery.id, lease: delivery.lease, at: NOW, state, durationMs: 1 }
    if (!(await this.store.recordAttempt(outcome))) return
    if (state === 'queued') this.begun.delete(delivery.id)
    else
      this.settled.push({
        line: `${delivery.caseId} ${delivery.receiver}`,
        id: delivery.id,
        seq: delivery.seq,
      })
  }
}

test('no delivery is lost, doubled or overtaken', async () => {
  const store = await database.open()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const receivers = [`p${++run}-a`, `p${run}-b`]
      const drafts = Array.from({ length: 8 }, (_, n) => aDelivery({ receiver: receivers[n % 2]! }))
      await store.commitCase(anOpening({ deliveries: drafts.slice(0, 4) }))
      await store.commitCase(anOpening({ deliveries: drafts.slice(4) }))
      const workers = new Workers(store, receivers)
      for (const each of steps) await workers.do(each)
      await finish(store, workers, drafts.length)
      expect(new Set(workers.settled.map(({ id }) => id))).toEqual(new Set(drafts.map(({ id }) => id)))
      expect(workers.settled).toHaveLength(drafts.length)
      for (const { line, seq } of workers.settled) {
        const inLine = workers.settled.filter((other) => other.line === line).map((other) => other.seq)
        expect(inLine).toEqual([...inLine].sort((a, b) => a - b))
        expect(inLine).toContain(seq)
      }
    }),
    { numRuns: 25, endOnFailure: true },
  )
}, 120_000)

/** Faults have stopped: living workers settle what they hold and claim the rest until nothing is left. */
async function finish(store: Store, workers: Workers, expected: number): Promise<void> {
  for (let rounds = 0; workers.settled.length < expected && rounds < 50; rounds++) {
    await workers.take(10, 60_000)
    for (const delivery of workers.held) await workers.settle(delivery, 'delivered')
  }
  expect(await store.nextDueInMs(NOW)).toBeUndefined()
}

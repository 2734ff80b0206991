/** The checker sees what it is there to see: gateways with one defect each are found out within a minute, and the
 *  same run finds nothing in the gateway as it is. */
import { afterEach, expect, test } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Defect } from '../support/kill-product.js'
import type { Receivers } from '../support/kill-receivers.js'
import { KillRun, seeded } from '../support/kill-run.js'

const CAUGHT_WITHIN_MS = 60_000
const SENDERS = 6

let run: KillRun | undefined
afterEach(async () => {
  await run?.remove()
  run = undefined
}, 60_000)

/** What a defect does, the text it replaces, and a fault that shows it. */
const MUTANTS: readonly (readonly [string, readonly Defect[], RegExp])[] = [
  [
    'the positive answer leaves before the commit',
    [
      {
        file: 'flow/receive.js',
        find: 'const done = await processMessage({ message, sender, incoming, ...later }, gateway);',
        replace: `const done = { kind: 'done', caseId: '' };
        setTimeout(() => processMessage({ message, sender, incoming, ...later }, gateway).catch(() => undefined), 50);`,
      },
    ],
    /acknowledged, found (0 times|as 0 cases)/,
  ],
  [
    'a message is not unique',
    [
      {
        file: 'store/migrations/0001-cases.js',
        find: `case_id text not null,
  constraint message_once unique (sender, message_id, generation)`,
        replace: 'case_id text not null',
      },
      // Ids made from the message are the second guard: a resend would meet its own case.
      {
        file: 'translate/translator.js',
        find: 'const seed = `${context.sourceId}',
        replace: 'const seed = `${Math.random()}',
      },
    ],
    /found 2 times among the messages|different answers/,
  ],
  [
    'a delivery is done before its receiver has answered',
    [
      {
        file: 'flow/deliver.js',
        find: 'return publisher.send(rendered, receives, AbortSignal.timeout(receives.timeoutMs));',
        replace: `setTimeout(() => publisher.send(rendered, receives, AbortSignal.timeout(receives.timeoutMs)).catch(() => undefined), 50);
        return { answer: Buffer.alloc(0), says: { kind: 'received' } };`,
      },
    ],
    /is delivered and had 0 effects/,
  ],
  [
    'deliveries of one case overtake each other',
    [
      {
        file: 'store/outbox.js',
        find: 'e.receiver = d.receiver and e.seq < d.seq',
        replace: 'e.receiver = d.receiver and false',
      },
    ],
    /an offer arrived after its cancellation|before the offer had its effect/,
  ],
  [
    'an attempt that a kill interrupted is forgotten',
    [
      {
        file: 'store/outbox.js',
        find: `where d.receiver = r.receiver and d.state in ('queued', 'sending') and d.due_at`,
        replace: `where d.receiver = r.receiver and d.state = 'queued' and d.due_at`,
      },
    ],
    /is sending/,
  ],
]

test('control: the gateway as it is passes', async () => {
  expect(await faultsAfterKills([])).toEqual([])
}, 120_000)

test.each(MUTANTS)(
  '%s: caught',
  async (_name, defects, expected) => {
    const startedAt = performance.now()
    const faults = await faultsAfterKills(defects)
    expect(faults.filter((fault) => expected.test(fault))).not.toEqual([])
    expect(performance.now() - startedAt).toBeLessThan(CAUGHT_WITHIN_MS)
  },
  120_000,
)

/** First what each defect needs to show, one thing after the other; then load, with a kill in the middle of a POST. */
async function faultsAfterKills(defects: readonly Defect[]): Promise<readonly string[]> {
  const random = seeded(20_261_121)
  run = await KillRun.prepare(defects, random)
  const { gateway, receivers, senders } = run
  await gateway.start()
  // An offer that hangs is taken back, by a sender that does not believe its first answer.
  const referral = senders.newReferral('CARE')
  const sending = receivers.interrupt('read')
  await senders.deliver(referral)
  await senders.deliver(referral)
  await sending
  await senders.deliver(senders.newCancellation(referral))
  await cancellationArrived(receivers)
  await senders.deliver(senders.newReferral('RAPID'))
  await gateway.kill()
  await gateway.start()

  receivers.failSometimes(random)
  senders.start(SENDERS)
  await sleep(1_000)
  await receivers.interrupt('done')
  await gateway.kill()
  await gateway.start()
  await sleep(300)
  await senders.finish()
  return (await run.judge(6_000)).faults
}

/** Or will not: the checker says so then. */
async function cancellationArrived({ arrivals }: Receivers): Promise<void> {
  for (let waitedMs = 0; waitedMs < 6_000; waitedMs += 20) {
    if (arrivals.some(({ kind }) => kind === 'cancel')) return
    await sleep(20)
  }
}

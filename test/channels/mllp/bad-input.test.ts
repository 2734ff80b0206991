/** The MLLP port under hostile bytes, with the whole gateway behind it: each stream gets its answer, what is refused
 *  is kept, and none costs the next message anything. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { startMllpListener } from '../../../src/channels/mllp/listener.js'
import type { MllpServer } from '../../../src/wire/mllp-server.js'
import { withGateway } from '../../support/gateway.js'
import { Sender, sleep } from '../../wire/mllp-peers.js'
import { block, CONTENTS, FRAMES, referral, type Stream } from './fixtures.js'

const SHARED = resolve('../shared/corpora/bad-input/hl7/own')
const withShared = existsSync(SHARED) ? test : test.skip
const door = withGateway()
let server: MllpServer | undefined

beforeAll(async () => {
  const gateway = door.with({
    acceptUnregistered: true,
    hl7Limits: { maxMessageBytes: 16e6, maxSegments: 4096, maxRepetitions: 1000, maxFieldBytes: 12e6 },
  })
  const limits = { frameTimeoutMs: 100, idleTimeoutMs: 100 }
  server = await startMllpListener({ host: '127.0.0.1', port: 0, limits }, gateway)
})
afterAll(() => server?.close(0))

/** Everything the port answers until it closes the connection. */
async function answersTo(bytes: Uint8Array): Promise<readonly string[]> {
  const sender = await Sender.to(server!.port)
  sender.write(bytes)
  expect(await sender.closed()).toBe(true)
  return sender.answers
}

const quarantineSize = async (): Promise<number> =>
  (await door.query<{ n: number }>('select sum(times)::int as n from quarantine'))[0]?.n ?? 0

async function faultsDuring<T>(work: () => Promise<T>): Promise<{ result: T; faults: string[] }> {
  const known = (await door.query<{ id: string }>('select id from quarantine')).map(({ id }) => id)
  const result = await work()
  const rows = await door.query<{ fault: string; reason: string }>(
    'select fault, reason from quarantine where id <> all($1)',
    [known],
  )
  for (const { reason } of rows) expect(reason).not.toBe('')
  return { result, faults: rows.map(({ fault }) => fault).sort() }
}

describe('our own streams', () => {
  test.each([...FRAMES, ...CONTENTS].map((each): [string, Stream] => [each.name, each]))(
    '%s',
    async (_name, { bytes, answers, faults }) => {
      const found = await faultsDuring(() => answersTo(bytes))
      expect(found).toEqual({ result: answers, faults })
    },
  )

  test('the same id with another body: the second is refused', async () => {
    const both = block(referral('D01')) + block(referral('D01', 'Other^Name'))
    expect(await answersTo(Buffer.from(both))).toEqual(['AA D01', 'AE D01'])
  })

  test('the same message twice: AA twice, one case', async () => {
    expect(await answersTo(Buffer.from(block(referral('D02')).repeat(2)))).toEqual(['AA D02', 'AA D02'])
    expect(await door.query('select count(*)::int as n from message where message_id = $1', ['D02'])).toEqual(
      [{ n: 1 }],
    )
  })

  test('a thousand refusals, then a good message', async () => {
    const before = await quarantineSize()
    const bad = Array.from({ length: 1_000 }, (_, n) => block(`PID|1||${n}\r`)).join('')
    const sender = await Sender.to(server!.port)
    sender.write(bad + block(referral('D03')))
    while (sender.answers.length < 1_001 && !sender.ended) await sleep(20)
    expect(sender.answers.slice(0, 1_000)).toEqual(Array<string>(1_000).fill('AR'))
    expect(sender.answers.slice(1_000)).toEqual(['AA D03'])
    expect(await quarantineSize()).toBe(before + 1_000)
  })
})

/** What the file's name promises: the answer codes in order, or none. */
const PROMISED: Readonly<Record<string, readonly string[] | undefined>> = {
  AA: ['AA'],
  'AA-AA': ['AA', 'AA'],
  AE: ['AE'],
  AR: ['AR'],
  close: [],
  ignore: [],
  'close-or-ignore-no-ack': [],
  'no-memory-growth': [],
  'AA-tolerant': ['AA'],
  'AR-and-quarantine': ['AR'],
  'AE-conflict': ['AA', 'AE'],
  'AA-AA-one-case': ['AA', 'AA'],
  'AA-then-wait': ['AA', 'AE'],
  'second-AA-first-quarantine': ['AA'],
  quarantine: ['AE'],
  limit: ['AR'],
  // Within the limits; refused since it is about no patient.
  'limit-or-accept': ['AE'],
  'timeout-then-close-quarantine-partial': ['AE'],
  'AA-or-timeout-per-config': ['AE'],
  'AE-or-resync': ['AE'],
  'must-not-cut-short-silently': ['AE'],
  'AE-or-replace-flagged': ['AE'],
}

describe('the shared streams (skipped without ../shared/corpora/bad-input)', () => {
  withShared('each gets the answer its name promises; the others are taken, oddities and all', async () => {
    // Every file is about the same control id: each has a sender of its own.
    const found: Record<string, readonly string[]> = {}
    const promised: Record<string, readonly string[]> = {}
    for (const file of readdirSync(SHARED)) {
      const bytes = readFileSync(join(SHARED, file))
      const own = Buffer.from(
        bytes.toString('latin1').replaceAll('|AMB|NWAS|', `|AMB|N${file.slice(0, 2)}|`),
        'latin1',
      )
      found[file] = (await answersTo(own)).map((answer) => answer.slice(0, 2))
      promised[file] = PROMISED[/__(.+)\.bin$/.exec(file)?.[1] ?? ''] ?? ['AA']
    }
    expect(found).toEqual(promised)
    expect(await answersTo(Buffer.from(block(referral('LAST'))))).toEqual(['AA LAST'])
  })
})

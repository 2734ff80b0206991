/** The hospital twin: an invented morning that a gateway can read, sent until it is acknowledged. */
import { afterEach, describe, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildAck, type AckCode } from '../../src/codec/hl7v2/ack.js'
import { parseMessage } from '../../src/codec/hl7v2/parse.js'
import { createEmit } from '../../src/simulate/events.js'
import { startHospital, type HospitalOptions, type HospitalTwin } from '../../src/simulate/hospital.js'
import { referral, testNhsNumber } from '../../src/simulate/referral-morning.js'
import { instantOf } from '../../src/terms/instant.js'
import { isNhsNumber } from '../../src/terms/nhs-number.js'
import { MllpClient } from '../../src/wire/mllp-client.js'
import { startMllpServer } from '../../src/wire/mllp-server.js'

const stops: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

const AT = new Date('2026-11-21T07:00:00Z')
const HOSPITAL = { application: 'UHLPAS', facility: 'RWE' }

describe('the invented morning', () => {
  const morning = Array.from({ length: 12 }, (_, index) => referral(index, 'RUN1', AT, HOSPITAL))

  test.each(morning.map((each) => [each.referralId, each] as const))(
    '%s reads as a referral',
    (_id, each) => {
      const message = parseMessage(each.bytes)
      expect(message.get('MSH-9.2')).toBe('I12')
      expect(message.get('MSH-10')).toBe(each.controlId)
      expect(message.get('RF1-6.1')).toBe(each.referralId)
      const nhsNumber = message.get('PID-3.1') ?? ''
      expect(nhsNumber).toMatch(/^999/)
      expect(isNhsNumber(nhsNumber)).toBe(true)
      expect(message.get('PRD-1.1')).toBe('RP')
    },
  )

  test('no id twice, in this run or the next', () => {
    const next = Array.from({ length: 12 }, (_, index) => referral(index, 'RUN2', AT, HOSPITAL))
    const ids = [...morning, ...next].flatMap(({ controlId, referralId }) => [controlId, referralId])
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('characters that HL7 writes with escapes survive', () => {
    const house = morning.map(({ bytes }) => parseMessage(bytes).get('PID-11.1'))
    expect(house).toContain('Flat 9 & 10, Sample House')
  })

  test('test numbers are the valid ones of the range, in order', () => {
    // 999 000 000: 9*10+9*9+9*8 = 243; 243 mod 11 = 1; check 11 - 1 = 10, so that stem has none.
    // 999 000 001: 243 + 1*2 = 245; 245 mod 11 = 3; check 8.
    expect(testNhsNumber(0)).toBe('9990000018')
  })
})

interface Gateway {
  readonly port: number
  readonly received: string[]
}

/** Answers with these codes in turn, then AA; `cut` closes the connection instead. */
async function gateway(script: readonly (AckCode | 'cut')[] = []): Promise<Gateway> {
  const received: string[] = []
  const answers = [...script]
  const server = await startMllpServer({
    host: '127.0.0.1',
    port: 0,
    handle: (bytes) => {
      const original = parseMessage(bytes)
      received.push(original.get('MSH-10') ?? '')
      const code = answers.shift() ?? 'AA'
      if (code === 'cut') return Promise.reject(new Error('cut'))
      return Promise.resolve(
        buildAck({ original, code, controlId: `A${received.length}`, now: instantOf(new Date()) }),
      )
    },
    onReject: () => Promise.resolve(null),
  })
  stops.push(() => server.close(0))
  return { port: server.port, received }
}

async function hospital(port: number, over: Partial<HospitalOptions> = {}) {
  const events: Record<string, unknown>[] = []
  const deps = {
    write: (line: string) => void events.push(JSON.parse(line) as Record<string, unknown>),
    now: () => instantOf(new Date()),
    newId: randomUUID,
  }
  const options: HospitalOptions = {
    ...HOSPITAL,
    gatewayHost: '127.0.0.1',
    gatewayPort: port,
    port: 0,
    from: undefined,
    count: 3,
    everyMs: 0,
    ...over,
  }
  const twin: HospitalTwin = await startHospital(options, createEmit(deps, undefined), deps)
  stops.push(twin.close)
  return { twin, events }
}

describe('sending', () => {
  test('every referral once, in order', async () => {
    const { port, received } = await gateway()
    const { twin, events } = await hospital(port)
    await twin.sent
    expect(new Set(received).size).toBe(3)
    expect(events.at(-1)).toMatchObject({ event: 'finished', sent: 3, acknowledged: 3 })
  })

  test('what was not acknowledged goes again, the same message', async () => {
    const { port, received } = await gateway(['cut'])
    const { twin, events } = await hospital(port, { count: 1 })
    await twin.sent
    expect(received).toHaveLength(2)
    expect(received[0]).toBe(received[1])
    expect(events.map(({ event }) => event)).toEqual(['not-sent', 'sent', 'finished'])
  })

  test('a refusal is an answer', async () => {
    const { port, received } = await gateway(['AR'])
    const { twin, events } = await hospital(port, { count: 1 })
    await twin.sent
    expect(received).toHaveLength(1)
    expect(events.at(-1)).toMatchObject({ sent: 1, acknowledged: 0 })
  })

  test('files of a folder, by name', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'morning-'))
    for (const index of [1, 0]) {
      writeFileSync(join(folder, `${index}.hl7`), referral(index, 'FILES', AT, HOSPITAL).bytes)
    }
    const { port, received } = await gateway()
    const { twin } = await hospital(port, { from: folder })
    await twin.sent
    expect(received).toEqual(['FILES0001', 'FILES0002'])
  })
})

test('an answer of the gateway is acknowledged and told', async () => {
  const { port } = await gateway()
  const { twin, events } = await hospital(port, { count: 0 })
  const client = new MllpClient({ host: '127.0.0.1', port: twin.port })
  stops.push(() => client.close())
  const answer =
    'MSH|^~\\&|ONEDOOR|SPOA|UHLPAS|RWE|20261121081500+0000||RRI^I12^RRI_I12|R1|P|2.5.1\r' +
    'MSA|AA|RUN10001\rRF1|A||||||\r'
  const ack = parseMessage(await client.send(Buffer.from(answer)))
  expect([ack.get('MSA-1'), ack.get('MSA-2')]).toEqual(['AA', 'R1'])
  expect(events).toContainEqual(
    expect.objectContaining({ event: 'received', type: 'RRI^I12', answers: 'RUN10001', status: 'A' }),
  )
})

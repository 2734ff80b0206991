/** Replies and acknowledgements over MLLP: what they carry, and what a listener's answer means. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { buildAck, type AckCode } from '../../../src/codec/hl7v2/ack.js'
import { parseMessage } from '../../../src/codec/hl7v2/parse.js'
import type { Partner, ReceivesHl7v2 } from '../../../src/directory/types.js'
import { readMappings } from '../../../src/config/assets.js'
import { createHl7v2Publisher } from '../../../src/publish/hl7v2/publisher.js'
import type { Delivery, RenderedDelivery } from '../../../src/store/types.js'
import { asFault } from '../../../src/terms/fault.js'
import { createReplyWriter } from '../../../src/translate/reply.js'
import { startMllpServer, type MllpServer } from '../../../src/wire/mllp-server.js'
import { NOW } from '../../support/case-commit.js'
import * as given from '../offered-case.js'

const publisher = createHl7v2Publisher(createReplyWriter(readMappings()))
let server: MllpServer | undefined
let says: AckCode | 'nonsense' = 'AA'

beforeAll(async () => {
  server = await startMllpServer({
    host: '127.0.0.1',
    port: 0,
    handle: async (bytes) =>
      says === 'nonsense'
        ? Buffer.from('MSH|^~\\&|X\rMSA\r')
        : buildAck({ original: parseMessage(bytes), code: says, controlId: 'A1', now: NOW }),
    onReject: async () => null,
  })
})
afterAll(async () => {
  await publisher.close()
  await server?.close(0)
})

const receives = (changes: Partial<ReceivesHl7v2> = {}): ReceivesHl7v2 => ({
  channel: 'hl7v2',
  host: '127.0.0.1',
  port: server?.port ?? 9,
  application: 'PAS',
  facility: 'XHO01',
  version: '2.4',
  discardsRepeats: false,
  timeoutMs: 1_000,
  retry: { firstDelayMs: 1, maxDelayMs: 1, maxAttempts: 1, breakerFailures: 1, breakerOpenMs: 1 },
  ...changes,
})

const origin = { controlId: 'IN-1', event: 'I12', processingId: 'P', application: 'SPOA', facility: 'LLR' }

function render(over: Partial<Delivery>): RenderedDelivery {
  const receiver: Partner = { ...given.accessPoint, id: 'hospital', receives: receives() }
  return publisher.render(given.delivery({ channel: 'hl7v2', ...over }), given.record(), {
    deployment: given.deployment(given.receiverOf(receives()), given.service()),
    receiver,
    now: NOW,
    newId: () => '0191c5e0-6f00-7a11-8a11-0000000000aa',
  })
}

const codeOf = (work: () => unknown): string => {
  try {
    work()
    return 'nothing thrown'
  } catch (thrown) {
    return asFault(thrown).code
  }
}

describe('a reply', () => {
  test.each([
    ['accepted', 'A'],
    ['rejected', 'R'],
    ['pending', 'P'],
    ['completed', 'A'],
  ])('%s: RF1-1 %s, under the ids of the message it answers', (status, code) => {
    const { body, correlation, contentType } = render({ kind: 'reply', context: { status, origin } })
    const reply = parseMessage(body)
    expect(contentType).toBe('application/hl7-v2')
    expect(reply.messageType).toBe('RRI^I12')
    expect([reply.get('MSA-1'), reply.get('MSA-2')]).toEqual(['AA', 'IN-1'])
    expect([reply.get('RF1-1.1'), reply.get('RF1-6.1')]).toEqual([code, 'RF-2231'])
    expect([reply.get('MSH-3'), reply.get('MSH-4'), reply.get('MSH-5'), reply.get('MSH-6')]).toEqual([
      'SPOA',
      'LLR',
      'PAS',
      'XHO01',
    ])
    expect(reply.get('MSH-12')).toBe('2.4')
    expect(reply.controlId).toBe(correlation)
    expect(correlation.length).toBeLessThanOrEqual(20)
  })

  test('says why, with the code where there is one', () => {
    const reason = { text: 'No beds', codings: [{ system: 'http://x.example', code: 'FULL' }] }
    const { body } = render({ kind: 'reply', context: { status: 'rejected', origin, reason } })
    const reply = parseMessage(body)
    expect([reply.get('RF1-10.1'), reply.get('RF1-10.2')]).toEqual(['FULL', 'No beds'])
  })

  test('to a message that nobody named: refused, not guessed', () => {
    expect(codeOf(() => render({ kind: 'reply', context: { status: 'accepted' } }))).toBe('required-missing')
    expect(codeOf(() => render({ kind: 'reply', context: { status: 'well', origin } }))).toBe(
      'required-missing',
    )
  })
})

describe('other kinds', () => {
  test('an acknowledgement goes as it was written', () => {
    const written = Buffer.from('MSH|^~\\&|SPOA|LLR|PAS|XHO01|2026||ACK^I12|ACK-1|P|2.4\rMSA|AA|IN-1\r')
    const { body, correlation } = render({ kind: 'ack', context: { message: written.toString('base64') } })
    expect(Buffer.from(body).equals(written)).toBe(true)
    expect(correlation).toBe('ACK-1')
    expect(codeOf(() => render({ kind: 'ack', context: {} }))).toBe('required-missing')
  })

  test.each(['offer', 'cancel'])('an HL7 v2 listener gets no %s', (kind) => {
    expect(codeOf(() => render({ kind }))).toBe('event-unsupported')
  })

  test('only a partner that says so discards repeats', () => {
    expect(publisher.repeatsSafely(receives())).toBe(false)
    expect(publisher.repeatsSafely(receives({ discardsRepeats: true }))).toBe(true)
  })
})

describe("the listener's answer", () => {
  const send = (): Promise<string> =>
    publisher
      .send(
        render({ kind: 'reply', context: { status: 'accepted', origin } }),
        receives(),
        AbortSignal.timeout(2_000),
      )
      .then(
        ({ says: said }) => said.kind,
        (thrown: unknown) => `${asFault(thrown).code} ${asFault(thrown).meaning.class}`,
      )

  test.each([
    ['AA', 'received'],
    ['CA', 'received'],
    ['AE', 'receiver-rejected never'],
    ['AR', 'receiver-rejected never'],
    ['CR', 'receiver-rejected never'],
    ['nonsense', 'receiver-answer-unreadable unsure'],
  ] as const)('%s: %s', async (answer, expected) => {
    says = answer
    expect(await send()).toBe(expected)
  })

  test('nobody there: provably not sent', async () => {
    const sent = publisher.send(
      render({ kind: 'reply', context: { status: 'accepted', origin } }),
      receives({ port: 9 }),
      AbortSignal.timeout(2_000),
    )
    await expect(sent).rejects.toMatchObject({ code: 'receiver-refused-connection' })
  })
})

/** Enhanced acknowledgement (HL7 v2.5.1 ch. 2.9.3): a commit answer now and the application answer by the outbox to
 *  a partner that listens; everyone else gets one application answer. */
import { afterEach, describe, expect, test } from '@jest/globals'
import { buildAck } from '../../src/codec/hl7v2/ack.js'
import type { Message } from '../../src/codec/hl7v2/message.js'
import { parseMessage } from '../../src/codec/hl7v2/parse.js'
import type { Gateway } from '../../src/flow/gateway.js'
import { receive } from '../../src/flow/receive.js'
import { startMllpServer, type MllpServer } from '../../src/wire/mllp-server.js'
import { aReferral, deliverAll, marketTown, withGateway, type ReferralOptions } from '../support/gateway.js'

const door = withGateway()
let listener: MllpServer | undefined
const heard: Message[] = []

afterEach(async () => {
  heard.length = 0
  await listener?.close(0)
  listener = undefined
})

/** Southgate listens, and answers AA to everything. */
async function withListener(): Promise<Gateway> {
  listener = await startMllpServer({
    host: '127.0.0.1',
    port: 0,
    handle: async (bytes) => {
      const original = parseMessage(bytes)
      heard.push(original)
      return buildAck({ original, code: 'AA', controlId: `S${heard.length}`, now: door.gateway.clock() })
    },
    onReject: async () => null,
  })
  return door.with({ deployment: marketTown({ SOUTHGATE_PORT: String(listener.port) }) })
}

const ask = async (options: ReferralOptions, gateway: Gateway): Promise<string> =>
  parseMessage(await receive(aReferral(options), gateway)).get('MSA-1') ?? ''

describe('a partner that listens', () => {
  test('AL, AL: CA now, AA by its own listener, about the same control id', async () => {
    const gateway = await withListener()
    const options = { id: 'EN1', facility: 'SOUTHGATE', accept: 'AL', application: 'AL', reason: null }
    expect(await ask(options, gateway)).toBe('CA')
    await deliverAll(gateway)
    expect(heard.map((message) => message.messageType)).toEqual(['ACK^I12'])
    expect([heard[0]?.get('MSA-1'), heard[0]?.get('MSA-2')]).toEqual(['AA', 'EN1'])
    expect([heard[0]?.get('MSH-5'), heard[0]?.get('MSH-6')]).toEqual(['PAS', 'SOUTHGATE'])
    expect(await door.query('select kind, state from delivery where receiver = $1', ['southgate'])).toEqual([
      { kind: 'ack', state: 'delivered' },
    ])
  })

  test('AL, NE: CA and nothing more', async () => {
    const gateway = await withListener()
    const options = { id: 'EN2', facility: 'SOUTHGATE', accept: 'AL', application: 'NE', reason: null }
    expect(await ask(options, gateway)).toBe('CA')
    await deliverAll(gateway)
    expect(heard).toEqual([])
  })

  test('what is refused: CE or CR now, for good', async () => {
    const gateway = await withListener()
    const training = { id: 'EN3', facility: 'SOUTHGATE', accept: 'AL', application: 'AL', processingId: 'T' }
    expect(await ask(training, gateway)).toBe('CR')
    const unknown = { id: 'EN4', facility: 'SOUTHGATE', accept: 'AL', application: 'AL', event: 'I14' }
    expect(await ask(unknown, gateway)).toBe('CE')
    await deliverAll(gateway)
    expect(heard).toEqual([])
  })

  test('neither field valued: original mode, one AA', async () => {
    const gateway = await withListener()
    expect(await ask({ id: 'EN5', facility: 'SOUTHGATE', reason: null }, gateway)).toBe('AA')
    await deliverAll(gateway)
    expect(heard).toEqual([])
  })
})

describe('a partner without a listener', () => {
  test('AL, AL: the one application answer, positive or negative', async () => {
    expect(await ask({ id: 'EN6', accept: 'AL', application: 'AL' }, door.gateway)).toBe('AA')
    expect(await ask({ id: 'EN7', accept: 'AL', application: 'AL', processingId: 'T' }, door.gateway)).toBe(
      'AR',
    )
    expect(await ask({ id: 'EN8', accept: 'AL', application: 'AL', event: 'I14' }, door.gateway)).toBe('AE')
  })
})

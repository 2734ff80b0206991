import { afterEach, describe, expect, test } from '@jest/globals'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { MllpFramer } from '../../src/codec/mllp/framer.js'
import { parseMessage } from '../../src/codec/hl7v2/parse.js'
import { asFault } from '../../src/terms/fault.js'
import { MllpClient, type MllpClientOptions } from '../../src/wire/mllp-client.js'
import { answer, framed, idOf, message, sleep, until } from './mllp-peers.js'

type Reply = (id: string, socket: Socket) => void

const servers: Server[] = []
const clients: MllpClient[] = []
afterEach(() => {
  for (const client of clients.splice(0)) client.close()
  for (const server of servers.splice(0)) server.close()
})

/** A receiver that does with each message what the test says. */
async function receiver(reply: Reply): Promise<{ port: number; sockets: Socket[]; ids: string[] }> {
  const sockets: Socket[] = []
  const ids: string[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    const framer = new MllpFramer({ maxFrameBytes: 1_000_000, maxGarbageBytes: 100 })
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      for (const event of framer.push(chunk)) {
        if (event.kind !== 'message') continue
        ids.push(idOf(event.bytes))
        reply(idOf(event.bytes), socket)
      }
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, sockets, ids }
}

function clientOf(port: number, options: Partial<MllpClientOptions> = {}): MllpClient {
  const client = new MllpClient({ host: '127.0.0.1', port, answerTimeoutMs: 2_000, ...options })
  clients.push(client)
  return client
}

const answered = async (sent: Promise<Uint8Array>): Promise<string> => {
  try {
    const read = parseMessage(await sent)
    return `${read.get('MSA-1') ?? ''} ${read.get('MSA-2') ?? ''}`
  } catch (thrown) {
    return asFault(thrown).code
  }
}

const wrap = (bytes: Buffer): string => framed(bytes.toString('latin1'))
const say: Reply = (id, socket) => socket.write(wrap(answer(id)))
const send = (client: MllpClient, id: string): Promise<string> =>
  answered(client.send(Buffer.from(message(id))))

describe('answers', () => {
  test.each(['AA', 'AE', 'AR', 'CA', 'CE', 'CR'])('%s is given back as it is', async (code) => {
    const { port } = await receiver((id, socket) => socket.write(wrap(answer(id, code))))
    expect(await send(clientOf(port), '1')).toBe(`${code} 1`)
  })

  test('one message at a time over one connection, in the order of the sends', async () => {
    let open = 0
    let most = 0
    const { port, sockets, ids } = await receiver((id, socket) => {
      most = Math.max(most, ++open)
      setTimeout(() => {
        open--
        say(id, socket)
      }, 5)
    })
    const client = clientOf(port)
    const all = await Promise.all(['1', '2', '3', '4'].map((id) => send(client, id)))
    expect(all).toEqual(['AA 1', 'AA 2', 'AA 3', 'AA 4'])
    expect([ids, most, sockets.length]).toEqual([['1', '2', '3', '4'], 1, 1])
  })

  test('in pieces, with blank lines, behind a transport acknowledgement', async () => {
    const { port } = await receiver((id, socket) => {
      const bytes = Buffer.from(`${framed('\x06')}\r\n${wrap(answer(id))}\n`, 'latin1')
      socket.setNoDelay(true)
      bytes.forEach((byte, at) => setTimeout(() => socket.write(Buffer.from([byte])), at / 4))
    })
    expect(await send(clientOf(port), '1')).toBe('AA 1')
  })

  test('only MSA-2 matches: an answer to something else is passed over', async () => {
    const { port } = await receiver((id, socket) => {
      socket.write(wrap(answer('other')))
      say(id, socket)
    })
    expect(await send(clientOf(port), '1')).toBe('AA 1')
  })

  test('an escaped control id matches however it is escaped', async () => {
    const { port } = await receiver((_id, socket) => socket.write(wrap(answer('a\\X26\\b'))))
    expect(await send(clientOf(port), 'a\\T\\b')).toBe('AA a&b')
  })
})

describe('late answers', () => {
  test('never settle another message, and are told', async () => {
    const late: string[] = []
    const { port, sockets } = await receiver((id, socket) => {
      if (id !== 'slow') say(id, socket)
    })
    const client = clientOf(port, { answerTimeoutMs: 60, onLateAnswer: (id) => late.push(id) })
    expect(await send(client, 'slow')).toBe('receiver-silent')
    const next = send(client, 'next')
    sockets[0]!.write(wrap(answer('slow')))
    expect(await next).toBe('AA next')
    await until(() => late.length > 0)
    expect(late).toEqual(['slow'])
  })

  test('before the right one, on the same connection', async () => {
    const late: string[] = []
    const { port } = await receiver((id, socket) => {
      if (id === 'slow') return
      socket.write(wrap(answer('slow')) + wrap(answer(id, 'AE')))
    })
    const client = clientOf(port, { answerTimeoutMs: 60, onLateAnswer: (id) => late.push(id) })
    expect(await send(client, 'slow')).toBe('receiver-silent')
    expect(await send(client, 'next')).toBe('AE next')
    expect(late).toEqual(['slow'])
  })

  test('the application answer after the commit answer (enhanced mode)', async () => {
    const late: string[] = []
    const { port } = await receiver((id, socket) =>
      socket.write(wrap(answer(id, 'CA')) + wrap(answer(id, 'AA'))),
    )
    const client = clientOf(port, {
      onLateAnswer: (id, bytes) => late.push(`${parseMessage(bytes).get('MSA-1') ?? ''} ${id}`),
    })
    expect(await send(client, '1')).toBe('CA 1')
    await until(() => late.length > 0)
    expect(late).toEqual(['AA 1'])
  })
})

describe('failures', () => {
  test('nobody listens: nothing was sent', async () => {
    const { port } = await receiver(say)
    await new Promise((resolve) => servers.pop()!.close(resolve))
    expect(await send(clientOf(port), '1')).toBe('receiver-refused-connection')
  })

  test('no connection in time: nothing was sent', async () => {
    // TEST-NET-1 (RFC 5737) answers nobody; some hosts refuse it at once, which is the same to the caller.
    const client = clientOf(9, { host: '192.0.2.1', connectTimeoutMs: 50 })
    expect(await send(client, '1')).toBe('receiver-refused-connection')
  })

  test('no answer in time', async () => {
    const { port } = await receiver(() => undefined)
    expect(await send(clientOf(port, { answerTimeoutMs: 50 }), '1')).toBe('receiver-silent')
  })

  test.each<[string, Reply]>([
    ['closed', (_id, socket) => socket.end()],
    ['reset', (_id, socket) => socket.resetAndDestroy()],
    ['cut in the middle of the answer', (id, socket) => socket.end(wrap(answer(id)).slice(0, 30))],
  ])('%s before the answer', async (_name, reply) => {
    const { port } = await receiver(reply)
    expect(await send(clientOf(port), '1')).toBe('receiver-cut-off')
  })

  test.each<[string, string]>([
    ['no HL7', framed('hello')],
    ['no MSA', framed(message('1'))],
    ['an empty MSA-2', wrap(answer(''))],
    ['an empty frame', framed('')],
    ['larger than allowed', framed(message('1', 'x'.repeat(2_000)))],
  ])('an answer that is %s', async (_name, bytes) => {
    const { port } = await receiver((_id, socket) => socket.write(bytes))
    expect(await send(clientOf(port, { maxAnswerBytes: 1_000 }), '1')).toBe('receiver-answer-unreadable')
  })

  test('after a failure the next send connects again', async () => {
    let count = 0
    const { port, sockets } = await receiver((id, socket) =>
      count++ === 0 ? socket.destroy() : say(id, socket),
    )
    const client = clientOf(port)
    expect([await send(client, '1'), await send(client, '2')]).toEqual(['receiver-cut-off', 'AA 2'])
    expect(sockets).toHaveLength(2)
  })

  test('a message without MSH-10 is not sent', async () => {
    const { port, sockets } = await receiver(say)
    expect(await send(clientOf(port), '')).toBe('message-id-missing')
    expect(sockets).toHaveLength(0)
  })
})

describe('calling off', () => {
  test('before it is sent: nothing was sent', async () => {
    const { port, ids } = await receiver(say)
    const sent = clientOf(port).send(Buffer.from(message('1')), AbortSignal.abort())
    expect(await answered(sent)).toBe('receiver-refused-connection')
    expect(ids).toEqual([])
  })

  test('while it waits: it may have arrived', async () => {
    const { port, ids } = await receiver(() => undefined)
    const stop = new AbortController()
    const sent = answered(clientOf(port).send(Buffer.from(message('1')), stop.signal))
    await until(() => ids.length > 0)
    stop.abort()
    expect(await sent).toBe('receiver-cut-off')
  })

  test('close: the one that waits may have arrived, the others were not sent', async () => {
    const { port, ids } = await receiver(() => undefined)
    const client = clientOf(port)
    const sent = [send(client, '1'), send(client, '2')]
    await until(() => ids.length > 0)
    client.close()
    expect(await Promise.all(sent)).toEqual(['receiver-cut-off', 'receiver-refused-connection'])
    expect(await send(client, '3')).toBe('receiver-refused-connection')
  })
})

describe('idle', () => {
  test('an unused connection is closed, and opened again when needed', async () => {
    const { port, sockets } = await receiver(say)
    const client = clientOf(port, { idleTimeoutMs: 30 })
    await send(client, '1')
    await until(() => sockets[0]!.destroyed)
    expect(sockets[0]!.destroyed).toBe(true)
    expect(await send(client, '2')).toBe('AA 2')
    expect(sockets).toHaveLength(2)
  })

  test('a connection the receiver closed meanwhile is not used', async () => {
    const { port, sockets } = await receiver(say)
    const client = clientOf(port)
    await send(client, '1')
    sockets[0]!.end()
    await sleep(50)
    expect(await send(client, '2')).toBe('AA 2')
  })
})

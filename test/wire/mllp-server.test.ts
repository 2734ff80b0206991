import { afterEach, describe, expect, test } from '@jest/globals'
import { buildAck } from '../../src/codec/hl7v2/ack.js'
import { parseInstant } from '../../src/terms/instant.js'
import type { MllpServerLimits } from '../../src/wire/mllp-limits.js'
import { startMllpServer, type MllpServer, type MllpServerOptions } from '../../src/wire/mllp-server.js'
import { answer, framed, idOf, message, Sender, sleep, until } from './mllp-peers.js'

const now = parseInstant('2026-11-21T09:30:00Z')!
const open: MllpServer[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close(0)))
})

interface Running {
  readonly server: MllpServer
  readonly handled: string[]
  readonly rejected: string[]
  readonly errors: string[]
}

/** Answers AA to all; rejects as the gateway does, with a negative answer. */
async function start(
  limits: Partial<MllpServerLimits> = {},
  more: Partial<MllpServerOptions> = {},
): Promise<Running> {
  const handled: string[] = []
  const rejected: string[] = []
  const errors: string[] = []
  const server = await startMllpServer({
    host: '127.0.0.1',
    port: 0,
    limits,
    handle: async (bytes) => {
      handled.push(idOf(bytes))
      return answer(idOf(bytes))
    },
    onReject: async ({ fault, bytes }) => {
      rejected.push(`${fault.code} ${Buffer.from(bytes.subarray(0, 20)).toString('latin1')}`)
      return buildAck({ original: bytes, code: fault.meaning.ack ?? 'AE', controlId: 'X', now })
    },
    onError: (error) => errors.push(error.message),
    ...more,
  })
  open.push(server)
  return { server, handled, rejected, errors }
}

describe('answers', () => {
  test('several messages in one packet are each answered, in order', async () => {
    const { server } = await start()
    const sender = await Sender.to(server.port)
    sender.write(['1', '2', '3', '4', '5'].map((id) => framed(message(id))).join(''))
    expect(await sender.got(5)).toEqual(['AA 1', 'AA 2', 'AA 3', 'AA 4', 'AA 5'])
  })

  test('in order also when a later message is done first', async () => {
    const waits: Record<string, number> = { a: 60, b: 1, c: 30, d: 1 }
    const done: string[] = []
    const { server } = await start(
      { maxInFlight: 4 },
      {
        handle: async (bytes) => {
          await sleep(waits[idOf(bytes)] ?? 0)
          done.push(idOf(bytes))
          return answer(idOf(bytes))
        },
      },
    )
    const sender = await Sender.to(server.port)
    sender.write(
      Object.keys(waits)
        .map((id) => framed(message(id)))
        .join(''),
    )
    expect(await sender.got(4)).toEqual(['AA a', 'AA b', 'AA c', 'AA d'])
    expect(done.at(-1)).toBe('a')
  })

  test('one byte at a time', async () => {
    const { server } = await start()
    const sender = await Sender.to(server.port)
    for (const byte of Buffer.from(framed(message('1')) + framed(message('2'))))
      sender.write(Buffer.from([byte]))
    expect(await sender.got(2)).toEqual(['AA 1', 'AA 2'])
  })

  test('to a sender that closed its half after the last message', async () => {
    const { server } = await start()
    const sender = await Sender.to(server.port)
    sender.socket.end(framed(message('1')) + `\x0b${message('2')}\x1c`)
    expect(await sender.got(2)).toEqual(['AA 1', 'AA 2'])
    expect(await sender.closed()).toBe(true)
  })

  test('null: none', async () => {
    const { server } = await start(
      {},
      { handle: async (bytes) => (idOf(bytes) === '1' ? null : answer(idOf(bytes))) },
    )
    const sender = await Sender.to(server.port)
    sender.write(framed(message('1')) + framed(message('2')))
    expect(await sender.got(1)).toEqual(['AA 2'])
  })

  test('1,000 refused in a row, then a good one', async () => {
    const { server, rejected } = await start()
    const sender = await Sender.to(server.port)
    sender.write(framed('PID|1||no header\r').repeat(1_000) + framed(message('1')))
    const answers = await sender.got(1_001)
    expect(answers.slice(0, 1_000).every((one) => one === 'AR')).toBe(true)
    expect(answers[1_000]).toBe('AA 1')
    expect(rejected).toHaveLength(1_000)
  })

  test('a handler that throws closes its connection and no other', async () => {
    const { server, errors } = await start(
      {},
      {
        handle: async (bytes) => {
          if (idOf(bytes) === 'bad') throw new Error('broken')
          return answer(idOf(bytes))
        },
      },
    )
    const [one, other] = [await Sender.to(server.port), await Sender.to(server.port)]
    one.write(framed(message('bad')))
    expect(await one.closed()).toBe(true)
    expect(one.answers).toEqual([])
    other.write(framed(message('1')))
    expect(await other.got(1)).toEqual(['AA 1'])
    expect(errors).toEqual(['broken'])
  })
})

describe('framing', () => {
  const good = framed(message('1'))
  const begun = message('0').slice(0, 30)
  test.each<[string, string, string[], string[]]>([
    ['01 garbage before VT', `[log]\r${good}`, ['AA 1'], ['frame-missing [log]\r']],
    ['05 FS CR LF', `${good}\n`, ['AA 1'], []],
    ['09 nested', `\x0b${begun}${good}`, ['AA 1'], [`frame-incomplete ${begun.slice(0, 20)}`]],
    ['11 empty', framed('') + good, ['AE', 'AA 1'], ['frame-empty ']],
    ['12 VT VT VT', '\x0b'.repeat(10_000) + good.slice(1), ['AA 1'], []],
    ['17 release 2 acknowledgement', framed('\x06') + good, ['AA 1'], []],
    ['40 no MSH', framed('PID|1\r') + good, ['AR', 'AA 1'], ['msh-missing PID|1\r']],
  ])('%s', async (_name, stream, answers, rejects) => {
    const { server, rejected } = await start()
    const sender = await Sender.to(server.port)
    sender.write(stream)
    expect(await sender.got(answers.length)).toEqual(answers)
    expect(rejected).toEqual(rejects)
  })

  test('08, 10, 18: a stray VT, FS or NUL is handed on whole, never cut', async () => {
    const seen: string[] = []
    const { server } = await start(
      {},
      {
        handle: async (bytes) => {
          seen.push(Buffer.from(bytes).toString('latin1'))
          return answer('0')
        },
      },
    )
    const sender = await Sender.to(server.port)
    const bodies = ['PID\x0b|1', 'PID|PA\x1cTIENT', 'PID|\0'].map((body) => message('0', body))
    sender.write(bodies.map(framed).join(''))
    await sender.got(3)
    expect(seen).toEqual(bodies)
  })

  test('02 no VT: no answer, reported when the sender leaves', async () => {
    const { server, rejected, handled } = await start()
    const sender = await Sender.to(server.port)
    sender.socket.end(`${message('1')}\x1c\r`)
    expect(await sender.closed()).toBe(true)
    expect(sender.answers).toEqual([])
    expect(rejected).toEqual(['frame-missing MSH|^~\\&|PAS|RWX|GW|'])
    expect(handled).toEqual([])
  })

  test.each([
    ['15 HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['16 TLS', '\x16\x03\x01\0\xc4\x01\0\0\xc0\x03\x03'],
  ])('%s on the plain port: closed', async (_name, stream) => {
    const { server, rejected } = await start()
    const sender = await Sender.to(server.port)
    for (const byte of Buffer.from(stream, 'latin1')) sender.write(Buffer.from([byte]))
    expect(await sender.closed()).toBe(true)
    expect(sender.answers).toEqual([])
    expect(rejected).toHaveLength(1)
    expect(rejected[0]).toMatch(/^frame-missing /)
  })
})

describe('limits', () => {
  const size = message('1').length

  test('bytes: at the cap, one past it, and past it between chunks; the next message is served', async () => {
    const { server, rejected } = await start({ maxFrameBytes: size })
    const sender = await Sender.to(server.port)
    sender.write(framed(message('1')) + framed(`${message('2')}x`))
    expect(await sender.got(2)).toEqual(['AA 1', 'AR 2'])
    sender.write(`\x0b${message('3')}`)
    await sleep(20)
    sender.write(`x\x1c\r${framed(message('4'))}`)
    expect(await sender.got(4)).toEqual(['AA 1', 'AR 2', 'AR 3', 'AA 4'])
    expect(rejected.every((one) => one.startsWith('frame-too-large MSH|'))).toBe(true)
  })

  test('the refusal comes at the cap, and an endless message ends the connection', async () => {
    const { server } = await start({ maxFrameBytes: size, maxSkippedBytes: 10_000 })
    const sender = await Sender.to(server.port)
    sender.write(`\x0b${message('1')}x`)
    expect(await sender.got(1)).toEqual(['AR 1'])
    sender.write('x'.repeat(20_000))
    expect(await sender.closed()).toBe(true)
  })

  test('frame time: an unfinished message is rejected, answered and its connection closed', async () => {
    const { server, rejected } = await start({ frameTimeoutMs: 50 })
    const sender = await Sender.to(server.port)
    sender.write(`${framed(message('1'))}\n\x0b${message('2')}`)
    expect(await sender.closed()).toBe(true)
    expect(sender.answers).toEqual(['AA 1', 'AE 2'])
    expect(rejected).toEqual(['frame-incomplete MSH|^~\\&|PAS|RWX|GW|'])
  })

  test('frame time: dribbling does not extend it, and others are served meanwhile', async () => {
    const { server, rejected } = await start({ frameTimeoutMs: 150 })
    const slow = await Promise.all(Array.from({ length: 20 }, () => Sender.to(server.port)))
    for (const sender of slow) sender.write('\x0bMSH')
    const dribble = setInterval(() => slow.forEach((sender) => sender.write('x')), 20)
    const good = await Sender.to(server.port)
    good.write(framed(message('1')))
    expect(await good.got(1)).toEqual(['AA 1'])
    for (const sender of slow) expect(await sender.closed()).toBe(true)
    clearInterval(dribble)
    expect(rejected).toHaveLength(20)
    good.write(framed(message('2')))
    expect(await good.got(2)).toEqual(['AA 1', 'AA 2'])
  })

  test('idle time: counted from the last message, not from the last byte', async () => {
    const { server } = await start({ idleTimeoutMs: 100 })
    const sender = await Sender.to(server.port)
    const dribble = setInterval(() => sender.write('\n'), 20)
    const began = Date.now()
    expect(await sender.closed()).toBe(true)
    clearInterval(dribble)
    expect(Date.now() - began).toBeLessThan(1_000)
  })

  test('idle time does not cut a message that is being handled', async () => {
    const { server } = await start(
      { idleTimeoutMs: 30 },
      { handle: async (bytes) => (await sleep(150), answer(idOf(bytes))) },
    )
    const sender = await Sender.to(server.port)
    sender.write(framed(message('1')))
    expect(await sender.got(1)).toEqual(['AA 1'])
  })

  test('garbage: kept and closed past the limit', async () => {
    const { server, rejected } = await start({ maxGarbageBytes: 100 })
    const sender = await Sender.to(server.port)
    sender.write('x'.repeat(100))
    await sleep(30)
    expect(sender.ended).toBe(false)
    sender.write('x')
    expect(await sender.closed()).toBe(true)
    expect(rejected).toHaveLength(1)
  })

  test('connections: in all and per address', async () => {
    for (const limits of [{ maxConnections: 2 }, { maxConnectionsPerAddress: 2 }]) {
      const { server, errors } = await start(limits)
      const [one, two] = [await Sender.to(server.port), await Sender.to(server.port)]
      const three = await Sender.to(server.port)
      expect(await three.closed()).toBe(true)
      await until(() => errors.length > 0)
      expect(errors[0]).toContain(Object.keys(limits)[0])
      for (const sender of [one, two]) {
        sender.write(framed(message('1')))
        expect(await sender.got(1)).toEqual(['AA 1'])
      }
      one.socket.destroy()
      await sleep(50)
      const four = await Sender.to(server.port)
      four.write(framed(message('4')))
      expect(await four.got(1)).toEqual(['AA 4'])
    }
  })

  test('unfinished bytes of all connections together', async () => {
    const { server, errors } = await start({ maxPendingBytes: 1_000 })
    const [one, two] = [await Sender.to(server.port), await Sender.to(server.port)]
    one.write(`\x0b${'x'.repeat(600)}`)
    await sleep(30)
    two.write(`\x0b${'x'.repeat(600)}`)
    expect(await two.closed()).toBe(true)
    expect(one.ended).toBe(false)
    expect(errors[0]).toContain('maxPendingBytes')
    one.socket.destroy()
    await sleep(30)
    const three = await Sender.to(server.port)
    three.write(`\x0b${message('3', 'x'.repeat(600))}\x1c\r`)
    expect(await three.got(1)).toEqual(['AA 3'])
  })
})

describe('back-pressure', () => {
  test('no more are handled at a time than maxInFlight, and reading pauses', async () => {
    let running = 0
    let most = 0
    const { server } = await start(
      { maxInFlight: 3 },
      {
        handle: async (bytes) => {
          most = Math.max(most, ++running)
          await sleep(5)
          running--
          return answer(idOf(bytes))
        },
      },
    )
    const sender = await Sender.to(server.port)
    for (let i = 0; i < 60; i++) sender.write(framed(message(String(i))))
    const answers = await sender.got(60)
    expect(answers).toEqual(Array.from({ length: 60 }, (_, i) => `AA ${i}`))
    expect(most).toBe(3)
  })

  test('a sender that reads no answers is stopped, not piled up for', async () => {
    const { server, handled } = await start(
      { writeTimeoutMs: 200 },
      { handle: async (bytes) => (handled.push(idOf(bytes)), Buffer.alloc(1_000_000, 0x41)) },
    )
    const sender = await Sender.to(server.port)
    sender.socket.pause()
    for (let i = 0; i < 200; i++) sender.write(framed(message(String(i))))
    await sleep(500)
    sender.socket.resume()
    sender.socket.removeAllListeners('data')
    expect(await sender.closed()).toBe(true)
    expect(handled.length).toBeLessThan(100)
  })
})

describe('close', () => {
  test('what is being handled is answered, what is unfinished is not, then all is closed', async () => {
    const { server } = await start({}, { handle: async (bytes) => (await sleep(100), answer(idOf(bytes))) })
    const [busy, idle, begun] = [
      await Sender.to(server.port),
      await Sender.to(server.port),
      await Sender.to(server.port),
    ]
    busy.write(framed(message('1')) + framed(message('2')))
    begun.write('\x0bMSH|')
    await sleep(30)
    const began = Date.now()
    await server.close(2_000)
    expect(Date.now() - began).toBeLessThan(1_900)
    expect(await busy.got(2)).toEqual(['AA 1', 'AA 2'])
    expect([await idle.closed(), await begun.closed()]).toEqual([true, true])
    expect(begun.answers).toEqual([])
    await expect(Sender.to(server.port)).rejects.toThrow('ECONNREFUSED')
  })

  test('after the grace whoever is left is cut', async () => {
    const { server } = await start({}, { handle: () => new Promise(() => undefined) })
    const sender = await Sender.to(server.port)
    sender.write(framed(message('1')))
    await sleep(20)
    const began = Date.now()
    await server.close(100)
    expect(Date.now() - began).toBeLessThan(1_000)
    expect(await sender.closed()).toBe(true)
  })
})

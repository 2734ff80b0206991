import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ByteBuffer } from '../../../src/codec/mllp/byte-buffer.js'
import { frame, MllpFramer, type FrameEvent, type FramerLimits } from '../../../src/codec/mllp/framer.js'

const M1 = 'MSH|^~\\&|A|B|C|D|2026||REF^I12|C1|P|2.4\rPID|1\r'
const M2 = 'MSH|^~\\&|A|B|C|D|2026||REF^I12|C2|P|2.4\rPID|2\r'
const VT = '\x0b'
const END = '\x1c\r'
const LIMITS: FramerLimits = { maxFrameBytes: 1_000, maxGarbageBytes: 64 }

const told = (event: FrameEvent): string => {
  if (event.kind === 'commit') return `commit ${event.positive}`
  const text = Buffer.from(event.bytes).toString('latin1')
  return event.kind === 'garbage' ? `garbage ${event.total} ${text}` : `${event.kind} ${text}`
}

/** All events of a stream, given in chunks of `size` bytes, with those at its end. */
function events(stream: string | Uint8Array, size = Infinity, limits: Partial<FramerLimits> = {}): string[] {
  const bytes = typeof stream === 'string' ? Buffer.from(stream, 'latin1') : stream
  const framer = new MllpFramer({ ...LIMITS, ...limits })
  const found: FrameEvent[] = []
  for (let at = 0; at < bytes.length; at += size) found.push(...framer.push(bytes.subarray(at, at + size)))
  return [...found, ...framer.end()].map(told)
}

describe('each way a sender can frame', () => {
  const half = M1.slice(0, 40)
  test.each<[string, string, string[]]>([
    ['00 as it should be', VT + M1 + END, [`message ${M1}`]],
    ['01 text before VT', `[log line]\r${VT}${M1}${END}`, ['garbage 11 [log line]\r', `message ${M1}`]],
    ['02 no VT', M1 + END, [`garbage ${M1.length + 2} ${(M1 + END).slice(0, 64)}`]],
    ['03 no FS', VT + M1, [`cut-off ${M1}`]],
    ['04 FS without CR at the end', `${VT}${M1}\x1c`, [`cut-off ${M1}\x1c`]],
    [
      '04 FS without CR before the next',
      `${VT}${M1}\x1c${VT}${M2}${END}`,
      [`message ${M1}`, `message ${M2}`],
    ],
    ['05 FS CR LF', `${VT}${M1}${END}\n`, [`message ${M1}`]],
    [
      '05 FS CR LF and the next',
      `${VT}${M1}${END}\n${VT}${M2}${END}\r\n`,
      [`message ${M1}`, `message ${M2}`],
    ],
    ['06 two in one', VT + M1 + END + VT + M2 + END, [`message ${M1}`, `message ${M2}`]],
    ['07 one and a half', `${VT}${M1}${END}\n${VT}${half}`, [`message ${M1}`, `cut-off ${half}`]],
    ['08 VT inside', `${VT}MSH|PID${VT}|1\r${END}`, [`message MSH|PID${VT}|1\r`]],
    ['09 a new block in an unfinished one', VT + half + VT + M2 + END, [`cut-off ${half}`, `message ${M2}`]],
    [
      '09 with a byte order mark',
      `${VT}${half}${VT}\xef\xbb\xbf${M2}${END}`,
      [`cut-off ${half}`, `message \xef\xbb\xbf${M2}`],
    ],
    ['10 FS inside', `${VT}MSH|PA\x1cTIENT\r${END}`, ['message MSH|PA\x1cTIENT\r']],
    ['10 FS FS CR', `${VT}MSH|A\x1c${END}`, ['message MSH|A\x1c']],
    ['11 empty', VT + END, ['message ']],
    ['12 nothing but VT', VT.repeat(10_000), []],
    ['12 VT twice', VT + VT + M1 + END, [`message ${M1}`]],
    ['17 release 2 acknowledgement', `${VT}\x06${END}${VT}\x15${END}`, ['commit true', 'commit false']],
    ['blank lines only', '\r\n\r\n', []],
    ['nothing', '', []],
    ['VT and nothing', VT, []],
    ['FS CR alone', END, ['garbage 2 \x1c\r']],
  ])('%s', (_name, stream, expected) => {
    expect(events(stream)).toEqual(expected)
    expect(events(stream, 1)).toEqual(expected)
  })
})

describe('limits', () => {
  const cap = M1.length
  test('at the cap, one past it, and past it between chunks', () => {
    const at = (size: number): string[] => events(VT + M1 + END + VT + M2 + END, size, { maxFrameBytes: cap })
    const past = (size: number): string[] =>
      events(`${VT}${M1}x${END}${VT}${M2}${END}`, size, { maxFrameBytes: cap })
    for (const size of [1, 7, cap, cap + 1, cap + 2, Infinity]) {
      expect(at(size)).toEqual([`message ${M1}`, `message ${M2}`])
      expect(past(size)).toEqual([`too-large ${M1}`, `message ${M2}`])
    }
  })

  test('it is told at the byte that crosses the cap, and what follows is not kept', () => {
    const framer = new MllpFramer({ ...LIMITS, maxFrameBytes: 10 })
    expect(framer.push(Buffer.from(`${VT}0123456789`)).map(told)).toEqual([])
    expect(framer.push(Buffer.from('x')).map(told)).toEqual(['too-large 0123456789'])
    for (let i = 0; i < 100; i++) expect(framer.push(Buffer.alloc(1000, 0x41))).toEqual([])
    expect(framer.pendingBytes).toBe(0)
    expect(framer.skippedBytes).toBe(100_001)
    expect(framer.push(Buffer.from(END + VT + 'MSH|' + END)).map(told)).toEqual(['message MSH|'])
  })

  test('a new block ends the skipping', () => {
    expect(events(`${VT}${'x'.repeat(20)}${VT}MSH|${END}`, 3, { maxFrameBytes: 10 })).toEqual([
      'too-large xxxxxxxxxx',
      'message MSH|',
    ])
  })

  test('garbage is counted and its first bytes kept', () => {
    expect(events('x'.repeat(1_000), 9, { maxGarbageBytes: 5 })).toEqual(['garbage 1000 xxxxx'])
  })

  test('VT by the million keeps nothing', () => {
    const framer = new MllpFramer(LIMITS)
    for (let i = 0; i < 100; i++) expect(framer.push(Buffer.alloc(10_000, 0x0b))).toEqual([])
    expect(framer.pendingBytes).toBe(0)
  })
})

describe('what is known in between', () => {
  test('a block, garbage, and a block that lacks only its CR', () => {
    const framer = new MllpFramer(LIMITS)
    framer.push(Buffer.from('GET / HTTP/1.1\r\n'))
    expect(framer.inBlock).toBe(false)
    expect(Buffer.from(framer.pendingGarbage.bytes).toString()).toBe('GET / HTTP/1.1\r\n')
    framer.push(Buffer.from(VT + M1))
    expect([framer.inBlock, framer.blocksBegun, framer.awaitsOnlyCr]).toEqual([true, 1, false])
    framer.push(Buffer.from('\x1c'))
    expect(framer.awaitsOnlyCr).toBe(true)
    expect(told(framer.endBlock())).toBe(`message ${M1}`)
    expect(framer.inBlock).toBe(false)
    expect(framer.push(Buffer.from(VT + M2 + END)).map(told)).toEqual([`message ${M2}`])
    expect(framer.blocksBegun).toBe(2)
  })
})

describe('properties', () => {
  const piece = fc.constantFrom(
    VT,
    '\x1c',
    '\r',
    '\n',
    'M',
    'S',
    'H',
    '|',
    'FHS',
    'x',
    '\xef\xbb\xbf',
    '\xef',
    M1,
    '\x06',
    END,
  )
  const stream = fc.array(piece, { maxLength: 40 }).map((parts) => parts.join(''))

  test('any chunking gives the same frames', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (text, sizes) => {
        const bytes = Buffer.from(text, 'latin1')
        const limits = { maxFrameBytes: 60, maxGarbageBytes: 8 }
        const framer = new MllpFramer(limits)
        const found: FrameEvent[] = []
        for (let at = 0, n = 0; at < bytes.length; n++) {
          const size = sizes[n % sizes.length]!
          found.push(...framer.push(bytes.subarray(at, at + size)))
          at += size
        }
        found.push(...framer.end())
        expect(found.map(told)).toEqual(events(bytes, Infinity, limits))
      }),
      { numRuns: 2_000 },
    )
  })

  test('a valid frame survives every split point', () => {
    const bytes = Buffer.from(VT + M1 + END)
    for (let at = 0; at <= bytes.length; at++) {
      const framer = new MllpFramer(LIMITS)
      const found = [...framer.push(bytes.subarray(0, at)), ...framer.push(bytes.subarray(at))]
      expect(found.map(told)).toEqual([`message ${M1}`])
    }
  })

  test('one bad frame never costs the next good one', () => {
    fc.assert(
      fc.property(stream, (bad) => {
        // After FS CR every state is at rest, whatever came before.
        const found = events(`${bad}x${END}${VT}${M2}${END}`, 3, { maxFrameBytes: 60 })
        expect(found.at(-1)).toBe(`message ${M2}`)
        const cut = events(`${bad}${VT}${M2}${END}`, 3, { maxFrameBytes: 60 })
        expect(cut.at(-1)?.endsWith(M2)).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  test('frame and push are each other’s inverse', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2 }), (body) => {
        const bytes = Uint8Array.from(body, (byte) => (byte === 0x0b || byte === 0x1c ? 0x20 : byte))
        expect(new MllpFramer(LIMITS).push(frame(bytes))).toEqual([{ kind: 'message', bytes }])
      }),
    )
  })
})

describe('frame', () => {
  test('refuses what would end it early', () => {
    expect(() => frame(Buffer.from('MSH|a\x1c\rb'))).toThrow(
      expect.objectContaining({ code: 'characters-invalid' }),
    )
  })
})

describe('cost', () => {
  test('16 MB in pieces of 1 KB is copied a few times at most', () => {
    const framer = new MllpFramer({ ...LIMITS, maxFrameBytes: 16 * 1024 * 1024 })
    const piece = Buffer.alloc(1024, 0x41)
    const start = process.cpuUsage()
    framer.push(Buffer.from(VT))
    for (let i = 0; i < 16 * 1024; i++) framer.push(piece)
    const [event] = framer.push(Buffer.from(END))
    const { user, system } = process.cpuUsage(start)
    expect(event?.kind).toBe('message')
    expect((user + system) / 1_000).toBeLessThan(1_500)
  })

  test('gathered bytes are what was appended', () => {
    const buffer = new ByteBuffer()
    const first = Buffer.from('abc')
    buffer.append(first)
    buffer.append(Buffer.from('defg'))
    buffer.append(new Uint8Array())
    expect(buffer.length).toBe(7)
    expect(Buffer.from(buffer.take()).toString()).toBe('abcdefg')
    expect(first.toString()).toBe('abc')
    expect(buffer.length).toBe(0)
  })
})

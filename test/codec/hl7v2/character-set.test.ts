import { describe, expect, test } from '@jest/globals'
import iconv from 'iconv-lite'
import { decodeText, encodeText } from '../../../src/codec/hl7v2/character-set.js'
import { parseMessage } from '../../../src/codec/hl7v2/parse.js'
import { asFault } from '../../../src/terms/fault.js'

const text = (declared: string, name: string): string =>
  `MSH|^~\\&|PAS|RWX|ONEDOOR|LLR|20261121||REF^I12|C1|P|2.5.1||||||${declared}\rPID|1||||${name}\r`

const outcome = (
  bytes: Uint8Array,
): { set?: string; name?: string | null | undefined; doubts?: number; code?: string } => {
  try {
    const message = parseMessage(bytes)
    return { set: message.characterSet, name: message.get('PID-5'), doubts: message.doubts.length }
  } catch (thrown) {
    return { code: asFault(thrown).code }
  }
}

const utf16be = (value: string): Buffer => iconv.encode(value, 'utf-16be')

describe('what MSH-18 declares and the bytes show', () => {
  test.each<[string, Buffer, ReturnType<typeof outcome>]>([
    ['ASCII', Buffer.from(text('ASCII', 'Smith')), { set: 'ASCII', name: 'Smith', doubts: 0 }],
    ['nothing, plain', Buffer.from(text('', 'Smith')), { set: 'ASCII', name: 'Smith', doubts: 0 }],
    ['nothing, UTF-8 sent', Buffer.from(text('', 'Zoë')), { set: 'UNICODE UTF-8', name: 'Zoë', doubts: 1 }],
    [
      'nothing, Windows sent',
      iconv.encode(text('', 'O’Neill'), 'win1252'),
      { set: 'WINDOWS-1252', name: 'O’Neill', doubts: 1 },
    ],
    ['8859/1', Buffer.from(text('8859/1', 'Müller'), 'latin1'), { set: '8859/1', name: 'Müller', doubts: 0 }],
    [
      '8859/2',
      iconv.encode(text('8859/2', 'Łukasz'), 'iso-8859-2'),
      { set: '8859/2', name: 'Łukasz', doubts: 0 },
    ],
    [
      '8859/5',
      iconv.encode(text('8859/5', 'Иванов'), 'iso-8859-5'),
      { set: '8859/5', name: 'Иванов', doubts: 0 },
    ],
    [
      '8859/7',
      iconv.encode(text('8859/7', 'Γιώργος'), 'iso-8859-7'),
      { set: '8859/7', name: 'Γιώργος', doubts: 0 },
    ],
    [
      '8859/9',
      iconv.encode(text('8859/9', 'Şahin'), 'iso-8859-9'),
      { set: '8859/9', name: 'Şahin', doubts: 0 },
    ],
    [
      '8859/15',
      iconv.encode(text('8859/15', 'Œuvre €'), 'iso-8859-15'),
      { set: '8859/15', name: 'Œuvre €', doubts: 0 },
    ],
    [
      'ISO-8859-1, a habit',
      Buffer.from(text('ISO-8859-1', 'Müller'), 'latin1'),
      { set: '8859/1', name: 'Müller', doubts: 0 },
    ],
    [
      '8859/1 of several sets',
      Buffer.from(text('8859/1~8859/2', 'Müller'), 'latin1'),
      { set: '8859/1', name: 'Müller', doubts: 0 },
    ],
    [
      '8859/1, bytes that are UTF-8 too',
      Buffer.from(text('8859/1', 'Zoë')),
      { set: '8859/1', name: 'ZoÃ«', doubts: 1 },
    ],
    [
      'UNICODE UTF-8',
      Buffer.from(text('UNICODE UTF-8', '北京 😀')),
      { set: 'UNICODE UTF-8', name: '北京 😀', doubts: 0 },
    ],
    [
      'UNICODE, really UTF-8',
      Buffer.from(text('UNICODE', 'Zoë')),
      { set: 'UNICODE UTF-8', name: 'Zoë', doubts: 0 },
    ],
    [
      'UNICODE, really UTF-16',
      Buffer.from(text('UNICODE', 'Zoë'), 'utf16le'),
      { set: 'UNICODE UTF-16LE', name: 'Zoë', doubts: 0 },
    ],
    [
      'UNICODE UTF-16, little end first',
      Buffer.from(text('UNICODE UTF-16', 'Zoë'), 'utf16le'),
      { set: 'UNICODE UTF-16LE', name: 'Zoë', doubts: 0 },
    ],
    [
      'UNICODE UTF-16, big end first',
      utf16be(text('UNICODE UTF-16', 'Zoë')),
      { set: 'UNICODE UTF-16BE', name: 'Zoë', doubts: 0 },
    ],
    [
      'a UTF-16 byte order mark',
      Buffer.from('\uFEFF' + text('', 'Zoë'), 'utf16le'),
      { set: 'UNICODE UTF-16LE', name: 'Zoë', doubts: 0 },
    ],
    [
      'a UTF-8 byte order mark',
      Buffer.from('\uFEFF' + text('', 'Zoë')),
      { set: 'UNICODE UTF-8', name: 'Zoë', doubts: 0 },
    ],
    [
      'UTF-16 declared, UTF-8 sent',
      Buffer.from(text('UNICODE UTF-16', 'Zoë')),
      { set: 'UNICODE UTF-8', name: 'Zoë', doubts: 1 },
    ],
    [
      'an unknown set, plain text',
      Buffer.from(text('JIS X 0202', 'Sato')),
      { set: 'ASCII', name: 'Sato', doubts: 0 },
    ],
    ['an unknown set, other bytes', Buffer.from(text('KLINGON', 'Zoë')), { code: 'character-set-unknown' }],
    [
      'an ISO 2022 set that switches',
      Buffer.from(text('ISO IR87', '\x1b$B;3\x1b(B')),
      { code: 'character-set-unknown' },
    ],
    [
      'UTF-16 that nobody declared',
      Buffer.from(text('', 'Zoë'), 'utf16le'),
      { code: 'character-set-unknown' },
    ],
    [
      'UTF-8 that is not',
      Buffer.from(text('UNICODE UTF-8', 'Müller'), 'latin1'),
      { code: 'characters-invalid' },
    ],
    [
      'a byte the set lacks',
      Buffer.concat([Buffer.from(text('8859/3', 'x')), Buffer.from([0xa5])]),
      { code: 'characters-invalid' },
    ],
    [
      'half a UTF-16 character',
      Buffer.from('\uFEFF' + text('', 'Z\ud83d'), 'utf16le'),
      { code: 'characters-invalid' },
    ],
    [
      'an odd number of bytes in UTF-16',
      Buffer.from('\uFEFF' + text('', 'Z'), 'utf16le').subarray(0, -1),
      { code: 'characters-invalid' },
    ],
  ])('%s', (_name, bytes, expected) => {
    expect(outcome(bytes)).toEqual(expected)
    if (expected.code === undefined) expect(Buffer.from(parseMessage(bytes).toBytes())).toEqual(bytes)
  })

  test('the place of the first bad byte is named', () => {
    const bytes = Buffer.from(text('UNICODE UTF-8', '\uFFFD é Müller'), 'utf8')
    const bad = Buffer.concat([bytes.subarray(0, -2), Buffer.from([0xe9, 0x0d])])
    expect(() => decodeText(bad)).toThrow(expect.objectContaining({ where: `byte ${bytes.length - 2}` }))
  })
})

describe('encodeText', () => {
  test('writes what it can and refuses the rest', () => {
    expect([...encodeText('é€', '8859/15')]).toEqual([0xe9, 0xa4])
    expect([...encodeText('é', 'UNICODE UTF-8')]).toEqual([0xc3, 0xa9])
    expect([...encodeText('é', 'UNICODE UTF-16BE')]).toEqual([0x00, 0xe9])
    expect(() => encodeText('€', '8859/1')).toThrow('8859/1')
    expect(() => encodeText('é', 'ASCII')).toThrow('ASCII')
  })
})

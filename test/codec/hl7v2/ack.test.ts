import { describe, expect, test } from '@jest/globals'
import iconv from 'iconv-lite'
import fc from 'fast-check'
import { buildAck, type AckRequest } from '../../../src/codec/hl7v2/ack.js'
import { parseMessage } from '../../../src/codec/hl7v2/parse.js'
import { parseInstant } from '../../../src/terms/instant.js'

const now = parseInstant('2026-11-21T09:30:15.250Z')!
const ack = (request: Partial<AckRequest>): string =>
  Buffer.from(buildAck({ code: 'AA', controlId: 'OD1', now, ...request })).toString()

const original = (header: string): AckRequest['original'] => parseMessage(`${header}\rPID\r`)
const REF = 'MSH|^~\\&|PAS|RWX|ONEDOOR|LLR|20261121092959||REF^I12^REF_I12|C1|T|2.5.1|||AL|NE||UNICODE UTF-8'

describe('MSH and MSA (ch. 2.9.2)', () => {
  test.each(['AA', 'AE', 'AR', 'CA', 'CE', 'CR'] as const)('%s', (code) => {
    expect(ack({ original: original(REF)!, code })).toBe(
      'MSH|^~\\&|ONEDOOR|LLR|PAS|RWX|20261121093015+0000||ACK^I12^ACK|OD1|T|2.5.1||||||UNICODE UTF-8\r' +
        `MSA|${code}|C1\r`,
    )
  })

  test('parties with components and escapes go back as they came', () => {
    const header = 'MSH|^~\\&|P\\T\\S^1.2^ISO|RWX|GW^^|SPOA|20261121||ADT^A28|C^1|P^T|2.4'
    expect(ack({ original: original(header)! })).toBe(
      'MSH|^~\\&|GW^^|SPOA|P\\T\\S^1.2^ISO|RWX|20261121093015+0000||ACK^A28^ACK|OD1|P^T|2.4\rMSA|AA|C^1\r',
    )
  })

  test('the separators of the original', () => {
    const header = 'MSH$%*!?$AMB$NWAS$GW$SPOA$20260101$$REF%I12$C9$P$2.4'
    expect(ack({ original: original(header)!, text: 'a$b|c' })).toBe(
      'MSH$%*!?$GW$SPOA$AMB$NWAS$20261121093015+0000$$ACK%I12%ACK$OD1$P$2.4\rMSA$AA$C9$a!F!b|c\r',
    )
  })

  test('separators the original does not declare are added', () => {
    expect(ack({ original: original('MSH|^|A|B|C|D|2026||ADT^A01|C1|P|2.2')!, text: 'x&y' })).toBe(
      'MSH|^~\\&|C|D|A|B|20261121093015+0000||ACK^A01^ACK|OD1|P|2.2\rMSA|AA|C1|x\\T\\y\r',
    )
  })
})

describe('ERR', () => {
  const errors = [
    { location: 'PID[2]-3[2].4.1', hl7Code: '101', severity: 'E', text: 'NHS number is missing | ask' },
    { location: 'byte 212', hl7Code: '207', severity: 'W', text: 'Second' },
    { location: 'PV1', hl7Code: '100', severity: 'I', text: 'Third' },
  ] as const

  test.each(['2.5', '2.5.1', '2.6', '2.7.1', '2.8'])('v%s: one per error (ch. 2.15.5)', (version) => {
    const lines = ack({ original: original(REF.replace('2.5.1', version))!, code: 'AE', errors }).split('\r')
    expect(lines.slice(2)).toEqual([
      'ERR||PID^2^3^2^4^1|101^Required field missing^HL70357|E||||NHS number is missing \\F\\ ask',
      'ERR|||207^Application internal error^HL70357|W||||Second',
      'ERR||PV1^1|100^Segment sequence error^HL70357|I||||Third',
      '',
    ])
  })

  test.each(['2.1', '2.2', '2.3', '2.3.1', '2.4'])('v%s: ERR-1 repeats', (version) => {
    const lines = ack({ original: original(REF.replace('2.5.1', version))!, code: 'AE', errors }).split('\r')
    expect(lines.slice(2)).toEqual([
      'ERR|PID^2^3^101&Required field missing&HL70357~^^^207&Application internal error&HL70357~' +
        'PV1^1^^100&Segment sequence error&HL70357',
      '',
    ])
  })
})

describe('originals that cannot be read', () => {
  test.each<[string, Uint8Array | undefined]>([
    ['nothing', undefined],
    ['no bytes', new Uint8Array()],
    ['no MSH', Buffer.from('PID|1||9990000018\r')],
    ['an MSH that ends at once', Buffer.from('MSH|^')],
    ['separators that are none', Buffer.from('MSH||||||AMB|X|||REF^I12|C|P|2.4\r')],
    ['UTF-16 that nobody declared', Buffer.from('MSH|^~\\&|A\r', 'utf16le')],
  ])('%s: an answer all the same', (_name, bytes) => {
    expect(ack({ code: 'AR', ...(bytes === undefined ? {} : { original: bytes }), text: 'No MSH' })).toBe(
      'MSH|^~\\&|||||20261121093015+0000||ACK|OD1|P|2.5.1\rMSA|AR||No MSH\r',
    )
  })

  test('a readable header over an unreadable body still says who and what', () => {
    const bytes = Buffer.concat([
      Buffer.from(`\n${REF}\rPID|1||`),
      Buffer.from([0xff, 0x00]),
      Buffer.from('\r'),
    ])
    expect(ack({ code: 'AE', original: bytes })).toBe(
      'MSH|^~\\&|ONEDOOR|LLR|PAS|RWX|20261121093015+0000||ACK^I12^ACK|OD1|T|2.5.1||||||UNICODE UTF-8\rMSA|AE|C1\r',
    )
  })
})

describe('character sets', () => {
  test('the answer is in the set of the original', () => {
    const header = 'MSH|^~\\&|PÄS|RWX|GW|SPOA|2026||ADT^A28|Ü1|P|2.4||||||8859/1'
    const answer = buildAck({
      original: parseMessage(Buffer.from(`${header}\r`, 'latin1')),
      code: 'AA',
      controlId: '1',
      now,
    })
    expect(parseMessage(answer).get('MSA-2')).toBe('Ü1')
    expect(parseMessage(answer).get('MSH-5')).toBe('PÄS')
    expect(parseMessage(answer).characterSet).toBe('8859/1')
  })

  test('UTF-16 is answered in UTF-16', () => {
    const bytes = iconv.encode('\uFEFFMSH|^~\\&|Ä|||||||C1\r', 'utf-16be')
    const answer = buildAck({ original: parseMessage(bytes), code: 'AA', controlId: '1', now })
    expect(parseMessage(answer).characterSet).toBe('UNICODE UTF-16BE')
    expect(parseMessage(answer).get('MSA-2')).toBe('C1')
  })

  test('a character the set lacks costs itself, not the answer', () => {
    expect(ack({ original: parseMessage(Buffer.from('MSH|^~\\&|A|||||||C1|P|2.4\r')), text: 'é' })).toMatch(
      /MSA\|AA\|C1\|\?/,
    )
  })
})

describe('whatever the control id holds', () => {
  test.each([
    ['a line feed', 'CTL\\X0A\\level=info'],
    ['a new segment', 'CTL\\X0D\\PID|1'],
  ])('%s stays escaped', (_name, id) => {
    const text = ack({ original: original(`MSH|^~\\&|A|B|C|D|2026||ADT^A28|${id}|P|2.4`)! })
    expect(text.split('\r')).toHaveLength(3)
    expect(text).not.toContain('\n')
  })

  test('the answer is two segments and its MSA-2 is what was sent', () => {
    const id = fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => text.replace(/[\0\x0b\x1c]/g, 'x'))
    fc.assert(
      fc.property(id, (text) => {
        const sent = parseMessage(
          Buffer.from(`MSH|^~\\&|A|B|C|D|2026||ADT^A28|${text}|P|2.4||||||UNICODE UTF-8\r`),
        )
        const answer = parseMessage(buildAck({ original: sent, code: 'AA', controlId: text, now }))
        expect(answer.segments.map((segment) => segment.name)).toEqual(['MSH', 'MSA'])
        expect(answer.get('MSA-2')).toBe(sent.get('MSH-10'))
        expect(answer.get('MSH-10')).toBe(text)
      }),
    )
  })
})

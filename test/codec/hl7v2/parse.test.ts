import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseMessage, requireHeader } from '../../../src/codec/hl7v2/parse.js'
import type { Hl7Limits } from '../../../src/codec/hl7v2/limits.js'
import { asFault } from '../../../src/terms/fault.js'

const MSH = 'MSH|^~\\&|PAS|RWX|ONEDOOR|LLR|20261121093000||REF^I12|C1|P|2.4'

const codeOf = (act: () => unknown): string => {
  try {
    act()
    return 'accepted'
  } catch (thrown) {
    return asFault(thrown).code
  }
}

describe('line ends', () => {
  const segments = [MSH, 'PID|1||9990000018', 'RF1||U']
  test.each([
    ['CR', '\r'],
    ['LF', '\n'],
    ['CRLF', '\r\n'],
  ])('%s ends a segment', (_name, end) => {
    const text = segments.join(end) + end
    const message = parseMessage(Buffer.from(text))
    expect(message.segments.map((s) => s.raw)).toEqual(segments)
    expect(message.doubts).toEqual([])
    expect(Buffer.from(message.toBytes()).toString()).toBe(text)
  })

  test('the last one may be missing, blank lines are no segments, ends may be mixed', () => {
    const message = parseMessage(`\r\n${MSH}\r\r\nPID|1\n\nRF1||U\r  \rNTE|1`)
    expect(message.segments.map((s) => s.name)).toEqual(['MSH', 'PID', 'RF1', 'NTE'])
  })

  test('a line break inside free text stays in its field and is reported', () => {
    const message = parseMessage(
      `${MSH}\rOBX|1|TX|N^Note||first line\nsecond line, with | no id||||||F\rRF1||U\r`,
    )
    expect(message.segments.map((s) => s.name)).toEqual(['MSH', 'OBX', 'RF1'])
    expect(message.get('OBX-5')).toBe('first line\nsecond line, with ')
    expect(message.doubts.map((d) => d.where)).toEqual(['line 3'])
  })

  test('a field after the broken line keeps its number', () => {
    const message = parseMessage(
      `${MSH}\nNTE|1||Please ring first.\n\nThank you.\nOBX|1|TX|||one\ntwo three||||||F\n`,
    )
    expect(message.get('NTE-3')).toBe('Please ring first.\n\nThank you.')
    expect(message.get('OBX-5')).toBe('one\ntwo three')
    expect(message.get('OBX-11')).toBe('F')
  })

  test('a three-letter segment without fields is a segment', () => {
    expect(parseMessage(`${MSH}\rPV1\rRF1||U\r`).segments.map((s) => s.name)).toEqual(['MSH', 'PV1', 'RF1'])
  })
})

describe('separators', () => {
  test.each([
    ['odd ones', 'MSH$%*!?$AMB$NWAS$GW$SPOA$20260101$$REF%I12$C9$P$2.4\rPID$1$$999%%%NHS?2?ISO$$TE!S!ST%Q\r'],
    [
      'a truncation character (v2.7)',
      'MSH$%*!?#$AMB$NWAS$GW$SPOA$20260101$$REF%I12$C9$P$2.7\rPID$1$$999%%%NHS?2?ISO$$TE!S!ST%Q\r',
    ],
    [
      'the escape doubled by a program',
      'MSH|^~\\\\&|AMB|NWAS|GW|SPOA|20260101||REF^I12|C9|P|2.4\rPID|1||999^^^NHS&2&ISO||TE\\S\\ST^Q\r',
    ],
  ])('%s', (_name, text) => {
    const message = parseMessage(text)
    expect(message.messageType).toBe('REF^I12')
    expect(message.get('PID-3.4.3')).toBe('ISO')
    expect(message.get('PID-5.1')).toBe(`TE${message.separators.component}ST`)
    expect(message.get('PID-5.2')).toBe('Q')
  })

  test('a short MSH-2 declares fewer: nothing is split or unescaped at what is not declared', () => {
    const message = parseMessage('MSH|^|A\rPID|a~b\\F\\&c^d\r')
    expect(message.get('PID-1.1')).toBe('a~b\\F\\&c')
    expect(message.get('PID-1.2')).toBe('d')
  })

  test.each([
    ['MSH', 'msh-too-short'],
    ['MSH|', 'msh-too-short'],
    ['MSH|^', 'msh-too-short'],
    ['MSH|^~\\&', 'msh-too-short'],
    ['MSH||||||AMB|X|||REF^I12|C|P|2.4\r', 'separators-invalid'],
    ['MSH\r^~\\&\r', 'separators-invalid'],
    ['MSH|^^\\&|A\r', 'separators-invalid'],
    ['MSH|^~\\|A\r', 'accepted'],
    ['MSH|^~\\&&|A\r', 'separators-invalid'],
    ['MSH|ab\\&|A\r', 'separators-invalid'],
    ['MSH5^~\\&5A\r', 'separators-invalid'],
    ['MSH|^~"&|A\r', 'separators-invalid'],
    ['MSH|^\t\\&|A\r', 'separators-invalid'],
    ['MSH§^~\\&§A\r', 'accepted'],
    ['', 'msh-missing'],
    ['PID|1||9990000018\r', 'msh-missing'],
    [' MSH|^~\\&|A\r', 'msh-missing'],
    ['FHS|^~\\&|A\r', 'msh-missing'],
  ])('%j: %s', (text, expected) => expect(codeOf(() => parseMessage(text))).toBe(expected))
})

describe('control characters', () => {
  test.each([
    ['NUL', `${MSH}\rPID|1||TE\0ST\r`, 'characters-invalid'],
    ['VT', `${MSH}\rPID\x0b|1\r`, 'characters-invalid'],
    ['FS', `${MSH}\rPID|1||TE\x1cST\r`, 'characters-invalid'],
    ['TAB', `${MSH}\rPID|1||TE\tST\r`, 'accepted'],
  ])('%s', (_name, text, expected) => expect(codeOf(() => parseMessage(text))).toBe(expected))

  test('\\X0D\\ never makes a segment', () => {
    const message = parseMessage(`${MSH}\rPID|1||x||TEST^A\\X0D\\PV1|1|I\r`)
    expect(message.segments.map((s) => s.name)).toEqual(['MSH', 'PID'])
    expect(message.get('PID-5.2')).toBe('A\rPV1')
  })
})

describe('requireHeader', () => {
  test.each([
    [MSH, 'accepted'],
    ['MSH|^~\\&|A|B|C|D|20261121||REF^I12||P|2.4', 'message-id-missing'],
    ['MSH|^~\\&|A|B|C|D|20261121||REF^I12|""|P|2.4', 'message-id-missing'],
    ['MSH|^~\\&|A|B|C|D|20261121|||C1|P|2.4', 'message-type-unsupported'],
    ['MSH|^~\\&|A|B|C|D|20261121||REF^I12|C1|P|2.5.1^GBR', 'accepted'],
    ['MSH|^~\\&|A|B|C|D|20261121||REF^I12|C1|P|2', 'accepted'],
    ['MSH|^~\\&|A|B|C|D|20261121||REF^I12|C1|P', 'accepted'],
    ['MSH|^~\\&|A|B|C|D|20261121||REF^I12|C1|P|9.9', 'version-unsupported'],
    ['MSH|^~\\&|A|B|C|D|20261121||REF^I12|C1|P|3.0', 'version-unsupported'],
  ])('%s: %s', (text, expected) => expect(codeOf(() => requireHeader(parseMessage(text)))).toBe(expected))
})

describe('limits, at the cap and one past it', () => {
  const field = 'x'.repeat(50)
  test.each<[string, keyof Hl7Limits, number, string]>([
    ['bytes', 'maxMessageBytes', Buffer.byteLength(`${MSH}\rPID|é`), `${MSH}\rPID|é`],
    ['segments', 'maxSegments', 3, `${MSH}\rPID|1\rNTE|1\r`],
    ['repetitions', 'maxRepetitions', 4, `${MSH}\rPID|1||a~b~c~d|e~f\r`],
    ['field bytes', 'maxFieldBytes', 52, `${MSH}\rOBX|1|TX|||${field}é\r`],
  ])('%s', (_name, limit, cap, text) => {
    expect(codeOf(() => parseMessage(text, { [limit]: cap }))).toBe('accepted')
    expect(codeOf(() => parseMessage(text, { [limit]: cap - 1 }))).toBe('message-too-large')
    expect(codeOf(() => parseMessage(Buffer.from(text), { [limit]: cap - 1 }))).toBe('message-too-large')
  })

  test('0 means 0', () =>
    expect(codeOf(() => parseMessage(MSH, { maxSegments: 0 }))).toBe('message-too-large'))

  test('a document of megabytes in one OBX-5 is read', () => {
    const document = 'QUJD'.repeat(1_000_000)
    const message = parseMessage(Buffer.from(`${MSH}\rOBX|1|ED|||^AP^^Base64^${document}||||||F\r`))
    expect(message.get('OBX-5.5')).toHaveLength(4_000_000)
    expect(message.get('OBX-11')).toBe('F')
  })

  test('many lines cost no more than their length, whatever ends them', () => {
    for (const end of ['\n', '\r', '\r\n']) {
      const text = MSH + end + `just text${end}`.repeat(200_000)
      expect(parseMessage(text).segments).toHaveLength(1)
    }
  })
})

describe('whatever comes in', () => {
  test('is read or refused with a fault, never anything else, and comes out byte for byte', () => {
    const piece = fc.constantFrom(
      'MSH|^~\\&|',
      'PID|',
      '\r',
      '\n',
      '\\',
      '\\X',
      '^',
      '~',
      '&',
      '""',
      'é',
      '\0',
      '\x1c',
    )
    const text = fc.array(fc.oneof(piece, fc.string()), { maxLength: 30 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(
        fc.oneof(
          text.map((t) => Buffer.from(`MSH|^~\\&|${t}`)),
          fc.uint8Array(),
        ),
        (bytes) => {
          try {
            const message = parseMessage(bytes)
            for (const segment of message.segments) {
              for (let n = 1; n <= segment.fieldCount; n++) {
                for (const r of segment.field(n).repetitions) r.value(r.componentCount, 1)
              }
            }
            expect(Buffer.from(message.toBytes()).equals(bytes)).toBe(true)
          } catch (thrown) {
            expect(asFault(thrown).code).not.toBe('internal-error')
          }
        },
      ),
      { numRuns: 1_000 },
    )
  })
})

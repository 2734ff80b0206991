import { describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { parseMessage } from '../../../src/codec/hl7v2/parse.js'
import { Fault } from '../../../src/terms/fault.js'

const bytes = readFileSync('test/fixtures/hl7v2/referral-i12.hl7')
const message = parseMessage(bytes)

describe('header', () => {
  test('is read from MSH-9 to MSH-12', () => {
    expect(message.messageType).toBe('REF^I12')
    expect(message.messageCode).toBe('REF')
    expect(message.triggerEvent).toBe('I12')
    expect(message.structure).toBe('REF_I12')
    expect(message.controlId).toBe('FIX0001')
    expect(message.processingId).toBe('T')
    expect(message.version).toBe('2.5.1')
    expect(message.characterSet).toBe('UNICODE UTF-8')
    expect(message.doubts).toEqual([])
  })

  test('absent parts are undefined', () => {
    const bare = parseMessage('MSH|^~\\&|A\r')
    expect([bare.messageCode, bare.triggerEvent, bare.controlId, bare.version]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect(bare.messageType).toBe('')
  })

  test('MSH-1 is the separator and MSH-2 the encoding characters, never split (ch. 2.15.9.1)', () => {
    const msh = message.segment('MSH')!
    expect(msh.rawField(1)).toBe('|')
    expect(msh.rawField(2)).toBe('^~\\&')
    expect(msh.field(2).repetitions).toHaveLength(1)
    expect(msh.field(2).repetitions[0]!.componentCount).toBe(1)
    expect(msh.field(2).repetitions[0]!.value()).toBe('^~\\&')
    expect(msh.rawField(3)).toBe('PAS')
    expect(msh.fieldCount).toBe(18)
  })
})

describe('get', () => {
  test.each([
    ['PID-3', '9990000018'],
    ['PID-3.1', '9990000018'],
    ['PID-3.4', 'NHS'],
    ['PID-3.4.2', '2.16.840.1.113883.2.1.4.1'],
    ['PID-3[2].1', 'S123'],
    ['PID-3[2].4.1', 'RWX'],
    ['PID-3[3].1', undefined],
    ['PID-5.1', 'O&Neill'],
    ['PID-5.2', 'Máire'],
    ['PID-5.3', undefined],
    ['PID-8', 'F'],
    ['PID-16', null],
    ['PID-17', undefined],
    ['NTE-3', 'Key safe by the door.\nDog in the garden | please ring first'],
    ['NTE[2]-3', 'Second note'],
    ['NTE[3]-3', undefined],
    ['OBX-5', 'Reads 100^3 \r\n and C:\\temp\\file'],
    ['ZU1-2[3]', 'C'],
    ['ZU9-1', undefined],
  ])('%s', (path, expected) => expect(message.get(path)).toBe(expected))

  test.each(['PID', 'PID-0', 'pid-3', 'PID-3.', 'PID-3[0]', 'PID[0]-3', 'PID-3.1.1.1', ''])(
    'refuses the path "%s"',
    (path) => expect(() => message.get(path)).toThrow(Fault),
  )
})

describe('segments', () => {
  test('know their place', () => {
    expect(message.segments.map((s) => `${s.index} ${s.name}[${s.ordinal}]`)).toEqual([
      '0 MSH[1]',
      '1 RF1[1]',
      '2 PRD[1]',
      '3 PID[1]',
      '4 NTE[1]',
      '5 NTE[2]',
      '6 OBX[1]',
      '7 ZU1[1]',
    ])
    expect(message.all('NTE').map((s) => s.rawField(3).slice(0, 6))).toEqual(['Key sa', 'Second'])
    expect(message.all('XXX')).toEqual([])
    expect(message.segment('XXX')).toBeUndefined()
  })

  test('count what is there, trailing empty fields included', () => {
    expect(message.segment('ZU1')!.fieldCount).toBe(3)
    expect(message.segment('ZU1')!.rawField(3)).toBe('')
    expect(message.segment('ZU1')!.rawField(0)).toBe('')
    expect(message.segment('ZU1')!.rawField(99)).toBe('')
  })

  test('names that JavaScript knows are only names', () => {
    const odd = parseMessage('MSH|^~\\&|A\r__proto__|polluted|1\rconstructor|x\r')
    expect(odd.all('constructor')).toHaveLength(1)
    expect(odd.all('__proto__')[0]!.rawField(1)).toBe('polluted')
    expect(odd.all('toString')).toEqual([])
    expect(Object.prototype).not.toHaveProperty('polluted')
  })
})

describe('fields', () => {
  test('absent, empty and "" are kept apart (ch. 2.5.3)', () => {
    const pid = parseMessage('MSH|^~\\&|A\rPID||""|^""|a&""&b\r').segment('PID')!
    expect(pid.field(1).repetitions).toHaveLength(1)
    expect(pid.field(1).repetitions[0]!.value()).toBeUndefined()
    expect(pid.field(2).repetitions[0]!.value()).toBeNull()
    expect(pid.field(3).repetitions[0]!.value(1)).toBeUndefined()
    expect(pid.field(3).repetitions[0]!.value(2)).toBeNull()
    expect(pid.field(4).repetitions[0]!.value(1, 2)).toBeNull()
    expect(pid.field(4).repetitions[0]!.value(1, 3)).toBe('b')
    expect(pid.field(4).repetitions[0]!.value(1, 4)).toBeUndefined()
    expect(pid.field(4).repetitions[0]!.subcomponentCount(1)).toBe(3)
    expect(pid.field(9).raw).toBe('')
    expect(pid.field(9).repetitions[0]!.value()).toBeUndefined()
  })

  test('an empty repetition keeps its place', () => {
    const repetitions = parseMessage('MSH|^~\\&|A\rPID|1||a~~c\r').segment('PID')!.field(3).repetitions
    expect(repetitions.map((r) => r.value())).toEqual(['a', undefined, 'c'])
  })
})

describe('bytes and text', () => {
  test('toBytes gives the very bytes back', () => expect(message.toBytes()).toEqual(bytes))

  test('text has no byte order mark, toBytes has', () => {
    const withBom = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes])
    const read = parseMessage(withBom)
    expect(read.text).toBe(message.text)
    expect(read.toBytes()).toEqual(withBom)
    expect(read.get('PID-5.2')).toBe('Máire')
  })

  test('a message given as text is written in UTF-8', () => {
    expect(parseMessage('MSH|^~\\&|é\r').toBytes()).toEqual(Buffer.from('MSH|^~\\&|é\r'))
  })
})

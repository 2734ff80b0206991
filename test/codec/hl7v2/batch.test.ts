import { describe, expect, test } from '@jest/globals'
import { isBatch, splitBatch } from '../../../src/codec/hl7v2/batch.js'
import { parseMessage } from '../../../src/codec/hl7v2/parse.js'

const message = (id: string): string => `MSH|^~\\&|A|B|C|D|2026||ADT^A28|${id}|P|2.4\rPID|1||${id}é\r`

describe('splitBatch (ch. 2.10.3)', () => {
  const head = 'FHS|^~\\&|A\rBHS|^~\\&|A\r'
  const text = `${head}${message('1')}${message('2')}BTS|2\rBHS|^~\\&|A\r${message('3')}BTS|1\rFTS|2\r`
  const bytes = Buffer.from(text)
  const batch = splitBatch(bytes)

  test('gives each message its own bytes and its place', () => {
    expect(batch.messages.map((m) => Buffer.from(m.bytes).toString())).toEqual(['1', '2', '3'].map(message))
    expect(batch.messages.map(({ line, batch, place }) => [line, batch, place])).toEqual([
      [3, 1, 1],
      [5, 1, 2],
      [9, 2, 1],
    ])
    for (const { byteOffset, bytes: own } of batch.messages) {
      expect(bytes.subarray(byteOffset, byteOffset + own.length).equals(own)).toBe(true)
    }
    expect(batch.messages.map((m) => parseMessage(m.bytes).controlId)).toEqual(['1', '2', '3'])
    expect(batch.issues).toEqual([])
    expect(batch.envelope).toHaveLength(6)
  })

  test('counts that do not agree and lines that belong nowhere are reported', () => {
    const wrong = splitBatch(Buffer.from(`/* notes */\nBHS|^~\\&|A\r${message('1')}BTS|2\rFTS|3\r`))
    expect(wrong.messages).toHaveLength(1)
    expect(wrong.issues.map(({ where, text: said }) => [where, said.split(';')[0]])).toEqual([
      ['line 1', 'A line stands outside every message and was not read'],
      ['line 5', 'BTS-1 says 2 messages, 1 were found'],
      ['line 6', 'FTS-1 says 3 batches, 1 were found'],
    ])
  })

  test('messages one after another need no envelope', () => {
    const plain = splitBatch(Buffer.from(`\uFEFF${message('1')}\r\n${message('2')}`))
    expect(plain.messages.map(({ byteOffset, batch, place }) => [byteOffset, batch, place])).toEqual([
      [3, 0, 1],
      [3 + Buffer.byteLength(message('1')) + 2, 0, 2],
    ])
  })

  test('none at all is refused', () => {
    expect(() => splitBatch(Buffer.from('FHS|^~\\&|A\rFTS|0\r'))).toThrow(
      expect.objectContaining({ code: 'msh-missing' }),
    )
  })
})

describe('isBatch', () => {
  test.each([
    [message('1'), false],
    [message('1') + message('2'), true],
    ['FHS|^~\\&|A\r', true],
    ['\uFEFF\r\nBHS|^~\\&|A\r', true],
    ['PID|MSH|\r', false],
    [`${message('1')}NTE|1||MSHX|\r`, false],
  ])('%j: %s', (text, expected) => expect(isBatch(Buffer.from(text))).toBe(expected))
})

/** What had to be guessed to read a message stands among the translation's warnings. */
import { describe, expect, test } from '@jest/globals'
import { parseMessage } from '../../src/codec/hl7v2/parse.js'
import type { Translation } from '../../src/translate/translation.js'
import { LONDON, translator } from './support.js'

const msh = (type: string, characterSet = ''): string =>
  `MSH|^~\\&|PAS|RWE01|SPOA|LLR|20260610120000||${type}|M-1|P|2.5.1||||||${characterSet}`
const PID = 'PID|1||9990000026^^^NHS^NH||Harrow^Zoë||19900215|F'

const read = (text: string, encoding: BufferEncoding = 'utf8'): Translation =>
  translator.translate(parseMessage(Buffer.from(text, encoding)), LONDON)

const warnings = (result: Translation): readonly string[] =>
  result.issues.filter(({ severity }) => severity === 'warning').map(({ where }) => where)

describe('doubts of the reader', () => {
  test('a character set that had to be guessed', () => {
    expect(warnings(read(`${msh('ADT^A28')}\r${PID}`))).toEqual(['MSH-18'])
  })

  test('a character set that was declared', () => {
    expect(warnings(read(`${msh('ADT^A28', 'UNICODE UTF-8')}\r${PID}`))).toEqual([])
  })

  test('a line break inside a field', () => {
    const text = `${msh('ADT^A28', 'UNICODE UTF-8')}\r${PID}\rNTE|1||first line\nsecond line`
    expect(warnings(read(text))).toEqual(['line 4'])
  })

  test('are told beside the reason of a refusal too', () => {
    const result = read(`${msh('REF^I12')}\rNTE|1||Zoë`)
    expect(result.issues.map(({ severity, code }) => [severity, code])).toEqual([
      ['warning', 'structure'],
      ['error', 'required-missing'],
    ])
  })
})

/** RFC 8259, read strictly: what is refused, where, and at which limit. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { readJson } from '../../src/fhir/json.js'
import { validateText } from '../../src/fhir/validate-text.js'
import { validator } from './support.js'

const refusal = (text: string, limits = {}): string => {
  const read = readJson(text, limits)
  return read.kind === 'refused' ? `${read.issue.code} ${read.issue.where}` : 'read'
}

describe('refused', () => {
  test.each([
    ['empty', '', 'structure line 1, column 1'],
    ['cut off', '{"a": 1', 'structure line 1, column 8'],
    ['missing comma', '{"a": 1\n "b": 2}', 'structure line 2, column 2'],
    ['trailing comma', '[1,]', 'structure line 1, column 4'],
    ['trailing comma in an object', '{"a":1,}', 'structure line 1, column 8'],
    ['no quotes around a name', '{a: 1}', 'structure line 1, column 2'],
    ['no quotes around a value', '{"a": b}', 'structure line 1, column 7'],
    ['single quotes', "{'a': 1}", 'structure line 1, column 2'],
    ['a comment', '{ // x\n"a": 1}', 'structure line 1, column 3'],
    ['wrong close', '{"a": [1}', 'structure line 1, column 9'],
    ['two values', '{} {}', 'structure line 1, column 4'],
    ['leading zero', '[01]', 'structure line 1, column 3'],
    ['plus', '[+1]', 'structure line 1, column 2'],
    ['NaN', '[NaN]', 'structure line 1, column 2'],
    ['control character', '["a\nb"]', 'structure line 1, column 4'],
    ['wrong escape', '["\\x"]', 'structure line 1, column 3'],
    ['a name twice', '{"a": 1, "a": 2}', 'duplicate line 1, column 10'],
    ['a name twice, escaped', '{"a": 1, "\\u0061": 2}', 'duplicate line 1, column 10'],
  ])('%s', (_name, text, where) => {
    expect(refusal(text)).toBe(where)
  })

  test('the message shows nothing of the text', () => {
    expect(JSON.stringify(readJson('{"name": Oblonsky}'))).not.toContain('Oblonsky')
  })
})

describe('limits', () => {
  test('depth: at the limit, one past it, and far past it', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
    expect(refusal(nested(200))).toBe('read')
    expect(refusal(nested(201))).toBe('too-costly line 1, column 201')
    expect(refusal('{"a":'.repeat(1_000_000))).toBe('too-costly line 1, column 1001')
  })

  test('size: at the limit and one past it', () => {
    expect(refusal('"abc"', { maxCharacters: 5 })).toBe('read')
    expect(refusal('"abcd"', { maxCharacters: 5 })).toBe('too-long ')
  })

  test('long text is read in one pass', () => {
    expect(refusal(`["${'a'.repeat(5_000_000)}", "${'\\n'.repeat(1_000_000)}"]`)).toBe('read')
  })
})

test('reads what JSON.parse reads, to the same value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2, '\t'), (value, space) => {
      const text = JSON.stringify(value, null, space)
      expect(readJson(text)).toEqual({ kind: 'value', value: JSON.parse(text) })
    }),
  )
})

test('refuses what JSON.parse refuses, and never throws', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"b"',
    '1',
    '-',
    'null',
    ' ',
    '\\',
    '"',
    'e5',
    '.',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('')
      let isJson = true
      try {
        JSON.parse(text)
      } catch {
        isJson = false
      }
      const read = readJson(text)
      if (read.kind === 'refused' && read.issue.code === 'duplicate') return
      expect(read.kind).toBe(isJson ? 'value' : 'refused')
    }),
    { numRuns: 2_000 },
  )
})

test('a byte order mark is passed over', () => {
  expect(validateText(validator, '\ufeff{"resourceType":"Patient"}').valid).toBe(true)
})

test('text that is no JSON gives a fatal issue with its place', () => {
  expect(validateText(validator, '{"resourceType" "Patient"}')).toEqual({
    valid: false,
    outcome: {
      resourceType: 'OperationOutcome',
      issue: [
        {
          severity: 'fatal',
          code: 'structure',
          details: { text: 'Invalid JSON: expected a colon after the property name here; correct it.' },
          diagnostics: 'line 1, column 17',
        },
      ],
    },
  })
})

import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { leafPath, leaves } from '../../../src/codec/hl7v2/leaves.js'
import { parseMessage } from '../../../src/codec/hl7v2/parse.js'
import { writeMessage } from '../../../src/codec/hl7v2/build.js'
import { anySeparators } from './separators.js'

const listed = (text: string): [string, string | null][] =>
  leaves(parseMessage(text)).map((leaf) => [leaf.path, leaf.value])

describe('leaves', () => {
  test('every value with its place; MSH-1 and MSH-2 are syntax', () => {
    expect(
      listed('MSH|^~\\&|PAS^X|\rPID|1||a^^^b&&c~d&e|""|f^|~g\rNTE|1||x\\F\\y\rNTE|2||z\rZU1||v'),
    ).toEqual([
      ['MSH-3.1', 'PAS'],
      ['MSH-3.2', 'X'],
      ['PID-1', '1'],
      ['PID-3.1', 'a'],
      ['PID-3.4.1', 'b'],
      ['PID-3.4.3', 'c'],
      ['PID-3[2].1.1', 'd'],
      ['PID-3[2].1.2', 'e'],
      ['PID-4', null],
      ['PID-5.1', 'f'],
      ['PID-6[2]', 'g'],
      ['NTE-1', '1'],
      ['NTE-3', 'x|y'],
      ['NTE[2]-1', '2'],
      ['NTE[2]-3', 'z'],
      ['ZU1-2', 'v'],
    ])
  })

  test('places are numbers', () => {
    const leaf = leaves(parseMessage('MSH|^~\\&|A\rPID|||a~b^c&d\r')).at(-1)!
    expect([leaf.segmentIndex, leaf.field, leaf.repetition, leaf.component, leaf.subcomponent]).toEqual([
      1, 3, 2, 2, 2,
    ])
    expect(leaf.raw).toBe('d')
    expect(leafPath(leaf.segment, 3, 2, 2, 2)).toBe('PID-3[2].2.2')
  })

  test('undeclared separators split nothing', () => {
    expect(listed('MSH|^|A\rPID|a~b&c^d\r')).toEqual([
      ['MSH-3', 'A'],
      ['PID-1.1', 'a~b&c'],
      ['PID-1.2', 'd'],
    ])
  })

  test('a message of only a header has only its fields', () => expect(listed('MSH|^~\\&|')).toEqual([]))

  test('each path leads back to its value', () => {
    const message = parseMessage(readFileSync('test/fixtures/hl7v2/referral-i12.hl7'))
    const found = leaves(message)
    expect(found).toHaveLength(78)
    expect(found.map((leaf) => message.get(leaf.path))).toEqual(found.map((leaf) => leaf.value))
    expect(new Set(found.map((leaf) => leaf.path)).size).toBe(found.length)
  })

  test('nothing written is missing, under any separators', () => {
    const value = fc.string({ unit: 'grapheme-ascii', minLength: 1 })
    fc.assert(
      fc.property(
        fc.array(fc.array(value, { minLength: 2 }), { minLength: 1 }),
        anySeparators,
        (fields, separators) => {
          const pid = Object.fromEntries(fields.map((components, at) => [at + 1, components]))
          const text = writeMessage(
            [
              { name: 'MSH', fields: { 3: 'A' } },
              { name: 'PID', fields: pid },
            ],
            separators,
          )
          const [, ...found] = leaves(parseMessage(text))
          expect(found.map((leaf) => leaf.value)).toEqual(fields.flat())
        },
      ),
    )
  })
})

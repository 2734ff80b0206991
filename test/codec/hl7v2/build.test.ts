import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { completeSeparators, writeMessage } from '../../../src/codec/hl7v2/build.js'
import { parseMessage } from '../../../src/codec/hl7v2/parse.js'
import { readSeparators, STANDARD_SEPARATORS } from '../../../src/codec/hl7v2/separators.js'
import { anySeparators } from './separators.js'

describe('writeMessage', () => {
  test('values, components, subcomponents, repetitions, "" and gaps', () => {
    const text = writeMessage(
      [
        { name: 'MSH', fields: { 3: 'A|B', 9: ['RRI', 'I12', 'RRI_I12'], 10: '1' } },
        {
          name: 'PID',
          fields: {
            1: '1',
            3: { repetitions: [['a', '', '', ['b', undefined, 'c&d']], 'e'] },
            5: null,
            6: ['x', null, ''],
            9: '',
          },
        },
        { name: 'ZZZ', fields: {} },
      ],
      STANDARD_SEPARATORS,
    )
    expect(text).toBe(
      'MSH|^~\\&|A\\F\\B||||||RRI^I12^RRI_I12|1\r' + 'PID|1||a^^^b&&c\\T\\d~e||""|x^""\r' + 'ZZZ\r',
    )
  })

  test('text taken over as it stands cannot end its segment', () => {
    const text = writeMessage(
      [{ name: 'MSA', fields: { 2: { raw: 'A^B\rPID|1\n\0' } } }],
      STANDARD_SEPARATORS,
    )
    expect(text).toBe('MSA||A^B\\X0D\\PID|1\\X0A\\\\X00\\\r')
  })

  test('what a sender did not declare is filled with characters it does not use', () => {
    expect(completeSeparators(readSeparators('MSH|^|A'))).toEqual(STANDARD_SEPARATORS)
    const odd = completeSeparators(readSeparators('MSH~^|A~B|'.replaceAll('|', '~')))
    expect(new Set([odd.field, odd.component, odd.repetition, odd.escape, odd.subcomponent]).size).toBe(5)
    expect(completeSeparators(STANDARD_SEPARATORS)).toEqual(STANDARD_SEPARATORS)
  })

  test('written and read again it is the same, under any separators', () => {
    const value = fc
      .array(
        fc.oneof(
          fc.constantFrom('\r', '\n', '""', '|', '\\X'),
          fc.string({ unit: 'grapheme', minLength: 1 }),
        ),
        {
          minLength: 1,
        },
      )
      .map((parts) => parts.join('').replaceAll('\0', '') || 'x')
    const text = fc.oneof(value, fc.constant(null))
    const repetitions = fc.array(
      fc.array(fc.array(text, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
      { maxLength: 4, minLength: 1 },
    )
    fc.assert(
      fc.property(
        fc.array(repetitions, { minLength: 1, maxLength: 5 }),
        anySeparators,
        (fields, separators) => {
          const pid = Object.fromEntries(fields.map((one, at) => [at + 1, { repetitions: one }]))
          const written = writeMessage(
            [
              { name: 'MSH', fields: { 3: 'A' } },
              { name: 'PID', fields: pid },
            ],
            separators,
          )
          const message = parseMessage(Buffer.from(written))
          const read = fields.map((_, at) =>
            message
              .segment('PID')!
              .field(at + 1)
              .repetitions.map((repetition) =>
                Array.from({ length: repetition.componentCount }, (_c, component) =>
                  Array.from({ length: repetition.subcomponentCount(component + 1) }, (_s, subcomponent) =>
                    repetition.value(component + 1, subcomponent + 1),
                  ),
                ),
              ),
          )
          expect(message.segments).toHaveLength(2)
          expect(read).toEqual(fields)
        },
      ),
      { numRuns: 100 },
    )
  })
})

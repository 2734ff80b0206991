import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { decodeEscapes, encodeEscapes, type Syntax } from '../../../src/codec/hl7v2/escape.js'
import { STANDARD_SEPARATORS } from '../../../src/codec/hl7v2/separators.js'
import { anySeparators } from './separators.js'

const decode = (raw: string, syntax: Partial<Syntax> = {}): string =>
  decodeEscapes(raw, { separators: STANDARD_SEPARATORS, characterSet: 'UNICODE UTF-8', ...syntax })

describe('HL7 v2.5.1 ch. 2.7', () => {
  test.each([
    ['2.7.1 separators', 'a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f', 'a|b^c&d~e\\f'],
    ['2.7.1 directly after one another', '\\F\\\\S\\\\T\\\\R\\\\E\\', '|^&~\\'],
    ['2.7.1 undone once only', '\\E\\F\\E\\', '\\F\\'],
    ['2.7.2 highlighting', '\\H\\bold\\N\\ text', 'bold text'],
    ['2.7.3 single-byte character sets as written', '\\C2842\\', '\\C2842\\'],
    ['2.7.4 multi-byte character sets as written', '\\M2442\\ \\M242842\\', '\\M2442\\ \\M242842\\'],
    ['2.7.5 hexadecimal', 'a\\X0D0A\\b', 'a\r\nb'],
    ['2.7.5 lower case digits', '\\X4a\\', 'J'],
    ['2.7.5 one character in two sequences', '\\XC3\\\\XA9\\', 'é'],
    ['2.7.6 new line', 'a\\.br\\b', 'a\nb'],
    ['2.7.6 two new lines', 'a\\.br\\\\.br\\b', 'a\n\nb'],
    ['2.7.6 vertical space', 'a\\.sp\\b\\.sp3\\c', 'a\nb\n\n\nc'],
    ['2.7.6 spaces', 'a\\.sk4\\b', 'a    b'],
    ['2.7.6 centred line', 'a\\.ce\\b', 'a\nb'],
    ['2.7.6 wrapping and indents', '\\.fi\\a\\.nf\\b\\.in+4\\c\\.ti-4\\d', 'abcd'],
    ['2.7.7 local', '\\Zab\\', '\\Zab\\'],
    ['2.7.7 a local one does not swallow the next', '\\Zab\\\\F\\', '\\Zab\\|'],
  ])('%s', (_name, raw, expected) => expect(decode(raw)).toBe(expected))

  test.each([
    ['unterminated', 'A\\F', 'A\\F'],
    ['unknown', 'C:\\temp\\file', 'C:\\temp\\file'],
    ['unknown before a real one', 'C:\\temp\\F\\', 'C:\\temp|'],
    ['odd hexadecimal', '\\X0\\', '\\X0\\'],
    ['empty hexadecimal', '\\X\\', '\\X\\'],
    ['hexadecimal that is no text', '\\XFF\\', '\\XFF\\'],
    ['NUL', '\\X00\\', '\\X00\\'],
    ['layout by the thousand', '\\.sp9999\\', '\\.sp9999\\'],
    ['lower case', '\\f\\', '\\f\\'],
    ['only the escape character', '\\', '\\'],
    ['two of them', '\\\\', '\\\\'],
    ['truncation where none is declared', '\\P\\', '\\P\\'],
  ])('%s stays as written', (_name, raw, expected) => expect(decode(raw)).toBe(expected))

  test('hexadecimal is in the character set of the message', () => {
    expect(decode('\\XE9\\', { characterSet: '8859/1' })).toBe('é')
    expect(decode('\\XA4\\', { characterSet: '8859/15' })).toBe('€')
    expect(decode('\\XC3A9\\', { characterSet: 'UNICODE UTF-16LE' })).toBe('é')
  })

  test('without a declared escape character nothing is undone', () => {
    expect(decode('a\\F\\b', { separators: { ...STANDARD_SEPARATORS, escape: '' } })).toBe('a\\F\\b')
  })
})

describe('writing', () => {
  test.each([
    ['a|b^c&d~e\\f', 'a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f'],
    ['a\nb', 'a\\.br\\b'],
    ['a\r\nb', 'a\\X0D\\\\.br\\b'],
    ['\t', '\\X09\\'],
    ['""', '\\X22\\"'],
    ['é €', 'é €'],
  ])('%j', (value, expected) => expect(encodeEscapes(value, STANDARD_SEPARATORS)).toBe(expected))

  test('a dot that separates does not cut \\.br\\ in two', () => {
    expect(encodeEscapes('a\nb.c', { ...STANDARD_SEPARATORS, subcomponent: '.' })).toBe('a\\X0A\\b\\T\\c')
  })
})

describe('under any declared separators', () => {
  const text = fc
    .array(
      fc.oneof(
        fc.constantFrom('\r', '\n', '\t', '""', '\\', '|', 'X0D', '.br', 'F', 'é'),
        fc.string({ unit: 'grapheme' }),
      ),
    )
    .map((parts) => parts.join('').replaceAll('\0', ''))

  test('what is written reads back the same and holds no separator or line end', () => {
    fc.assert(
      fc.property(text, anySeparators, (value, separators) => {
        const raw = encodeEscapes(value, separators)
        expect(decode(raw, { separators })).toBe(value)
        const others = { ...separators, escape: '' }
        for (const other of Object.values(others)) if (other !== '') expect(raw.includes(other)).toBe(false)
        expect(raw).not.toMatch(/[\r\n]/)
      }),
      { numRuns: 1_000 },
    )
  })
})

/** FHIR R4 datatypes.html section 2.24.0.1: one table per primitive type. */
import { describe, expect, test } from '@jest/globals'
import { errors } from './support.js'

/** A value of any type, in an extension's value[x]. */
const withValue = (type: string, value: unknown) => ({
  resourceType: 'Basic',
  code: { text: 'a test' },
  extension: [
    { url: 'http://example.org/x', [`value${type.charAt(0).toUpperCase()}${type.slice(1)}`]: value },
  ],
})

const GOOD: readonly [string, readonly unknown[]][] = [
  ['base64Binary', ['TWFu', 'TWE=', 'TQ==', 'TWFu\nTWFu']],
  ['boolean', [true, false]],
  ['code', ['a', 'two words', 'http://x']],
  ['date', ['2024', '2024-02', '2024-02-29', '0001-01-01', '2000-02-29']],
  ['dateTime', ['2024', '2024-02', '2024-02-29', '2024-02-29T23:59:59Z', '2024-01-01T00:00:00.123+14:00']],
  ['decimal', [0, -1.5, 1e10]],
  ['id', ['a', 'A-1.b', 'x'.repeat(64)]],
  ['instant', ['2024-02-29T23:59:60Z', '2024-01-01T00:00:00.000-11:30']],
  ['integer', [0, -2147483648, 2147483647]],
  ['markdown', ['# a\n\ttext']],
  ['oid', ['urn:oid:1.2.3', 'urn:oid:2.16.840.1.0']],
  ['positiveInt', [1, 2147483647]],
  ['string', ['a', 'tab\tline\r\nend', 'é', ' leading']],
  ['time', ['00:00:00', '23:59:59.9']],
  ['unsignedInt', [0, 2147483647]],
  ['uri', ['http://x', 'urn:uuid:c757873d-ec9a-4326-a141-556f43239520', 'a', 'urn:oid:1.2']],
  ['url', ['https://example.org/a?b=c']],
  ['uuid', ['urn:uuid:c757873d-ec9a-4326-a141-556f43239520']],
]

const BAD: readonly [string, readonly unknown[]][] = [
  ['base64Binary', ['TWF', 'T===', '%%%%', 'TW=u', '', 1]],
  ['boolean', ['true', 1, 0]],
  ['code', ['', ' a', 'a ', 'a  b', 1]],
  [
    'date',
    ['2023-02-29', '2024-13', '2024-1-1', '24', '1900-02-29', '2024-04-31', '0000', '2024-01-01T00:00:00Z'],
  ],
  [
    'dateTime',
    ['2024-01-01T10:00', '2024-01-01T10:00:00', '2024-01-01T24:00:00Z', '2024-01-01T10:00:00+15:00'],
  ],
  ['decimal', ['1.5', true]],
  ['id', ['', 'a_b', 'a b', 'x'.repeat(65)]],
  ['instant', ['2024-01-01', '2024-01-01T10:00:00', '2023-02-29T00:00:00Z']],
  ['integer', [1.5, 2147483648, '1']],
  ['oid', ['1.2.3', 'urn:oid:3.1', 'urn:oid:1.02']],
  ['positiveInt', [0, -1]],
  ['string', ['', 'a\u0000b', 'a\u0007', 5]],
  ['time', ['24:00:00', '10:00', '10:00:00Z']],
  ['unsignedInt', [-1]],
  ['uri', ['', 'a b', 'urn:uuid:C757873D-EC9A-4326-A141-556F43239520', 'urn:oid:x']],
  ['uuid', ['c757873d-ec9a-4326-a141-556f43239520']],
]

const rows = (table: readonly [string, readonly unknown[]][]) =>
  table.flatMap(([type, values]) => values.map((value): [string, unknown] => [type, value]))

describe('2.24.0.1 primitive types', () => {
  test.each(rows(GOOD))('%s accepts %j', (type, value) => {
    expect(errors(withValue(type, value))).toEqual([])
  })

  test.each(rows(BAD))('%s refuses %j', (type, value) => {
    expect(errors(withValue(type, value))).toEqual([`value Basic.extension[0].value.ofType(${type})`])
  })

  test('a string holds 1,048,576 characters and not one more', () => {
    expect(errors(withValue('string', 'x'.repeat(1_048_576)))).toEqual([])
    expect(errors(withValue('string', 'x'.repeat(1_048_577)))).toHaveLength(1)
  })
})

/** The NHSD-* headers and version negotiation (BaRS section 3). */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { acceptedVersion, decodeHeader, encodeHeader } from '../../../src/codec/bars/headers.js'

describe('headers of JSON in Base64', () => {
  test('are standard Base64, not base64url', () => {
    // base64url would write `-` for `+` and `_` for `/`.
    expect(encodeHeader({ a: '>>>???' })).toBe('eyJhIjoiPj4+Pz8/In0=')
  })

  test('come back as they went', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (value) => {
        expect(decodeHeader('H', encodeHeader(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test.each([
    ['plain JSON', '{"system":"x"}'],
    ['base64url', 'eyJhIjoiPj4-Pz8_In0='],
    ['Base64 of no JSON', 'aGVsbG8='],
    ['Base64 of a string', 'ImEi'],
    ['nothing', ''],
  ])('%s is refused by name', (_name, text) => {
    expect(() => decodeHeader('NHSD-Target-Identifier', text)).toThrow(
      expect.objectContaining({ code: 'parameter-invalid', where: 'NHSD-Target-Identifier' }),
    )
  })
})

test.each([
  ['application/fhir+json; version=1.0.0', '1.0.0'],
  ['application/fhir+json;version=1.2.0, application/fhir+json; version=1.10.0', '1.10.0'],
  ['application/fhir+json; version="1.1.0"', '1.1.0'],
  ['application/fhir+json', undefined],
])('the highest version of %s', (accept, expected) => {
  expect(acceptedVersion(accept)).toBe(expected)
})

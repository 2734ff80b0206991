import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { controlIdOf } from '../../src/terms/control-id.js'

test('two 48-bit parts in base 36', () => {
  // 0x000000000024 = 36 = "10"; 0xffffffffffff = 281474976710655 = "2RRVTHNXTR" (36^9 * 2 + ...).
  expect(controlIdOf('00000000-0024-7000-8000-ffffffffffff')).toBe('00000000102RRVTHNXTR')
})

test('is always 20 letters and digits', () => {
  fc.assert(fc.property(fc.uuid(), (uuid) => expect(controlIdOf(uuid)).toMatch(/^[0-9A-Z]{20}$/)))
})

import { expect, test } from '@jest/globals'
import { retryAfterMs } from '../../src/wire/retry-after.js'

test.each([
  ['120', 120_000],
  [' 0 ', 0],
  ['Fri, 31 Dec 1999 23:59:59 GMT', undefined],
  ['-5', undefined],
  ['1e9', undefined],
  [undefined, undefined],
])('Retry-After: %s', (header, expected) => {
  expect(retryAfterMs(header)).toBe(expected)
})

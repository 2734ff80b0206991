import { expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { LIMIT_BOUNDS } from '../../src/config/environment.js'

test('docs/operations.md shows every limit with its default and range', () => {
  const rows = [
    ...readFileSync('docs/operations.md', 'utf8').matchAll(
      /^\| `([A-Z_0-9]+)` \| (\d+) \| (\d+) to (\d+) \|/gm,
    ),
  ]
  const documented = rows.map(([, variable, fallback, min, max]) => [variable, fallback, min, max].join(' '))
  const known = Object.values(LIMIT_BOUNDS).map((l) => [l.variable, l.fallback, l.min, l.max].join(' '))
  expect(documented.sort()).toEqual(known.sort())
})

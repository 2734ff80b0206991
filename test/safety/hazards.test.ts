import { expect, test } from '@jest/globals'
import { existsSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'

interface Hazard {
  readonly id: string
  readonly hazard: string
  readonly cause: string
  readonly control: string
  readonly tests: readonly string[]
}

const { hazards } = parse(readFileSync('docs/safety/hazards.yaml', 'utf8')) as { hazards: readonly Hazard[] }

test('every hazard has a cause, a control and a test, and an id of its own', () => {
  for (const { hazard, cause, control, tests } of hazards) {
    expect([hazard, cause, control].every((text) => text.trim().length > 10)).toBe(true)
    expect(tests.length).toBeGreaterThan(0)
  }
  expect(new Set(hazards.map(({ id }) => id)).size).toBe(hazards.length)
})

test.each(hazards.flatMap(({ id, tests }) => tests.map((where) => [id, where])))(
  '%s is shown by %s',
  (_id, where) => {
    const [file = '', words = ''] = where.split('::')
    expect(existsSync(file)).toBe(true)
    expect(readFileSync(file, 'utf8')).toContain(words)
  },
)

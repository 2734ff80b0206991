import { describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { asFault, Fault, FAULTS } from '../../src/terms/fault.js'

const rows = [
  ...readFileSync('docs/errors.md', 'utf8').matchAll(/^\| `([a-z0-9-]+)` \| (\w+) \| (\S+) \| (\d+) \|/gm),
]

describe('the catalogue and docs/errors.md', () => {
  test('name the same codes', () => {
    expect(rows.map((row) => row[1]).sort()).toEqual(Object.keys(FAULTS).sort())
  })

  test.each(Object.entries(FAULTS))('%s means the same in both', (code, meaning) => {
    const [, , faultClass, ack, http] = rows.find((row) => row[1] === code) ?? []
    expect([faultClass, ack, http]).toEqual([meaning.class, meaning.ack ?? '-', String(meaning.http)])
  })
})

describe('faults', () => {
  test('keep their cause', () => {
    const cause = new Error('socket closed')
    expect(new Fault('store-unavailable', 'No answer.', '', { cause }).cause).toBe(cause)
  })

  test('anything thrown becomes one, and its text is not shown', () => {
    const fault = asFault(new Error('Margaret Example'))
    expect(fault.code).toBe('internal-error')
    expect(fault.message).not.toContain('Margaret')
  })
})

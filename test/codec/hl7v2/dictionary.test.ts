import { beforeAll, describe, expect, test } from '@jest/globals'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { loadDictionary, type Dictionary } from '../../../src/codec/hl7v2/dictionary.js'

let v251: Dictionary
beforeAll(async () => {
  v251 = await loadDictionary('2.5.1')
})

describe('names and types', () => {
  test('of fields and components', () => {
    expect(v251.version).toBe('2.5.1')
    expect(v251.segmentName('RF1')).toBe('Referral Information')
    expect(v251.field('PID', 3)).toMatchObject({
      name: 'Patient Identifier List',
      type: 'CX',
      isRequired: true,
      mayRepeat: true,
    })
    expect(v251.component('CX', 4)).toMatchObject({ name: 'Assigning Authority', type: 'HD' })
    expect(v251.describe('PID', 5, 1)).toBe('Patient Name / Family Name')
    expect(v251.describe('PID', 5)).toBe('Patient Name')
  })

  test('of structures', () => {
    expect(v251.segmentsOf('REF_I12')?.slice(0, 3)).toEqual(['MSH', 'SFT', 'RF1'])
    expect(v251.segmentsOf('REF_X99')).toBeUndefined()
  })

  test('unknown names, also those JavaScript knows, have none', () => {
    for (const name of ['ZZZ', 'constructor', '__proto__']) {
      expect(v251.segmentName(name)).toBeUndefined()
      expect(v251.field(name, 1)).toBeUndefined()
      expect(v251.describe(name, 1)).toBeUndefined()
    }
    expect(v251.field('PID', 999)).toBeUndefined()
  })

  test('an unknown version is told as the nearest', async () => {
    expect((await loadDictionary('2.99')).version).toBe('2.8')
  })
})

test('only the adapter imports the packages, and only when asked', () => {
  const users = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .filter((name) => /(?:from|import\()\s*'hl7v2/.test(readFileSync(join('src', name), 'utf8')))
  expect(users).toEqual(['codec/hl7v2/dictionary.ts'])
  expect(readFileSync('src/codec/hl7v2/dictionary.ts', 'utf8')).not.toMatch(/^import .*'hl7v2/m)
})

/** What is wrong in a mapping is found when it is compiled, at its line and column. */
import { describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { Fault } from '../../src/terms/fault.js'
import { FUNCTIONS } from '../../src/translate/functions.js'
import { DROP_REASONS } from '../../src/translate/translation.js'
import { createTranslator } from '../../src/translate/translator.js'
import { catalogue, mappings } from './support.js'

function refusalOf(path: string, change: (text: string) => string): Fault {
  const changed = new Map(mappings)
  changed.set(path, change(mappings.get(path) ?? ''))
  try {
    createTranslator({ mappings: changed, catalogue })
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown
    throw thrown
  }
  throw new Error('The mapping was accepted.')
}

const PID = 'mappings/hl7v2/segments/pid.yaml'
const XPN = 'mappings/hl7v2/datatypes/xpn.yaml'
const lineOf = (path: string, text: string): number =>
  (mappings.get(path) ?? '').split('\n').findIndex((line) => line.includes(text.split('\n')[0] ?? '')) + 1

describe('refused with file:line:column', () => {
  test.each([
    [
      'an element FHIR does not have',
      PID,
      'birthDate:',
      'birthdate:',
      /Patient\.birthdate is not an element/,
    ],
    ['an unknown function', PID, 'PID-7 | date', 'PID-7 | dates', /"dates" is not a function/],
    ['an unknown table', PID, 'table administrative-gender', 'table genders', /no table "genders"/],
    [
      'a value for an element that repeats',
      XPN,
      'prefix:\n    - XPN.5',
      'prefix: XPN.5',
      /HumanName\.prefix repeats/,
    ],
    [
      'a list for an element that does not',
      PID,
      'gender: PID-8.1 |',
      'gender: PID-8[*] |',
      /does not repeat/,
    ],
    ['a data type without a file', PID, 'each PID-9 as XPN', 'each PID-9 as XYZ', /"XYZ" has no file/],
    [
      'a data type in the wrong place',
      PID,
      'each PID-9 as XPN',
      'each PID-9 as XAD',
      /no place at Patient\.name/,
    ],
    ['a broken expression', PID, 'PID-7 | date', 'PID-7 || date', /expected the name of a function/],
    ['an unset variable', PID, 'PID-7 | date', '$nothing', /\$nothing is not set/],
    ['an unknown directive', PID, '$needs: district', '$need: district', /"\$need" is not known/],
    ['a reference to nothing', PID, "references provider 'PP'", "references provder 'PP'", /named "provder"/],
  ])('%s', (_name, path, from, to, message) => {
    expect(mappings.get(path)).toContain(from)
    const fault = refusalOf(path, (text) => text.replace(from, to))
    expect(fault.code).toBe('mapping-invalid')
    expect(fault.message).toMatch(message)
    expect(fault.where).toMatch(new RegExp(`^${path}:${lineOf(path, from)}:\\d+$`))
  })

  test('text that is not YAML', () => {
    const fault = refusalOf(XPN, (text) => `${text}\n  wrong: [`)
    expect(fault.where).toMatch(/xpn\.yaml:\d+:\d+$/)
  })

  test('an overlay of something that does not exist', () => {
    const fault = refusalOf('mappings/overlays/uk.yaml', (text) =>
      text.replace('  encounter:', '  encountre:'),
    )
    expect(fault.message).toMatch(/no "encountre"/)
  })

  test('an overlay nobody wrote', () => {
    const translator = createTranslator({ mappings, catalogue })
    expect(translator.overlays).toEqual(['uk'])
  })
})

test('the registry of functions is closed, and every function says what it does', () => {
  for (const [name, definition] of FUNCTIONS) expect([name, definition.says.length > 5]).toEqual([name, true])
})

test('docs/mappings.md lists every function and every reason', () => {
  const docs = readFileSync('docs/mappings.md', 'utf8')
  for (const [name, { says }] of FUNCTIONS) expect(docs).toContain(`| \`${name}\` | ${says} |`)
  for (const reason of DROP_REASONS) expect(docs).toContain(`| \`${reason}\` |`)
})

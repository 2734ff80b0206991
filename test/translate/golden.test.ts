/** Messages with what they must become. `facts.json` was written by hand from the mapping specification; `out.json` is
 *  the whole bundle, reviewed, rewritten only with GOLDEN=write. */
import { describe, expect, test } from '@jest/globals'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseMessage } from '../../src/codec/hl7v2/parse.js'
import { isError } from '../../src/terms/issue.js'
import type { TranslateContext } from '../../src/translate/translation.js'
import { fullUrl, PLAIN, translator, validator, valueAt } from './support.js'

const ROOT = 'test/golden/hl7v2'

interface Facts {
  readonly context: Partial<TranslateContext>
  readonly ok: boolean
  readonly action: string | null
  readonly facts: Readonly<Record<string, unknown>>
  readonly warnings?: readonly string[]
  readonly errors?: readonly (readonly [string, string])[]
  readonly dropped?: Readonly<Record<string, string>>
}

const cases = readdirSync(ROOT).filter((name) => existsSync(join(ROOT, name, 'facts.json')))

describe.each(cases)('%s', (name) => {
  const facts = JSON.parse(readFileSync(join(ROOT, name, 'facts.json'), 'utf8')) as Facts
  const message = parseMessage(readFileSync(join(ROOT, name, 'in.hl7')))
  const translation = translator.translate(message, { ...PLAIN, ...facts.context })

  test('is accepted or refused as it should be', () => {
    expect(translation.ok).toBe(facts.ok)
    expect(translation.action).toBe(facts.action)
    const errors = translation.issues.filter(isError).map(({ code, where }) => [code, where])
    expect(errors).toEqual(facts.errors ?? [])
  })

  test('says what the specification asks for', () => {
    const found = Object.keys(facts.facts).map((path) => [path, valueAt(translation, path) ?? null])
    const wanted = Object.entries(facts.facts).map(([path, value]) => [path, entry(value)])
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(wanted))
  })

  /** `ref:ServiceRequest[1]` is the reference to that entry. */
  function entry(value: unknown): unknown {
    return typeof value === 'string' && value.startsWith('ref:')
      ? fullUrl(translation, value.slice(4))
      : value
  }

  test('warns where it should', () => {
    const where = translation.issues
      .filter(({ severity }) => severity === 'warning')
      .map((issue) => issue.where)
    expect(where).toEqual(expect.arrayContaining([...(facts.warnings ?? [])]))
  })

  test('gives a reason for what is left out', () => {
    const dropped = Object.fromEntries(
      (translation.ledger?.dropped ?? []).map(({ path, reason }) => [path, reason]),
    )
    expect(dropped).toMatchObject(facts.dropped ?? {})
  })

  test('is a valid FHIR R4 message bundle', () => {
    if (translation.bundle === null) return
    expect(validator.validate(translation.bundle).filter(isError)).toEqual([])
  })

  test('is the whole reviewed bundle', () => {
    const file = join(ROOT, name, 'out.json')
    const bundle = `${JSON.stringify(translation.bundle, null, 2)}\n`
    if (process.env['GOLDEN'] === 'write') writeFileSync(file, bundle)
    expect(bundle).toBe(readFileSync(file, 'utf8'))
  })
})

/** Verdicts of HL7's own validator on its published cases (FHIR/fhir-test-cases), where the corpus is at hand. */
import { expect, test } from '@jest/globals'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { validateText } from '../../src/fhir/validate-text.js'
import { createValidator } from '../../src/fhir/validate.js'
import { definitions } from './support.js'

const folder = resolve('../shared/corpora/fhir-validator')
const withCorpus = existsSync(folder) ? test : test.skip

interface Case {
  readonly id: string
  readonly file: string
  readonly format: 'json' | 'xml'
  readonly tier: 'core' | 'extended'
  readonly valid: boolean
  readonly supporting?: readonly string[]
  readonly profileFile?: string
}

const read = (file: string): string => readFileSync(join(folder, file), 'utf8')

/** Definitions in XML need a converter first. */
const isJson = ({ format, supporting = [], profileFile }: Case): boolean =>
  format === 'json' && [...supporting, profileFile ?? ''].every((file) => !file.endsWith('.xml'))

function verdict({ file, supporting = [], profileFile }: Case): boolean {
  const files = profileFile === undefined ? supporting : [...supporting, profileFile]
  const resources = files.map((name) => JSON.parse(read(name)) as { url: string })
  const profiles = profileFile === undefined ? [] : resources.slice(-1).map(({ url }) => url)
  return validateText(createValidator(definitions.with(resources)), read(file), profiles).valid
}

withCorpus(
  'JSON core: agreement of at least 95 %, false errors at most 3 % (skipped without ../shared)',
  () => {
    const { cases } = JSON.parse(read('manifest.json')) as { cases: readonly Case[] }
    const core = cases.filter((one) => one.tier === 'core' && isJson(one))
    const wrong = core.filter((one) => verdict(one) !== one.valid)
    const falseErrors = wrong.filter(({ valid }) => valid)
    const valid = core.filter((one) => one.valid)
    expect(core.length).toBeGreaterThan(100)
    expect(wrong.length / core.length).toBeLessThanOrEqual(0.05)
    expect(falseErrors.length / valid.length).toBeLessThanOrEqual(0.03)
  },
)

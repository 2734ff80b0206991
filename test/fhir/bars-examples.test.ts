/** Published BaRS examples, where they are at hand: what is wrong with them is known and nothing else is found. */
import { describe, expect, test } from '@jest/globals'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readPackage } from '../../src/fhir/package.js'
import { createValidator } from '../../src/fhir/validate.js'
import { definitions, errors, errorsOf } from './support.js'

const folder = resolve('../shared/corpora/bars')
const packages = resolve('../shared/fhir-packages')
const withCorpus = existsSync(folder) && existsSync(packages) ? describe : describe.skip

const examples = (): readonly [string, unknown][] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => [name, JSON.parse(readFileSync(join(folder, name), 'utf8'))])

withCorpus('BaRS examples (skipped without ../shared)', () => {
  test('base R4: only faults of the examples themselves', () => {
    const found = examples().flatMap(([, resource]) => errors(resource))
    const kinds = [...new Set(found.map((issue) => issue.replace(/\[\d+\]/g, '')))].sort()
    expect(kinds).toEqual([
      // a status of no code system of FHIR's
      'code-invalid Bundle.entry.resource.clinicalStatus',
      // performers that the message does not hold
      'not-found Bundle.entry.resource.activity.detail.performer.reference',
      // a trailing space
      'value Bundle.entry.resource.serviceCategory.coding.system',
    ])
  })

  test('UK Core and BaRS packages load, and every profile in them has its elements', () => {
    const names = ['fhir.r4.ukcore.stu1-0.5.1.tgz', 'uk.nhsdigital.bars.r4-1.34.0.tgz']
    const resources = names.flatMap((name) => [...readPackage(readFileSync(join(packages, name)))])
    const all = definitions.with(resources)
    const structures = resources.filter(
      (resource) => (resource as { resourceType: string }).resourceType === 'StructureDefinition',
    ) as readonly { url: string }[]
    expect(structures.length).toBeGreaterThan(100)
    expect(structures.filter(({ url }) => all.tree(url) === undefined)).toEqual([])
    const validator = createValidator(all)
    const valid = examples().filter(([, resource]) => errorsOf(validator.validate(resource)).length === 0)
    expect(valid.length / examples().length).toBeGreaterThan(0.75)
  })
})

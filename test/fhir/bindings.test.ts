/** FHIR R4 terminologies.html#strength: required bindings, and what cannot be known offline. */
import { describe, expect, test } from '@jest/globals'
import { createDefinitions } from '../../src/fhir/definitions.js'
import { expandValueSet } from '../../src/fhir/value-sets.js'
import { errors, pack, placeOf, validator } from './support.js'

describe('required bindings', () => {
  test.each<[string, object, readonly string[]]>([
    ['code in the set', { resourceType: 'Patient', gender: 'other' }, []],
    ['code outside it', { resourceType: 'Patient', gender: 'Other' }, ['code-invalid Patient.gender']],
    [
      'code of a data type',
      { resourceType: 'Patient', name: [{ use: 'work', text: 'a' }] },
      ['code-invalid Patient.name[0].use'],
    ],
    [
      'currency by its form (ISO 4217)',
      {
        resourceType: 'ChargeItem',
        status: 'billed',
        code: { text: 'a' },
        subject: { display: 'a' },
        priceOverride: { value: 1, currency: 'pounds' },
      },
      ['code-invalid ChargeItem.priceOverride.currency'],
    ],
    [
      'media type by its form (RFC 6838)',
      { resourceType: 'Binary', contentType: 'plain text' },
      ['code-invalid Binary.contentType'],
    ],
    ['media type with parameters', { resourceType: 'Binary', contentType: 'text/plain; charset=utf-8' }, []],
    ['language by its form (RFC 5646)', { resourceType: 'Patient', language: 'en-GB' }, []],
    [
      'language that is none',
      { resourceType: 'Patient', language: 'English!' },
      ['code-invalid Patient.language'],
    ],
  ])('%s', (_name, resource, issues) => {
    expect(errors(resource)).toEqual(issues)
  })

  const condition = (clinicalStatus: object) => ({
    resourceType: 'Condition',
    subject: { display: 'a' },
    clinicalStatus,
  })
  const SYSTEM = 'http://terminology.hl7.org/CodeSystem/condition-clinical'
  test.each<[string, object, readonly string[]]>([
    [
      'one coding of the set is enough',
      {
        coding: [
          { system: 'http://x', code: 'y' },
          { system: SYSTEM, code: 'active' },
        ],
      },
      [],
    ],
    [
      'no coding of the set',
      { coding: [{ system: SYSTEM, code: 'Active' }] },
      ['code-invalid Condition.clinicalStatus'],
    ],
    ['right code, no system', { coding: [{ code: 'active' }] }, ['code-invalid Condition.clinicalStatus']],
    ['text alone', { text: 'active' }, ['code-invalid Condition.clinicalStatus']],
  ])('CodeableConcept: %s', (_name, concept, issues) => {
    expect(errors(condition(concept))).toEqual(issues)
  })

  test('a concept outside the maximum value set is a warning: countries bind their own', () => {
    const language = { coding: [{ system: 'http://example.org/languages', code: 'cy' }] }
    const issues = validator.validate({ resourceType: 'Patient', communication: [{ language }] })
    expect(issues.map((issue) => `${issue.severity} ${placeOf(issue)}`)).toEqual([
      'warning code-invalid Patient.communication[0].language',
    ])
  })
})

describe('expansion', () => {
  const codeSystem = {
    resourceType: 'CodeSystem',
    url: 'http://example.org/cs',
    content: 'complete',
    concept: [
      { code: 'a', concept: [{ code: 'b' }, { code: 'c', concept: [{ code: 'd' }] }] },
      { code: 'e' },
    ],
  }
  const membersOf = (compose: object): string => {
    const valueSet = { resourceType: 'ValueSet', url: 'http://example.org/vs', compose }
    const other = {
      resourceType: 'ValueSet',
      url: 'http://example.org/other',
      compose: { include: [{ system: 'http://example.org/cs', concept: [{ code: 'c' }, { code: 'e' }] }] },
    }
    const codes = expandValueSet(
      'http://example.org/vs',
      createDefinitions(pack, [codeSystem, valueSet, other]),
    )
    return [...'abcde'].filter((code) => codes?.hasCoding('http://example.org/cs', code) === 'in').join('')
  }
  const system = 'http://example.org/cs'

  test.each<[string, object, string]>([
    ['whole system', { include: [{ system }] }, 'abcde'],
    ['listed concepts', { include: [{ system, concept: [{ code: 'a' }, { code: 'x' }] }] }, 'a'],
    ['is-a', { include: [{ system, filter: [{ property: 'concept', op: 'is-a', value: 'c' }] }] }, 'cd'],
    [
      'descendent-of',
      { include: [{ system, filter: [{ property: 'concept', op: 'descendent-of', value: 'a' }] }] },
      'bcd',
    ],
    [
      'is-not-a',
      { include: [{ system, filter: [{ property: 'concept', op: 'is-not-a', value: 'c' }] }] },
      'abe',
    ],
    [
      'two filters narrow each other',
      {
        include: [
          {
            system,
            filter: [
              { property: 'concept', op: 'is-a', value: 'a' },
              { property: 'concept', op: 'is-not-a', value: 'c' },
            ],
          },
        ],
      },
      'ab',
    ],
    [
      'two includes add up',
      {
        include: [
          { system, concept: [{ code: 'a' }] },
          { system, concept: [{ code: 'e' }] },
        ],
      },
      'ae',
    ],
    ['exclude', { include: [{ system }], exclude: [{ system, concept: [{ code: 'b' }] }] }, 'acde'],
    ['another value set', { include: [{ valueSet: ['http://example.org/other'] }] }, 'ce'],
    [
      'system and value set meet',
      {
        include: [
          {
            system,
            filter: [{ property: 'concept', op: 'is-a', value: 'c' }],
            valueSet: ['http://example.org/other'],
          },
        ],
      },
      'c',
    ],
  ])('%s', (_name, compose, members) => {
    expect(membersOf(compose)).toBe(members)
  })

  test('a system that is not here leaves the answer open', () => {
    const valueSet = {
      resourceType: 'ValueSet',
      url: 'http://example.org/v',
      compose: { include: [{ system: 'http://snomed.info/sct' }] },
    }
    const codes = createDefinitions(pack, [valueSet]).codes('http://example.org/v')
    expect(codes?.hasCoding('http://snomed.info/sct', '73211009')).toBe('unknown')
    expect(codes?.hasCoding('http://loinc.org', 'x')).toBe('out')
  })

  test('value sets that include each other come to an end', () => {
    const loop = (name: string, other: string) => ({
      resourceType: 'ValueSet',
      url: `http://example.org/${name}`,
      compose: { include: [{ valueSet: [`http://example.org/${other}`] }] },
    })
    const codes = createDefinitions(pack, [loop('a', 'b'), loop('b', 'a')]).codes('http://example.org/a')
    expect(codes?.hasCode('x')).toBe('unknown')
  })
})

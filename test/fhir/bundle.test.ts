/** FHIR R4 bundle.html: bdl-1 to bdl-12, identity of entries, references that a message or document must hold. */
import { describe, expect, test } from '@jest/globals'
import { errors, placeOf, validator } from './support.js'

const A = 'urn:uuid:5c3a1f0e-0b57-4a55-9f1d-000000000001'
const B = 'urn:uuid:5c3a1f0e-0b57-4a55-9f1d-000000000002'
const header = {
  resourceType: 'MessageHeader',
  eventUri: 'urn:x',
  source: { endpoint: 'urn:y' },
  focus: [{ reference: B }],
}
const patient = { resourceType: 'Patient', active: true }
const message = (...entry: object[]) => ({ resourceType: 'Bundle', type: 'message', entry })
const HEADER = { fullUrl: A, resource: header }
const PATIENT = { fullUrl: B, resource: patient }

describe('bundle', () => {
  test.each<[string, object, readonly string[]]>([
    ['a message', message(HEADER, PATIENT), []],
    ['no header first (bdl-12)', message(PATIENT, HEADER), ['invariant Bundle']],
    ['empty message (bdl-12)', { resourceType: 'Bundle', type: 'message' }, ['invariant Bundle']],
    ['the same fullUrl twice (bdl-7)', message(HEADER, PATIENT, PATIENT), ['invariant Bundle']],
    ['no fullUrl', message(HEADER, PATIENT, { resource: patient }), ['required Bundle.entry[2]']],
    [
      'relative fullUrl',
      message(HEADER, PATIENT, { fullUrl: 'Patient/1', resource: patient }),
      ['value Bundle.entry[2].fullUrl'],
    ],
    [
      'versioned fullUrl (bdl-8)',
      message(HEADER, PATIENT, { fullUrl: 'http://x/Patient/1/_history/1', resource: patient }),
      ['invariant Bundle.entry[2]'],
    ],
    [
      'fullUrl and id that disagree',
      message(HEADER, PATIENT, { fullUrl: 'http://x/Patient/1', resource: { ...patient, id: '2' } }),
      ['value Bundle.entry[2].fullUrl'],
    ],
    [
      'a urn that is not in the message',
      message(HEADER),
      ['not-found Bundle.entry[0].resource.focus[0].reference'],
    ],
    [
      'wrong type of the entry referred to',
      message({ fullUrl: A, resource: { ...header, focus: [], sender: { reference: B } } }, PATIENT),
      ['structure Bundle.entry[0].resource.focus', 'structure Bundle.entry[0].resource.sender'],
    ],
    [
      'empty entry (bdl-5, ele-1)',
      message(HEADER, PATIENT, {}),
      ['invariant Bundle.entry[2]', 'invariant Bundle.entry[2]'],
    ],
    ['total in a message (bdl-1)', { ...message(HEADER, PATIENT), total: 2 }, ['invariant Bundle']],
    [
      'search in a message (bdl-2)',
      message(HEADER, { ...PATIENT, search: { mode: 'match' } }),
      ['invariant Bundle'],
    ],
    [
      'request in a message (bdl-3)',
      message(HEADER, { ...PATIENT, request: { method: 'GET', url: 'x' } }),
      ['invariant Bundle'],
    ],
    [
      'transaction without request (bdl-3)',
      { resourceType: 'Bundle', type: 'transaction', entry: [PATIENT] },
      ['invariant Bundle'],
    ],
    [
      'transaction without fullUrl',
      {
        resourceType: 'Bundle',
        type: 'transaction',
        entry: [{ resource: patient, request: { method: 'POST', url: 'Patient' } }],
      },
      [],
    ],
    [
      'document (bdl-9, bdl-10, bdl-11)',
      { resourceType: 'Bundle', type: 'document', entry: [PATIENT] },
      ['invariant Bundle', 'invariant Bundle', 'invariant Bundle'],
    ],
    [
      'resource errors by their place',
      message(HEADER, { fullUrl: B, resource: { ...patient, birthDate: 'x' } }),
      ['value Bundle.entry[1].resource.birthDate'],
    ],
    [
      'unknown resource type inside',
      message(HEADER, { fullUrl: B, resource: { resourceType: 'Pateint' } }),
      ['not-supported Bundle.entry[1].resource'],
    ],
  ])('%s', (_name, bundle, issues) => {
    expect([...errors(bundle)].sort()).toEqual([...issues].sort())
  })

  test('a server URL that is not in the message may be fetched: a warning', () => {
    const resource = { ...patient, managingOrganization: { reference: 'Organization/1' } }
    const issues = validator.validate(message(HEADER, { fullUrl: B, resource }))
    expect(issues.map((issue) => `${issue.severity} ${placeOf(issue)}`)).toEqual([
      'warning not-found Bundle.entry[1].resource.managingOrganization.reference',
    ])
  })

  test('a relative reference starts from the base of its own entry', () => {
    const base = 'http://example.org/fhir'
    const entry = [
      {
        fullUrl: `${base}/Patient/1`,
        resource: { ...patient, id: '1', managingOrganization: { reference: 'Organization/2' } },
      },
      { fullUrl: `${base}/Organization/2`, resource: { resourceType: 'Organization', id: '2', name: 'a' } },
    ]
    const first = { ...HEADER, resource: { ...header, focus: [{ reference: `${base}/Patient/1` }] } }
    expect(validator.validate(message(first, ...entry))).toEqual([])
  })
})

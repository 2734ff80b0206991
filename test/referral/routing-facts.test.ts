import { describe, expect, test } from '@jest/globals'
import type { Address, FhirResource, ServiceRequest } from 'fhir/r4.js'
import { factsOf } from '../../src/referral/routing-facts.js'
import { instantOf } from '../../src/terms/instant.js'

const NOW = instantOf(new Date('2026-11-21T09:30:00Z'))
const request = (more: Partial<ServiceRequest> = {}): ServiceRequest => ({
  resourceType: 'ServiceRequest',
  id: 'r',
  status: 'active',
  intent: 'order',
  subject: { reference: 'Patient/p' },
  ...more,
})
const livingAt = (address: Address[]): FhirResource => ({ resourceType: 'Patient', id: 'p', address })

describe('factsOf', () => {
  test('nothing said, nothing known', () => {
    expect(factsOf([request()], NOW)).toEqual({
      codes: [],
      named: { identifiers: [], names: [] },
      excluded: [],
    })
  })

  test('codes, the strongest evidence first; a concept in words only is compared by its words', () => {
    const resources: FhirResource[] = [
      {
        resourceType: 'Condition',
        id: 'c',
        subject: { reference: 'Patient/p' },
        code: { coding: [{ system: 'http://snomed.info/sct', code: '217082002' }], text: 'Fall' },
      },
      request({
        category: [{ coding: [{ code: 'MED' }] }],
        code: { text: 'Home nursing' },
        reasonCode: [{ coding: [{ code: 'FALL' }, { display: 'no code' }] }],
      }),
    ]
    expect(factsOf(resources, NOW).codes).toEqual([
      { code: 'Home nursing', from: 'code' },
      { code: 'FALL', from: 'reason' },
      { system: 'http://snomed.info/sct', code: '217082002', from: 'condition' },
      { code: 'MED', from: 'category' },
    ])
  })

  test.each([
    ['clinicalStatus', 'active', 1],
    ['clinicalStatus', 'resolved', 0],
    ['clinicalStatus', 'inactive', 0],
    ['verificationStatus', 'provisional', 1],
    ['verificationStatus', 'refuted', 0],
    ['verificationStatus', 'entered-in-error', 0],
  ])('a condition with %s %s gives %d codes', (element, status, count) => {
    const condition: FhirResource = {
      resourceType: 'Condition',
      id: 'c',
      subject: { reference: 'Patient/p' },
      code: { coding: [{ code: '1' }] },
      [element]: { coding: [{ code: status }] },
    }
    expect(factsOf([request(), condition], NOW).codes).toHaveLength(count)
  })

  test('a performer is followed through its role to every name and identifier', () => {
    const resources: FhirResource[] = [
      request({
        performer: [
          { reference: 'urn:uuid:role', display: 'The team' },
          { identifier: { system: 'urn:dir', value: '9' } },
          { reference: 'HealthcareService/hs' },
        ],
      }),
      {
        resourceType: 'PractitionerRole',
        id: 'role',
        identifier: [{ value: 'ROLE' }],
        practitioner: { reference: 'Practitioner/who' },
        organization: { reference: 'Organization/org' },
      },
      {
        resourceType: 'Practitioner',
        id: 'who',
        name: [{ family: 'Urgent response' }],
        identifier: [{ value: 'UR' }],
      },
      { resourceType: 'Organization', id: 'org', name: 'The Trust' },
      { resourceType: 'Organization', id: 'who', name: 'Same id, another type' },
      { resourceType: 'HealthcareService', id: 'hs', name: 'The service' },
    ]
    expect(factsOf(resources, NOW).named).toEqual({
      identifiers: [{ value: 'ROLE' }, { value: 'UR' }, { system: 'urn:dir', value: '9' }],
      names: ['The team', 'Urgent response', 'The Trust', 'The service'],
    })
  })

  test('roles that point at each other end', () => {
    const resources: FhirResource[] = [
      request({ performer: [{ reference: 'PractitionerRole/a' }] }),
      { resourceType: 'PractitionerRole', id: 'a', practitioner: { reference: 'PractitionerRole/a' } },
    ]
    expect(factsOf(resources, NOW).named).toEqual({ identifiers: [], names: [] })
  })

  test.each<[string, Address[], string | undefined]>([
    ['the only one', [{ postalCode: 'LE2 2BB' }], 'LE2 2BB'],
    [
      'home before work',
      [
        { use: 'work', postalCode: 'W' },
        { use: 'home', postalCode: 'H' },
      ],
      'H',
    ],
    [
      'a stay before home',
      [
        { use: 'home', postalCode: 'H' },
        { use: 'temp', postalCode: 'T' },
      ],
      'T',
    ],
    [
      'a stay that is over',
      [
        { use: 'home', postalCode: 'H' },
        { use: 'temp', postalCode: 'T', period: { end: '2026-11-20' } },
      ],
      'H',
    ],
    [
      'a stay that ends today',
      [
        { use: 'home', postalCode: 'H' },
        { use: 'temp', postalCode: 'T', period: { end: '2026-11-21' } },
      ],
      'T',
    ],
    [
      'a stay that ends this month',
      [
        { use: 'home', postalCode: 'H' },
        { use: 'temp', postalCode: 'T', period: { end: '2026-11' } },
      ],
      'T',
    ],
    [
      'a stay to come',
      [
        { use: 'home', postalCode: 'H' },
        { use: 'temp', postalCode: 'T', period: { start: '2026-12' } },
      ],
      'H',
    ],
    [
      'never an old or a billing address',
      [
        { use: 'old', postalCode: 'O' },
        { use: 'billing', postalCode: 'B' },
      ],
      undefined,
    ],
    [
      'an address without a postcode',
      [
        { use: 'home', city: 'X' },
        { use: 'work', postalCode: 'W' },
      ],
      'W',
    ],
  ])('postcode: %s', (_name, addresses, expected) => {
    expect(factsOf([request(), livingAt(addresses)], NOW).postcode).toBe(expected)
  })

  test('postcode: the place of the incident comes first', () => {
    const resources: FhirResource[] = [
      request({ locationReference: [{ reference: 'Location/scene' }] }),
      livingAt([{ use: 'home', postalCode: 'H' }]),
      { resourceType: 'Location', id: 'scene', address: { postalCode: 'SCENE' } },
    ]
    expect(factsOf(resources, NOW).postcode).toBe('SCENE')
  })

  test('date of birth as precise as it is, priority, and the services already asked', () => {
    const resources: FhirResource[] = [
      request({ priority: 'urgent' }),
      { resourceType: 'Patient', id: 'p', birthDate: '1941-03' },
    ]
    expect(factsOf(resources, NOW, ['ucr'])).toMatchObject({
      birthDate: '1941-03',
      priority: 'urgent',
      excluded: ['ucr'],
    })
  })
})

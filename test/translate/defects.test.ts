/** Defects known from other HL7 v2 to FHIR converters (mapping specification, pitfalls 1 to 14): none of them here. */
import { describe, expect, test } from '@jest/globals'
import { isError } from '../../src/terms/issue.js'
import { LONDON, PLAIN, translate, validator, valueAt } from './support.js'

const msh = (type: string, version = '2.4'): string =>
  `MSH|^~\\&|PAS|RWE01|SPOA|LLR|20260610120000||${type}|M-1|P|${version}`
const PID = 'PID|1||9990000026^^^NHS^NH||Harrow^Nadia||19900215|F'
const resources = (lines: readonly string[], type: string): unknown[] =>
  (translate(lines).bundle?.entry ?? [])
    .map(({ resource }) => resource)
    .filter((r) => r?.resourceType === type)

describe('orders', () => {
  test('1: a request to cancel leaves the order active and is put on the task', () => {
    const result = translate([msh('ORM^O01'), PID, 'ORC|CA|P1^EPR', 'OBR|1|P1^EPR||X^Y^L'])
    expect(valueAt(result, 'ServiceRequest.status')).toBe('active')
    expect(valueAt(result, 'Task.status')).toBe('cancelled')
    expect(result.action).toBe('cancel')
  })

  test('1: a new order is active', () => {
    const result = translate([msh('ORM^O01'), PID, 'ORC|NW|P1^EPR', 'OBR|1|P1^EPR||X^Y^L'])
    expect(valueAt(result, 'ServiceRequest.status')).toBe('active')
  })

  test('2: numbers in both ORC and OBR are kept once', () => {
    const result = translate([msh('ORM^O01'), PID, 'ORC|NW|P1^EPR|F1^LAB', 'OBR|1|P1^EPR|F1^LAB|X^Y^L'])
    expect(valueAt(result, 'ServiceRequest.identifier')).toHaveLength(2)
  })

  test('2: numbers in ORC alone are kept', () => {
    const result = translate([msh('ORM^O01'), PID, 'ORC|NW|P1^EPR|F1^LAB', 'OBR|1|||X^Y^L'])
    expect(valueAt(result, 'ServiceRequest.identifier[1].value')).toBe('F1')
  })
})

describe('contact points', () => {
  test('3: a cellular telephone is a phone with the use mobile', () => {
    const result = translate([msh('ADT^A28'), `${PID}|||||07700900123^^CP`])
    expect(valueAt(result, 'Patient.telecom[0]')).toEqual({
      system: 'phone',
      value: '07700900123',
      use: 'mobile',
    })
  })
})

describe('referrals', () => {
  const RF1 = 'RF1|A|R||||R-1^PAS|20260610'

  test('7: roles RP, RT, PP and CP go where they belong, RF1 or not', () => {
    const providers = ['RP', 'RT', 'PP', 'CP'].map((role) => `PRD|${role}|Name${role}`)
    const result = translate([msh('REF^I12'), ...providers, PID])
    const roles = (result.bundle?.entry ?? []).filter(
      ({ resource }) => resource?.resourceType === 'PractitionerRole',
    )
    const url = (n: number): unknown => roles[n]?.fullUrl
    expect(valueAt(result, 'ServiceRequest.requester.reference')).toBe(url(0))
    expect(valueAt(result, 'ServiceRequest.performer')).toEqual([
      { reference: url(1) },
      { reference: url(3) },
    ])
    expect(valueAt(result, 'Patient.generalPractitioner')).toEqual([{ reference: url(2) }])
  })

  test('8: no note stands twice', () => {
    const lines = [msh('REF^I12'), RF1, PID, 'OBR|1|||L^Lab^L', 'OBX|1|ST|A^B^L||ok', 'NTE|1||once']
    const text = JSON.stringify(translate(lines).bundle)
    expect(text.split('"once"')).toHaveLength(2)
  })

  test('9: an edited name keeps the number of the referral, MSH-10 is never in it', () => {
    const first = translate([msh('REF^I12'), RF1, PID])
    const second = translate([msh('REF^I13'), RF1, PID.replace('Nadia', 'Nadja')])
    expect(valueAt(first, 'ServiceRequest.identifier')).toEqual(valueAt(second, 'ServiceRequest.identifier'))
    expect(JSON.stringify(valueAt(first, 'ServiceRequest'))).not.toContain('M-1')
  })

  test('10: telephone numbers of version 2.3 and of 2.8 both arrive', () => {
    const old = translate([msh('ADT^A28', '2.3'), `${PID}|||||01160000000`])
    const parts = translate([msh('ADT^A28', '2.8'), `${PID}|||||^PRN^PH^^44^116^0000000`])
    expect(valueAt(old, 'Patient.telecom[0].value')).toBe('01160000000')
    expect(valueAt(parts, 'Patient.telecom[0].value')).toBe('+44 116 0000000')
  })

  test.each(['REF^I12^REF_I12', 'REF^I14^REF_I14', 'REF^I13'])(
    '11: the event counts, not the structure: %s',
    (type) => {
      expect(translate([msh(type), RF1, PID])).toMatchObject({ ok: true, mapping: 'referral' })
    },
  )

  test('13: a file is a document, never inline in the task', () => {
    const file = 'OBX|1|ED|PDF^Letter^L||^AP^PDF^Base64^JVBERi0xLjQ='
    const result = translate([msh('REF^I12'), RF1, PID, file])
    expect(valueAt(result, 'DocumentReference.content[0].attachment')).toMatchObject({
      contentType: 'application/pdf',
      data: 'JVBERi0xLjQ=',
    })
    expect(JSON.stringify(valueAt(result, 'Task'))).not.toContain('JVBERi')
    expect(valueAt(result, 'Observation')).toBeUndefined()
  })

  test('14: an impossible date costs the element, not the message', () => {
    const result = translate([msh('REF^I12'), RF1, PID.replace('19900215', '19761325')])
    expect(result.ok).toBe(true)
    expect(valueAt(result, 'Patient.birthDate')).toBeUndefined()
    expect(result.ledger?.dropped).toContainEqual({ path: 'PID-7', reason: 'value-invalid' })
  })

  test('a requester is never lost between RF1 and PRD', () => {
    const result = translate([msh('REF^I12', '2.8'), `${RF1}`, 'PRD|RP|Okoro^Ben', PID])
    expect(valueAt(result, 'ServiceRequest.requester')).toBeDefined()
  })

  test('an absent priority is not made routine', () => {
    const result = translate([msh('REF^I12'), 'RF1|A|||||R-1^PAS|20260610', PID])
    expect(valueAt(result, 'ServiceRequest.priority')).toBeUndefined()
    expect(result.issues.map(({ where }) => where)).toContain('RF1-2')
  })

  test('no PID, an empty PID and two PID are refused, each with its reason', () => {
    const codes = [[], ['PID|1'], [PID, PID]].map((pids) =>
      translate([msh('REF^I12'), RF1, ...pids])
        .issues.filter(isError)
        .map(({ code }) => code),
    )
    expect(codes).toEqual([['required-missing'], ['required-missing'], ['patient-ambiguous']])
  })
})

describe('no resource without evidence', () => {
  test.each([
    ['PV1|1', 'Encounter'],
    ['NK1|1', 'RelatedPerson'],
    ['AL1|1', 'AllergyIntolerance'],
    ['DG1|1', 'Condition'],
    ['OBX|1', 'Observation'],
    ['IN1|1', 'Coverage'],
    ['GT1|1', 'RelatedPerson'],
    ['PR1|1', 'Procedure'],
    ['PRD|', 'PractitionerRole'],
  ])('%s makes no %s', (segment, type) => {
    expect(resources([msh('REF^I12'), PID, segment], type)).toEqual([])
  })
})

describe('nothing English in the base mappings', () => {
  test('without the overlay an NHS authority is just a namespace of the sender', () => {
    const result = translate([msh('ADT^A28'), PID], PLAIN)
    expect(valueAt(result, 'Patient.identifier[0].system')).toBe('https://onedoor.dev/fhir/id/sender-a/NHS')
    expect(JSON.stringify(result.bundle)).not.toContain('nhs.uk')
  })

  test.each([
    ['1', 'male'],
    ['2', 'female'],
    ['9', 'unknown'],
    ['0', 'unknown'],
    ['X', 'unknown'],
    ['M', 'male'],
    ['F', 'female'],
    ['U', 'unknown'],
    ['N', 'other'],
  ])('both sets of sex codes: %s is %s', (code, gender) => {
    expect(valueAt(translate([msh('ADT^A28'), PID.replace('|F', `|${code}`)]), 'Patient.gender')).toBe(gender)
  })
})

test('a second patient in a general message is a second resource, with his own results', () => {
  const result = translate([
    msh('ORU^R01'),
    PID,
    'OBR|1|||A^B^L',
    'OBX|1|ST|A^B^L||first',
    'PID|2||X2^^^PAS||Two',
    'OBR|1|||A^B^L',
    'OBX|1|ST|A^B^L||second',
  ])
  const patients = (result.bundle?.entry ?? []).filter(({ resource }) => resource?.resourceType === 'Patient')
  expect(valueAt(result, 'Observation[1].subject.reference')).toBe(patients[1]?.fullUrl)
  expect(valueAt(result, 'DiagnosticReport[1].result')).toHaveLength(1)
  expect(validator.validate(result.bundle).filter(isError)).toEqual([])
})

test('the sender decides the zone', () => {
  const there = translate([msh('REF^I12'), PID], { ...LONDON, timeZone: 'America/New_York' })
  expect(valueAt(there, 'Bundle.timestamp')).toBe('2026-06-10T12:00:00-04:00')
  expect(there.issues).toContainEqual(expect.objectContaining({ severity: 'information', where: 'MSH-7' }))
})

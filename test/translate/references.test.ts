/** A reference reaches what was made in its own group or around it, never what belongs to the group beside it. */
import { describe, expect, test } from '@jest/globals'
import { fullUrl, translate, valueAt } from './support.js'

const msh = (type: string): string => `MSH|^~\\&|PAS|RWE01|SPOA|LLR|20260610120000||${type}|M-1|P|2.5.1`
const PID = 'PID|1||9990000026^^^NHS^NH||Harrow^Nadia||19900215|F'
const RF1 = 'RF1|A|R||||R-1^PAS|20260610'

describe('a group that lacks something', () => {
  test('a provider without a person is not the person of another provider', () => {
    const result = translate([msh('REF^I12'), RF1, 'PRD|RP|Okoro^Ben', 'PRD|RT|||||||X1^DOS', PID])
    expect(valueAt(result, 'PractitionerRole[0].practitioner.reference')).toBe(
      fullUrl(result, 'Practitioner'),
    )
    expect(valueAt(result, 'PractitionerRole[1].practitioner')).toBeUndefined()
  })

  test('nor in the other order', () => {
    const result = translate([msh('REF^I12'), RF1, 'PRD|RT||||||X1^DOS', 'PRD|RP|Okoro^Ben', PID])
    expect(valueAt(result, 'PractitionerRole[0].practitioner')).toBeUndefined()
  })

  test('a provider without an organisation does not work for that of another', () => {
    const result = translate([
      msh('REF^I12'),
      RF1,
      'PRD|RP|Okoro^Ben||^^^^^^^^Hill Surgery',
      'PRD|RT|Shah^Priya',
      PID,
    ])
    expect(valueAt(result, 'PractitionerRole[1].practitioner.reference')).toBe(
      fullUrl(result, 'Practitioner[1]'),
    )
    expect(valueAt(result, 'PractitionerRole[1].organization')).toBeUndefined()
  })

  test('a cover is not paid by the company of another, nor held by its subscriber', () => {
    const result = translate([
      msh('ADT^A04'),
      PID,
      'IN1|1|A^Plan A|7^^^PAY|Payer One||||||||||||Harrow^Samuel|FTH',
      'IN1|2|B^Plan B||||||||||||||Harrow^Nadia',
      'IN1|3|C^Plan C|9^^^PAY|Payer Three',
    ])
    const covers = (result.bundle?.entry ?? []).filter(
      ({ resource }) => resource?.resourceType === 'Coverage',
    )
    expect(covers).toHaveLength(2)
    expect(valueAt(result, 'Coverage[1].payor[0].reference')).toBe(fullUrl(result, 'Organization[1]'))
    expect(valueAt(result, 'Coverage[1].subscriber')).toBeUndefined()
  })

  test('an order without a diagnosis has not that of the order before it', () => {
    const result = translate([
      msh('OMG^O19'),
      PID,
      'ORC|NW|P1^EPR',
      'OBR|1|P1^EPR||X^Y^L',
      'DG1|1||J44.1^COPD^I10',
      'ORC|NW|P2^EPR',
      'OBR|2|P2^EPR||Z^W^L',
    ])
    expect(valueAt(result, 'ServiceRequest[0].reasonReference')).toHaveLength(1)
    expect(valueAt(result, 'ServiceRequest[1].reasonReference')).toBeUndefined()
  })

  test('a report without results has not those of the report before it', () => {
    const result = translate([
      msh('ORU^R01'),
      PID,
      'OBR|1|||X^Y^L',
      'OBX|1|NM|8867-4^Heart rate^LN||88',
      'OBR|2|||Z^W^L',
    ])
    expect(valueAt(result, 'DiagnosticReport[0].result')).toHaveLength(1)
    expect(valueAt(result, 'DiagnosticReport[1].result')).toBeUndefined()
  })

  test('a patient without a visit has not that of another patient', () => {
    const result = translate([
      msh('ADT^A01'),
      PID,
      'PV1|1|I|Ward 1',
      'AL1|1||Z88.0^Penicillin',
      'PID|2||9990000034^^^NHS^NH||Elm^Tom',
      'AL1|1||Z91.0^Latex',
    ])
    expect(valueAt(result, 'AllergyIntolerance[0].encounter.reference')).toBe(fullUrl(result, 'Encounter'))
    expect(valueAt(result, 'AllergyIntolerance[1].encounter')).toBeUndefined()
  })
})

describe('what stands around the groups', () => {
  test('is shared by all of them', () => {
    const result = translate([
      msh('OMG^O19'),
      PID,
      'PV1|1|O',
      'AL1|1||Z88.0^Penicillin',
      'ORC|NW|P1^EPR',
      'OBR|1|P1^EPR||X^Y^L',
      'ORC|NW|P2^EPR',
      'OBR|2|P2^EPR||Z^W^L',
    ])
    const allergy = { reference: fullUrl(result, 'AllergyIntolerance') }
    for (const n of [0, 1]) {
      expect(valueAt(result, `ServiceRequest[${n}].supportingInfo[0]`)).toEqual(allergy)
      expect(valueAt(result, `ServiceRequest[${n}].encounter.reference`)).toBe(fullUrl(result, 'Encounter'))
    }
  })
})

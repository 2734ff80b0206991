/** Segments around an order or referral whose elements have a place in FHIR, by the mapping specification. */
import { describe, expect, test } from '@jest/globals'
import { isError } from '../../src/terms/issue.js'
import { fullUrl, PLAIN, translate, validator, valueAt } from './support.js'
import type { Translation } from '../../src/translate/translation.js'

const MSH = 'MSH|^~\\&|EPR|HH|SPOA|LLR|20260610120000||OMG^O19|M-1|P|2.5.1'
const PID = 'PID|1||77^^^HH^MR||Ek^Olof'

function order(...lines: string[]): Translation {
  const result = translate([MSH, PID, ...lines], PLAIN)
  expect(validator.validate(result.bundle).filter(isError)).toEqual([])
  return result
}
const fate = (result: Translation, path: string): unknown => result.fates().get(path)?.kind

describe('SPM', () => {
  const result = order(
    'ORC|NW|P1^EPR',
    'OBR|1|P1^EPR||X^Y^L',
    'SPM|1|S1&EPR^S2&LAB|S0|119297000^Blood^SCT|||VP^Venepuncture^HL70488|368208006^Left arm^SCT|||P^Patient^HL70369|5^mL||Taken fasting|||20260610110000^20260610110500|20260610113000',
    'ORC|NW|P2^EPR',
    'OBR|2|P2^EPR||Z^W^L',
  )

  test('becomes a specimen of its own order', () => {
    expect(valueAt(result, 'ServiceRequest[0].specimen')).toEqual([
      { reference: fullUrl(result, 'Specimen') },
    ])
    expect(valueAt(result, 'ServiceRequest[1].specimen')).toBeUndefined()
  })

  test.each([
    ['Specimen.identifier[0].value', 'S1'],
    ['Specimen.identifier[1].value', 'S2'],
    ['Specimen.type.coding[0].code', '119297000'],
    ['Specimen.parent[0].identifier.value', 'S0'],
    ['Specimen.collection.method.coding[0].code', 'VP'],
    ['Specimen.collection.bodySite.coding[0].code', '368208006'],
    ['Specimen.collection.quantity', { value: 5, unit: 'mL' }],
    ['Specimen.collection.collectedPeriod.end', '2026-06-10T11:05:00+01:00'],
    ['Specimen.receivedTime', '2026-06-10T11:30:00+01:00'],
    ['Specimen.note[0].text', 'Taken fasting'],
  ])('%s', (path, value) => {
    expect(valueAt(result, path)).toEqual(value)
  })
})

describe('ORC with its detail', () => {
  test('a number that both say stands once and comes from both', () => {
    const result = order('ORC|NW|P1^EPR|F1^LAB', 'OBR|1|P1^EPR|F1^LAB|X^Y^L')
    expect(valueAt(result, 'ServiceRequest.identifier')).toHaveLength(2)
    expect(['ORC-2.1', 'ORC-3.1', 'OBR-2.1', 'OBR-3.1'].map((path) => fate(result, path))).toEqual(
      Array(4).fill('mapped'),
    )
  })

  test('another number in ORC is carried, never lost', () => {
    const result = order('ORC|NW|P9^EPR', 'OBR|1|P1^EPR||X^Y^L')
    expect(fate(result, 'ORC-2.1')).toBe('carried')
    expect(valueAt(result, 'ServiceRequest.identifier[0].value')).toBe('P1')
  })

  test('quantity, condition and instruction of its timing', () => {
    const result = order(
      'ORC|NW|P1^EPR',
      'OBR|1|P1^EPR||X^Y^L',
      'TQ1|1|2^visits||||||||If in pain|Rest first',
    )
    expect(valueAt(result, 'ServiceRequest.quantityQuantity')).toEqual({ value: 2, unit: 'visits' })
    expect(valueAt(result, 'ServiceRequest.note[0].text')).toBe('If in pain')
    expect(valueAt(result, 'ServiceRequest.patientInstruction')).toBe('Rest first')
  })
})

describe('authorities and authors', () => {
  test('an authority that is no OID stays as sent, with its type', () => {
    const result = order('ORC|NW|P1^EPR^epr.example^DNS', 'OBR|1|P1^EPR^epr.example^DNS||X^Y^L')
    expect(valueAt(result, 'ServiceRequest.identifier[0].assigner')).toEqual({
      identifier: { type: { text: 'DNS' }, value: 'epr.example' },
      display: 'EPR',
    })
  })

  test('an OID is written as a URI', () => {
    const result = order('ORC|NW|P1^EPR^1.2.3^ISO', 'OBR|1|P1^EPR^1.2.3^ISO||X^Y^L')
    expect(valueAt(result, 'ServiceRequest.identifier[0].assigner.identifier')).toEqual({
      system: 'urn:ietf:rfc:3986',
      value: 'urn:oid:1.2.3',
    })
  })

  test('who wrote a note is known by a number where one was sent', () => {
    const result = order('ORC|NW|P1^EPR', 'NTE|1||Call first||D1^Ek^Ola', 'NTE|2||Knock||^Ek^Ola')
    expect(valueAt(result, 'ServiceRequest.note[0].authorReference.identifier.value')).toBe('D1')
    expect(valueAt(result, 'ServiceRequest.note[0].authorString')).toBeUndefined()
    expect(valueAt(result, 'ServiceRequest.note[1].authorString')).toBe('Ola Ek')
  })

  test('the priority of a diagnosis', () => {
    const result = order('ORC|NW|P1^EPR', 'DG1|1||R54^Frailty^I10||||||||||||2')
    expect(valueAt(result, 'Condition.extension[0].valuePositiveInt')).toBe(2)
  })
})

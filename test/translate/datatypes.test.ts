/** What each data type becomes, one row per habit of senders. */
import { describe, expect, test } from '@jest/globals'
import { LONDON, PLAIN, translate, valueAt } from './support.js'
import type { TranslateContext } from '../../src/translate/translation.js'

/** The element at `path` when PID's field `n` is `text`. */
function element(n: number, text: string, path: string, context: TranslateContext = PLAIN): unknown {
  const fields = Array.from({ length: n }, () => '')
  fields[3 - 1] = n === 3 ? '' : 'X1'
  fields[n - 1] = text
  return valueAt(
    translate(['MSH|^~\\&|A|B|||20260610||ADT^A28|M1|P|2.5.1', `PID|${fields.join('|')}`], context),
    path,
  )
}

describe('XPN', () => {
  test.each([
    ['Ek^Olof', { family: 'Ek', given: ['Olof'] }],
    [
      'Ek^Olof^B^Jr^Dr^MD^L',
      { use: 'official', family: 'Ek', given: ['Olof', 'B'], prefix: ['Dr'], suffix: ['Jr', 'MD'] },
    ],
    ['van Ek&van&Ek', { family: 'van Ek' }],
    ['Ek^^^^^^BAD', { use: 'old', family: 'Ek' }],
    ['Ek^^^^^^S', { family: 'Ek' }],
    ['Ek^^^^^^^^^^^20200101^20190101', { family: 'Ek', period: { start: '2020-01-01' } }],
    ['\\X07\\Ek ', { family: 'Ek' }],
  ])('%s', (text, name) => {
    expect(element(5, text, 'Patient.name[0]')).toEqual(name)
  })
})

describe('XAD', () => {
  test.each([
    [
      '1 Lane^Flat 2^Lund^Skane^22350^SWE^H',
      PLAIN,
      {
        use: 'home',
        line: ['1 Lane', 'Flat 2'],
        city: 'Lund',
        state: 'Skane',
        postalCode: '22350',
        country: 'SWE',
      },
    ],
    [
      '1 Lane^^Leicester^Leicestershire^LE2 6TH',
      LONDON,
      { line: ['1 Lane'], city: 'Leicester', district: 'Leicestershire', postalCode: 'LE2 6TH' },
    ],
    ['1 Lane^^Lund^^^^M', PLAIN, { type: 'postal', line: ['1 Lane'], city: 'Lund' }],
  ])('%s', (text, context, address) => {
    expect(element(11, text, 'Patient.address[0]', context)).toEqual(address)
  })
})

describe('XTN', () => {
  test.each([
    ['01160000000', [{ system: 'phone', value: '01160000000', use: 'home' }]],
    ['^WPN^FX^^44^116^0000000', [{ system: 'fax', value: '+44 116 0000000', use: 'work' }]],
    ['^PRN^PH^^^^^^^^^0116 000 0000', [{ system: 'phone', value: '0116 000 0000', use: 'home' }]],
    ['^NET^Internet^a@example.org', [{ system: 'email', value: 'a@example.org', use: 'home' }]],
    ['a@example.org', [{ system: 'email', value: 'a@example.org', use: 'home' }]],
    ['^^^^^^^^call the neighbour', [{ system: 'phone', value: 'call the neighbour', use: 'home' }]],
    [
      '0116^PRN^PH^a@example.org',
      [
        { system: 'phone', value: '0116', use: 'home' },
        { system: 'email', value: 'a@example.org', use: 'home' },
      ],
    ],
    ['^PRN^PH', undefined],
  ])('%s', (text, telecom) => {
    expect(element(13, text, 'Patient.telecom')).toEqual(telecom)
  })
})

describe('CX', () => {
  test.each([
    ['12^^^HOSP&1.2.3&ISO^MR', PLAIN, { system: 'urn:oid:1.2.3', value: '12' }],
    ['12^^^HOSP^MR', PLAIN, { system: 'https://onedoor.dev/fhir/id/sender-a/HOSP', value: '12' }],
    ['12', PLAIN, { value: '12' }],
    ['12^^^https://example.org/ids', PLAIN, { system: 'https://example.org/ids', value: '12' }],
    ['999 000 0018^^^NHS', LONDON, { system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9990000018' }],
    [
      '9990000018^^^&2.16.840.1.113883.2.1.4.1&ISO',
      LONDON,
      { system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9990000018' },
    ],
    ['9990000018^^^^NH', LONDON, { system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9990000018' }],
  ])('%s', (text, context, identifier) => {
    const found = element(3, text, 'Patient.identifier[0]', context) as { system?: string; value?: string }
    expect({ ...(found.system && { system: found.system }), value: found.value }).toEqual(identifier)
  })

  test('a number without its verification status claims none', () => {
    expect(element(3, '9990000018^^^NHS', 'Patient.identifier[0].extension', LONDON)).toBeUndefined()
  })
})

describe('CWE', () => {
  const SYSTEM = 'http://terminology.hl7.org/CodeSystem/v2-0006'
  test.each([
    ['BAP^Baptist^HL70006', { coding: [{ system: SYSTEM, code: 'BAP', display: 'Baptist' }] }],
    ['BAP', { coding: [{ system: SYSTEM, code: 'BAP' }] }],
    ['^Baptist', { text: 'Baptist' }],
    [
      'X^Own^99LOC',
      { coding: [{ system: 'https://onedoor.dev/fhir/codes/sender-a/99LOC', code: 'X', display: 'Own' }] },
    ],
    [
      '1^One^SCT^2^Two^LN^v1^v2^as said',
      {
        coding: [
          { system: 'http://snomed.info/sct', version: 'v1', code: '1', display: 'One' },
          { system: 'http://loinc.org', version: 'v2', code: '2', display: 'Two' },
        ],
        text: 'as said',
      },
    ],
  ])('%s', (text, concept) => {
    expect(element(17, text, 'Patient.extension[0].valueCodeableConcept')).toEqual(concept)
  })
})

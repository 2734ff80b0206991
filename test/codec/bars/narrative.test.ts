/** FHIR in lines of text: every leaf is there, nothing twice, nothing of plumbing. */
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { describe as inLines } from '../../../src/codec/bars/narrative.js'

test.each<[string, unknown, string[]]>([
  [
    'a concept',
    {
      coding: [{ system: 'http://snomed.info/sct', code: '5913000', display: 'Fracture of neck of femur' }],
      text: 'Broken hip',
    },
    ['X.coding: Fracture of neck of femur (http://snomed.info/sct|5913000)', 'X.text: Broken hip'],
  ],
  ['a quantity', { value: 93, unit: '%', system: 'http://unitsofmeasure.org', code: '%' }, ['X: 93 %']],
  ['a comparison', { value: 5, comparator: '<', unit: 'mg' }, ['X: <5 mg']],
  ['a period', { start: '2026-11-20', end: '2026-11-21' }, ['X: from 2026-11-20 to 2026-11-21']],
  ['a named reference', { reference: 'Practitioner/1', display: 'Dr Usual' }, ['X: Dr Usual']],
  ['an unnamed reference', { reference: 'Practitioner/1' }, ['X: the Practitioner']],
  ['a reference of no interest', { reference: 'Patient/1' }, []],
  [
    'a file',
    { contentType: 'text/plain', data: 'aGVsbG8=' },
    ['X.contentType: text/plain', 'X.data: file of 6 bytes, not carried by this message'],
  ],
  [
    'a narrative',
    { status: 'additional', div: '<div>Told <b>twice</b></div>' },
    ['X.status: additional', 'X: Told twice'],
  ],
  ['several', ['a', 'b'], ['X: a', 'X: b']],
  ['false and zero', { given: false, count: 0 }, ['X.given: false', 'X.count: 0']],
  ['nothing', undefined, []],
  ['ids and meta', { id: '1', meta: { versionId: '2' }, note: 'n' }, ['X.note: n']],
])('%s', (_name, value, expected) => {
  const nameOf = (reference: string) => (reference.startsWith('Patient/') ? undefined : 'the Practitioner')
  expect(inLines('X', value, nameOf)).toEqual(expected)
})

test('every leaf is told', () => {
  const leaf = fc.stringMatching(/^[a-z]{6,12}$/)
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom('note', 'text', 'value', 'code', 'display', 'unit', 'start'),
        tie('node'),
      ),
    ),
  })).node
  const leavesOf = (value: unknown): string[] =>
    typeof value === 'string'
      ? [value]
      : typeof value === 'object' && value !== null
        ? Object.values(value).flatMap(leavesOf)
        : []
  fc.assert(
    fc.property(tree, (value) => {
      const text = inLines('X', value).join('\n')
      expect(leavesOf(value).filter((each) => !text.includes(each))).toEqual([])
    }),
  )
})

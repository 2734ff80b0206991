/** Whatever arrives, a validator answers with issues; it never throws and never hangs. */
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { createValidator } from '../../src/fhir/validate.js'
import { definitions, validator } from './support.js'

const TYPES = [
  'Patient',
  'Bundle',
  'Task',
  'ServiceRequest',
  'Questionnaire',
  'StructureDefinition',
  'Observation',
]
const NAMES = fc.constantFrom(
  ...'resourceType id meta profile text div status contained extension url valueString valueReference reference name _name identifier entry resource fullUrl type item linkId value coding code system period start end __proto__ constructor differential element path'.split(
    ' ',
  ),
)
const leaf = fc.oneof(
  fc.constantFrom(
    ...TYPES,
    null,
    '',
    '#',
    '#a',
    '2024-02-30',
    'urn:uuid:x',
    'http://x/Patient/1',
    'message',
    'document',
  ),
  fc.integer(),
  fc.boolean(),
  fc.string(),
)
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'medium' },
    leaf,
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(NAMES, tie('tree'), { maxKeys: 5 }),
  ),
}))

test('any JSON value', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      expect(Array.isArray(validator.validate(value))).toBe(true)
    }),
    { numRuns: 300 },
  )
})

test('anything that looks like a resource', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...TYPES),
      fc.dictionary(NAMES, tree, { maxKeys: 8 }),
      (resourceType, content) => {
        expect(Array.isArray(validator.validate({ ...content, resourceType }))).toBe(true)
      },
    ),
    { numRuns: 1_500 },
  )
})

test('anything offered as a definition', () => {
  const structure = fc.record({
    resourceType: fc.constantFrom('StructureDefinition', 'ValueSet', 'CodeSystem'),
    url: fc.constant('http://example.org/p'),
    type: fc.constantFrom('Patient', 'Extension', 'Nothing'),
    baseDefinition: fc.constantFrom(
      'http://hl7.org/fhir/StructureDefinition/Patient',
      'http://example.org/p',
      'x',
    ),
    derivation: fc.constant('constraint'),
    compose: tree,
    concept: tree,
    differential: fc.oneof(
      tree,
      fc.record({
        element: fc.array(
          fc.dictionary(
            fc.constantFrom(
              'id',
              'path',
              'sliceName',
              'slicing',
              'min',
              'max',
              'type',
              'binding',
              'constraint',
            ),
            tree,
          ),
        ),
      }),
    ),
  })
  fc.assert(
    fc.property(structure, (definition) => {
      const check = () =>
        createValidator(definitions.with([definition])).validate(
          { resourceType: 'Patient', name: [{ text: 'a' }] },
          ['http://example.org/p'],
        )
      expect(check).not.toThrow()
    }),
    { numRuns: 300 },
  )
})

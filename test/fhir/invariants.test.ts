/** Native invariants give the answer of the FHIRPath they replace. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { NATIVE_INVARIANTS } from '../../src/fhir/check/native-invariants.js'
import { Run } from '../../src/fhir/check/run.js'
import { compileFhirPath } from '../../src/fhir/fhirpath.js'
import { errors, pack, validator } from './support.js'

const published = new Map(
  pack.structures.flatMap(({ snapshot, differential }) =>
    (snapshot?.element ?? differential?.element ?? []).flatMap((element) =>
      (element.constraint ?? []).map(
        (constraint) => [constraint.expression ?? '', { element, constraint }] as const,
      ),
    ),
  ),
)

test('every native invariant replaces an expression that R4 publishes', () => {
  expect([...NATIVE_INVARIANTS.keys()].filter((expression) => !published.has(expression))).toEqual([])
})

/** Names an expression reads, given small values, so that both answers come up. */
const WORDS = /\b[a-z][A-Za-z]*\b/g
const OWN = new Set(
  'exists empty or and not implies xor in is first all count where select trace matches contains true false hasValue combine descendants intersect isDistinct toInteger resource rootResource ucum startsWith substring'.split(
    ' ',
  ),
)

/** Rules whose answer differs on purpose, or which need whole resources of the right shape (tables below). */
const COMPARED_ELSEWHERE =
  /htmlChecks|identifier\.|hasValue|contained|%resource|%rootResource|entry|start <= end|lastModified|linkId|matches|coding|where\(|max=|low <= high|abatement|\bis Boolean|duration >= 0|period >= 0/

describe('native and FHIRPath agree', () => {
  const simple = [...NATIVE_INVARIANTS].filter(([expression]) => !COMPARED_ELSEWHERE.test(expression))
  test.each(simple)('%s', (expression, holds) => {
    const found = published.get(expression)
    const base = found?.element.type?.[0]?.code ?? found?.element.path ?? ''
    const path = base === 'BackboneElement' || base === 'Element' ? (found?.element.path ?? '') : base
    const evaluate = compileFhirPath(expression, path)
    const quoted = [...expression.matchAll(/'([a-zA-Z-]+)'/g)].map((match) => match[1] ?? '')
    const names = [...new Set(expression.replace(/'[^']*'/g, '').match(WORDS) ?? [])].filter(
      (name) => !OWN.has(name),
    )
    const node = fc.record(Object.fromEntries(names.map((name) => [name, fc.constantFrom('a', ...quoted)])), {
      // A missing required code is told by its cardinality; FHIRPath then answers neither yes nor no.
      requiredKeys: names.filter((name) => name === 'type'),
    })
    fc.assert(
      fc.property(node, (value) => {
        const resource = { resourceType: path.split('.')[0] ?? '', ...value }
        const run = new Run({ maxDepth: 10, maxIssues: 10 })
        run.resource = resource
        run.rootResource = resource
        const [answer] = evaluate(value, { resource, rootResource: resource })
        expect(holds(value, run)).toBe(answer === true)
      }),
      { numRuns: 40 },
    )
  })
})

const observation = (more: object) => ({ resourceType: 'Observation', status: 'final', code: CODE, ...more })
const MG = { unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' }
const CODE = { coding: [{ system: 'http://loinc.org', code: '85354-9' }] }

describe('rules that need whole resources', () => {
  test.each<[string, object, readonly string[]]>([
    [
      'per-1 holds',
      { resourceType: 'Patient', name: [{ text: 'a', period: { start: '2024-01-01', end: '2024-01-01' } }] },
      [],
    ],
    [
      'per-1 fails',
      { resourceType: 'Patient', name: [{ text: 'a', period: { start: '2024-01-02', end: '2024-01-01' } }] },
      ['invariant Patient.name[0].period'],
    ],
    [
      'per-1, one precise: may hold',
      { resourceType: 'Patient', name: [{ text: 'a', period: { start: '2024-05-03', end: '2024' } }] },
      [],
    ],
    [
      'per-1, one precise: cannot hold',
      { resourceType: 'Patient', name: [{ text: 'a', period: { start: '2025-05-03', end: '2024' } }] },
      ['invariant Patient.name[0].period'],
    ],
    [
      'per-1 over zones',
      {
        resourceType: 'Patient',
        name: [{ text: 'a', period: { start: '2024-01-01T10:00:00Z', end: '2024-01-01T10:30:00+01:00' } }],
      },
      ['invariant Patient.name[0].period'],
    ],
    ['obs-6', observation({ valueString: 'a', dataAbsentReason: { text: 'b' } }), ['invariant Observation']],
    ['obs-7', observation({ valueString: 'a', component: [{ code: CODE }] }), ['invariant Observation']],
    ['obs-7, another code', observation({ valueString: 'a', component: [{ code: { text: 'x' } }] }), []],
    ['pat-1', { resourceType: 'Patient', contact: [{ gender: 'male' }] }, ['invariant Patient.contact[0]']],
    ['org-1', { resourceType: 'Organization', active: true }, ['invariant Organization']],
    [
      'org-3',
      { resourceType: 'Organization', name: 'a', telecom: [{ system: 'phone', value: '1', use: 'home' }] },
      ['invariant Organization.telecom[0]'],
    ],
    ['cpt-2', { resourceType: 'Patient', telecom: [{ value: '1' }] }, ['invariant Patient.telecom[0]']],
    [
      'qty-3',
      observation({ valueQuantity: { value: 1, code: 'mg' } }),
      ['invariant Observation.value.ofType(Quantity)'],
    ],
    ['att-1', { resourceType: 'Patient', photo: [{ data: 'TWFu' }] }, ['invariant Patient.photo[0]']],
    [
      'prr-1',
      {
        resourceType: 'ServiceRequest',
        status: 'active',
        intent: 'order',
        subject: { display: 'a' },
        orderDetail: [{ text: 'b' }],
      },
      ['invariant ServiceRequest'],
    ],
    [
      'Task inv-1',
      {
        resourceType: 'Task',
        status: 'requested',
        intent: 'order',
        authoredOn: '2024-02-01T00:00:00Z',
        lastModified: '2024-01-01T00:00:00Z',
      },
      ['invariant Task'],
    ],
    [
      'tim-1',
      {
        resourceType: 'ServiceRequest',
        status: 'active',
        intent: 'order',
        subject: { display: 'a' },
        occurrenceTiming: { repeat: { duration: 1 } },
      },
      ['invariant ServiceRequest.occurrence.ofType(Timing).repeat'],
    ],
    [
      'tim-4',
      {
        resourceType: 'ServiceRequest',
        status: 'active',
        intent: 'order',
        subject: { display: 'a' },
        occurrenceTiming: { repeat: { duration: -1, durationUnit: 'h' } },
      },
      ['invariant ServiceRequest.occurrence.ofType(Timing).repeat'],
    ],
    [
      'app-3',
      {
        resourceType: 'Appointment',
        status: 'booked',
        participant: [{ status: 'accepted', type: [{ text: 'a' }] }],
      },
      ['invariant Appointment'],
    ],
    [
      'que-2',
      {
        resourceType: 'Questionnaire',
        status: 'active',
        item: [
          { linkId: 'a', type: 'display', text: 'x' },
          { linkId: 'a', type: 'display', text: 'y' },
        ],
      },
      ['invariant Questionnaire'],
    ],
    [
      'con-5',
      {
        resourceType: 'Condition',
        subject: { display: 'a' },
        clinicalStatus: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }],
        },
        verificationStatus: {
          coding: [
            {
              system: 'http://terminology.hl7.org/CodeSystem/condition-ver-status',
              code: 'entered-in-error',
            },
          ],
        },
      },
      ['invariant Condition'],
    ],
    [
      'by FHIRPath: ras-2',
      {
        resourceType: 'RiskAssessment',
        status: 'final',
        subject: { display: 'a' },
        prediction: [{ probabilityDecimal: 101 }],
      },
      ['invariant RiskAssessment.prediction[0]'],
    ],
    [
      'by FHIRPath: csd-1',
      {
        resourceType: 'CodeSystem',
        status: 'active',
        content: 'complete',
        concept: [{ code: 'a' }, { code: 'a' }],
      },
      ['invariant CodeSystem'],
    ],
    [
      'rng-2',
      observation({ valueRange: { low: { value: 2, ...MG }, high: { value: 1, ...MG } } }),
      ['invariant Observation.value.ofType(Range)'],
    ],
  ])('%s', (_name, resource, issues) => {
    expect(errors(resource)).toEqual(issues)
  })
})

test('a rule of severity warning is no error', () => {
  const issues = validator.validate({ resourceType: 'Questionnaire', name: 'no capital', status: 'active' })
  expect(issues.map(({ severity, text }) => [severity, text.slice(0, 10)])).toEqual([
    ['warning', 'Rule que-0'],
  ])
})

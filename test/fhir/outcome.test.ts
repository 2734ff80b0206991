import { expect, test } from '@jest/globals'
import { outcomeOf, outcomeOfFault } from '../../src/fhir/outcome.js'
import { FAULTS, Fault, type FaultCode } from '../../src/terms/fault.js'
import { errors } from './support.js'

test('an issue keeps its place as FHIRPath', () => {
  const where = 'Bundle.entry[2].resource.value.ofType(Quantity)'
  expect(outcomeOf([{ severity: 'error', code: 'value', where, text: 'Found a; expected b.' }])).toEqual({
    resourceType: 'OperationOutcome',
    issue: [
      { severity: 'error', code: 'value', details: { text: 'Found a; expected b.' }, expression: [where] },
    ],
  })
})

test.each(['PID-3.1', 'line 3', 'routing.yaml:12', 'Bundle.entry[x]'])(
  '%s is a place, and no FHIRPath',
  (where) => {
    const [issue] = outcomeOf([{ severity: 'error', code: 'value', where, text: 'x' }]).issue
    expect([issue?.expression, issue?.diagnostics]).toEqual([undefined, where])
  },
)

test('finding nothing is said', () => {
  expect(outcomeOf([]).issue).toEqual([
    { severity: 'information', code: 'informational', details: { text: 'No problem was found.' } },
  ])
})

test('every fault becomes a valid OperationOutcome that carries its code', () => {
  for (const code of Object.keys(FAULTS) as FaultCode[]) {
    const outcome = outcomeOfFault(new Fault(code, 'Found a; expected b.', 'Patient.name'))
    expect(errors(outcome)).toEqual([])
    expect(outcome.issue[0]?.details?.coding?.[0]?.code).toBe(code)
  }
})

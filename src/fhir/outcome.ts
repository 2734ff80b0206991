/** OperationOutcome: how every finding and failure is told over FHIR (operationoutcome.html). */
import type { OperationOutcome, OperationOutcomeIssue } from 'fhir/r4.js'
import type { Fault } from '../terms/fault.js'
import type { Issue } from '../terms/issue.js'

/** Codes of the fault catalogue in `details.coding`, for programs that decide by them. */
export const FAULT_SYSTEM = 'https://onedoor.dev/fhir/CodeSystem/fault'

/** What OperationOutcome.issue.expression may hold: `Bundle.entry[2].resource.value.ofType(Quantity)`. */
const SIMPLE_FHIRPATH = /^[A-Z][A-Za-z]*(\.[A-Za-z]+(\([A-Za-z0-9]+\))?|\[\d+\])*$/

export function outcomeOf(issues: readonly Issue[]): OperationOutcome {
  const issue = issues.map(outcomeIssue)
  // OperationOutcome.issue is 1..*: finding nothing is said, too.
  return { resourceType: 'OperationOutcome', issue: issue.length > 0 ? issue : [NOTHING_FOUND] }
}

export function outcomeOfFault(fault: Fault): OperationOutcome {
  const { code, message, where, meaning } = fault
  const issue = outcomeIssue({ severity: 'error', code: meaning.issue, where, text: message })
  const details = { coding: [{ system: FAULT_SYSTEM, code }], text: message }
  return { resourceType: 'OperationOutcome', issue: [{ ...issue, details }] }
}

const NOTHING_FOUND: OperationOutcomeIssue = {
  severity: 'information',
  code: 'informational',
  details: { text: 'No problem was found.' },
}

function outcomeIssue({ severity, code, where, text }: Issue): OperationOutcomeIssue {
  // Issue.code holds IssueType codes; the type of the FHIR package lists them one by one.
  const issue = { severity, code: code as OperationOutcomeIssue['code'], details: { text } }
  if (where === '') return issue
  // A place in another language (`PID-8`, `line 3`) is no FHIRPath.
  return SIMPLE_FHIRPATH.test(where) ? { ...issue, expression: [where] } : { ...issue, diagnostics: where }
}

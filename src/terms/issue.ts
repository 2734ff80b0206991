/** One finding about a message or resource, as every channel reports it. */

export type Severity = 'fatal' | 'error' | 'warning' | 'information'

export interface Issue {
  readonly severity: Severity
  /** FHIR R4 IssueType, for example `required`, `value`, `invariant`, `code-invalid`. */
  readonly code: string
  /** The place in its own language: `PID-8`, `Patient.birthDate`, `routing.yaml:12`. */
  readonly where: string
  /** What was found, what was expected, what to do. Never patient data. */
  readonly text: string
}

export const isError = (issue: Issue): boolean => issue.severity === 'error' || issue.severity === 'fatal'

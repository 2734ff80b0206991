/** What another system's OperationOutcome says, in words safe to keep. */
import type { OperationOutcomeIssue } from 'fhir/r4.js'

/** The first issue of an OperationOutcome; undefined for any other body. */
export function firstIssue(body: unknown): OperationOutcomeIssue | undefined {
  if (!isResource(body, 'OperationOutcome') || !('issue' in body) || !Array.isArray(body.issue))
    return undefined
  const issue: unknown = body.issue[0]
  // Every member is read as optional below, so a malformed issue does no harm.
  return typeof issue === 'object' && issue !== null ? (issue as OperationOutcomeIssue) : undefined
}

/** ` REC_CONFLICT / conflict: the slot is taken`, or ` without an OperationOutcome`. */
export function issueInWords(issue: OperationOutcomeIssue | undefined): string {
  if (issue === undefined) return ' without an OperationOutcome'
  const code = issue.details?.coding?.[0]?.code
  const text = withoutNumbers(String(issue.diagnostics ?? issue.details?.text ?? '')).slice(0, 300)
  return ` ${[code, issue.code].filter(Boolean).join(' / ')}${text === '' ? '' : `: ${text}`}`
}

/** A receiver should put no patient data into diagnostics; long numbers are the ones that most often slip in. */
const withoutNumbers = (text: string): string => text.replace(/\d[\d -]{7,}\d/g, '[number]').trim()

export const isResource = (body: unknown, type: string): body is { readonly resourceType: string } =>
  typeof body === 'object' && body !== null && 'resourceType' in body && body.resourceType === type

/** Validation from text: reading it is the first check. */
import type { OperationOutcome } from 'fhir/r4.js'
import { isError } from '../terms/issue.js'
import { readJson, type JsonLimits } from './json.js'
import { outcomeOf } from './outcome.js'
import type { Validator } from './validate.js'

export interface Verdict {
  /** No issue of severity error or fatal. */
  readonly valid: boolean
  readonly outcome: OperationOutcome
}

export function validateText(
  validator: Validator,
  text: string,
  profiles: readonly string[] = [],
  limits: JsonLimits = {},
): Verdict {
  const read = readJson(text, limits)
  const issues = read.kind === 'refused' ? [read.issue] : validator.validate(read.value, profiles)
  return { valid: !issues.some(isError), outcome: outcomeOf(issues) }
}

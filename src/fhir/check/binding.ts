/** Required bindings: the code must be one of the value set's (terminologies.html#strength). */
import type { ElementDefinitionBinding } from 'fhir/r4.js'
import type { Definitions } from '../definitions.js'
import type { CodeSet, Membership } from '../value-sets.js'
import { isObject, type Check, type Run } from './run.js'

const MAX_VALUE_SET = 'http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet'

/** undefined: nothing to check, because the binding does not require or the value set is not known here. */
export function bindingCheck(
  binding: ElementDefinitionBinding | undefined,
  definitions: Definitions,
): Check | undefined {
  const canonical = requiredValueSet(binding)
  if (canonical === undefined) return undefined
  const codes = definitions.codes(canonical)
  if (codes === undefined) return undefined
  return (run, value) => {
    if (typeof value === 'string') checkCode(run, value, codes)
    else if (!isObject(value)) return
    else if (value['coding'] !== undefined || !('code' in value || 'system' in value))
      checkConcept(run, value, codes)
    else checkCoding(run, value, codes)
  }
}

/** The maximum value set binds like a required one, whatever the strength beside it. */
function requiredValueSet(binding: ElementDefinitionBinding | undefined): string | undefined {
  if (binding?.strength === 'required') return binding.valueSet
  return binding?.extension?.find((extension) => extension.url === MAX_VALUE_SET)?.valueCanonical
}

/** Membership of whatever a binding can sit on: code, Coding, CodeableConcept or Quantity. */
export function membership(value: unknown, codes: CodeSet): Membership {
  if (typeof value === 'string') return codes.hasCode(value)
  if (!isObject(value)) return 'out'
  if (!Array.isArray(value['coding'])) return codingMembership(value, codes)
  const answers = value['coding'].map((coding) => codingMembership(coding, codes))
  if (answers.includes('in')) return 'in'
  return answers.includes('unknown') ? 'unknown' : 'out'
}

function codingMembership(coding: unknown, codes: CodeSet): Membership {
  if (!isObject(coding) || typeof coding['code'] !== 'string') return 'out'
  const { system, code } = coding
  return typeof system === 'string' ? codes.hasCoding(system, code) : 'out'
}

function checkCode(run: Run, code: string, codes: CodeSet): void {
  if (codes.hasCode(code) === 'out') refuse(run, token(code), codes)
}

function checkCoding(run: Run, coding: Readonly<Record<string, unknown>>, codes: CodeSet): void {
  // A quantity without a unit code says nothing that the set could refuse.
  if (typeof coding['code'] !== 'string') return
  if (codingMembership(coding, codes) === 'out') refuse(run, token(coding['code']), codes)
}

function checkConcept(run: Run, concept: Readonly<Record<string, unknown>>, codes: CodeSet): void {
  // Extensions may stand in for the codings (data absent reason).
  if (concept['coding'] === undefined && concept['extension'] !== undefined) return
  if (membership(concept, codes) === 'out') refuse(run, 'no coding of the set', codes)
}

function refuse(run: Run, found: string, codes: CodeSet): void {
  const { examples, url } = codes
  const list = examples.length > 0 && examples.length < 12 ? ` (${examples.join(', ')})` : ''
  run.error(
    'code-invalid',
    `Found ${found}; expected one of the value set ${url}${list}. Use one of its codes.`,
  )
}

/** Codes may be shown when they look like codes; free text may be about a person. */
export function token(code: string): string {
  return /^[A-Za-z0-9._-]{1,40}$/.test(code) ? `"${code}"` : 'a code that is not a short token'
}

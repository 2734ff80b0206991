/** Required bindings: the code must be one of the value set's (terminologies.html#strength). */
import type { ElementDefinitionBinding } from 'fhir/r4.js'
import type { Severity } from '../../terms/issue.js'
import type { Definitions } from '../definitions.js'
import type { CodeSet, Membership } from '../value-sets.js'
import { isObject, type Check, type JsonObject, type Run, textOf } from './run.js'

const MAX_VALUE_SET = 'http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet'

const ADDITIONAL_BINDINGS = [
  'http://hl7.org/fhir/tools/StructureDefinition/additional-binding',
  'http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition.binding.additional',
]

export function bindingChecks(
  binding: ElementDefinitionBinding | undefined,
  definitions: Definitions,
): readonly Check[] {
  if (binding === undefined) return []
  const further = additionalBindings(binding).map((b) => bindingCheck(b, definitions))
  return [bindingCheck(binding, definitions), ...further].filter((check) => check !== undefined)
}

/** Further value sets the same element must meet, written as an extension in R4. */
function additionalBindings(binding: ElementDefinitionBinding): readonly ElementDefinitionBinding[] {
  return (binding.extension ?? []).flatMap(({ url, extension = [] }) => {
    if (!ADDITIONAL_BINDINGS.includes(url)) return []
    const part = (name: string) => extension.find((x) => x.url === name)
    const valueSet = part('valueSet')?.valueCanonical
    // A binding for some usages only says nothing about the others.
    if (part('purpose')?.valueCode !== 'required' || valueSet === undefined || part('usage') !== undefined)
      return []
    return [{ strength: 'required', valueSet }]
  })
}

/** undefined: nothing to check, because the binding does not require or the value set is not known here. */
function bindingCheck(binding: ElementDefinitionBinding, definitions: Definitions): Check | undefined {
  const isRequired = binding.strength === 'required'
  const canonical = isRequired ? binding.valueSet : maxValueSet(binding)
  if (canonical === undefined) return undefined
  const codes = definitions.codes(canonical)
  if (codes === undefined) return undefined
  return (run, value) => {
    if (typeof value === 'string') {
      if (codes.hasCode(value) === 'out') refuse(run, 'error', token(value), codes)
    } else if (isObject(value)) checkConcept(run, value, codes, isRequired ? 'error' : 'warning')
  }
}

/** A maximum value set limits codes like a required one. Concepts outside it are common where a country binds its
 *  own (spoken languages in UK Core), so for them it warns. */
const maxValueSet = (binding: ElementDefinitionBinding): string | undefined =>
  binding.extension?.find((extension) => extension.url === MAX_VALUE_SET)?.valueCanonical

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

/** A Coding, CodeableConcept or Quantity: one code of the set is enough. */
function checkConcept(run: Run, concept: JsonObject, codes: CodeSet, severity: Severity): void {
  const { coding, code, system } = concept
  const isSimple = coding === undefined && (code !== undefined || system !== undefined)
  // A quantity without a unit code says nothing the set could refuse; extensions may stand in for codings.
  if (isSimple ? typeof code !== 'string' : coding === undefined && isQuantityOrExtended(concept)) return
  if (membership(concept, codes) !== 'out') return
  refuse(run, severity, isSimple ? token(textOf(code)) : 'no coding of the set', codes)
}

const isQuantityOrExtended = (concept: JsonObject): boolean =>
  concept['extension'] !== undefined || concept['value'] !== undefined || concept['unit'] !== undefined

function refuse(run: Run, severity: Severity, found: string, codes: CodeSet): void {
  const { examples, url } = codes
  const list = examples.length > 0 && examples.length < 12 ? ` (${examples.join(', ')})` : ''
  const text = `Found ${found}; expected one of the value set ${url}${list}. Use one of its codes.`
  run.report(severity, 'code-invalid', text)
}

/** Codes may be shown when they look like codes; free text may be about a person. */
export function token(code: string): string {
  return /^[A-Za-z0-9._-]{1,40}$/.test(code) ? `"${code}"` : 'a code that is not a short token'
}

/** `fixed[x]`, `pattern[x]`, `minValue[x]`, `maxValue[x]` and `maxLength` of an element definition. */
import type { ElementDefinition } from 'fhir/r4.js'
import { orderQuantities } from '../fhirpath.js'
import { isObject, type Check, type JsonObject } from './run.js'

/** The value of a choice field of an element definition, whatever its type: `fixedCode`, `patternCoding` ... */
export function choiceField(definition: ElementDefinition, stem: string): unknown {
  for (const [key, value] of Object.entries(definition)) {
    if (key.startsWith(stem) && /^[A-Z]/.test(key.slice(stem.length))) return value
  }
  return undefined
}

/** Same JSON, in any order of properties. */
export function isSame(left: unknown, right: unknown): boolean {
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => isSame(item, right[index]))
  }
  if (isObject(left) && isObject(right)) {
    const keys = Object.keys(left)
    return (
      keys.length === Object.keys(right).length &&
      keys.every((key) => Object.hasOwn(right, key) && isSame(left[key], right[key]))
    )
  }
  return left === right
}

/** Everything the pattern has is in the value; each item of a pattern's array is met by some item of the value's. */
export function matchesPattern(value: unknown, pattern: unknown): boolean {
  if (Array.isArray(pattern)) {
    return (
      Array.isArray(value) && pattern.every((wanted) => value.some((item) => matchesPattern(item, wanted)))
    )
  }
  if (isObject(pattern)) {
    return (
      isObject(value) && Object.entries(pattern).every(([key, wanted]) => matchesPattern(value[key], wanted))
    )
  }
  return value === pattern
}

/** Checks of one stated definition; empty when it fixes nothing. */
export function valueChecks(definition: ElementDefinition): readonly Check[] {
  const checks: Check[] = []
  const fixed = choiceField(definition, 'fixed')
  if (fixed !== undefined) {
    checks.push((run, value) => {
      if (isSame(value, fixed)) return
      run.error(
        'value',
        `The value differs from the fixed one; expected exactly ${shown(fixed)}. Use that value.`,
      )
    })
  }
  const pattern = choiceField(definition, 'pattern')
  if (pattern !== undefined) {
    checks.push((run, value) => {
      if (matchesPattern(value, pattern)) return
      run.error('value', `The value does not contain the required pattern ${shown(pattern)}. Add it.`)
    })
  }
  const { maxLength } = definition
  if (maxLength !== undefined) {
    checks.push((run, value) => {
      if (typeof value !== 'string' || value.length <= maxLength) return
      run.error(
        'too-long',
        `Found ${value.length} characters; expected at most ${maxLength}. Shorten the text.`,
      )
    })
  }
  return [...checks, ...rangeChecks(definition)]
}

function rangeChecks(definition: ElementDefinition): readonly Check[] {
  const checks: Check[] = []
  const min = choiceField(definition, 'minValue')
  if (min !== undefined) {
    checks.push((run, value) => {
      if (order(value, min) !== -1) return
      run.error('value', `The value is below the smallest allowed, ${shown(min)}. Correct it.`)
    })
  }
  const max = choiceField(definition, 'maxValue')
  if (max !== undefined) {
    checks.push((run, value) => {
      if (order(value, max) !== 1) return
      run.error('value', `The value is above the largest allowed, ${shown(max)}. Correct it.`)
    })
  }
  return checks
}

/** -1, 0 or 1; undefined where the two cannot be compared (different units, different kinds). */
export function order(value: unknown, limit: unknown): number | undefined {
  if (typeof value === 'number' && typeof limit === 'number') return Math.sign(value - limit)
  if (typeof value === 'string' && typeof limit === 'string') return orderDates(value, limit)
  if (!isObject(value) || !isObject(limit)) return undefined
  return orderWithUnits(value, limit)
}

const UCUM = 'http://unitsofmeasure.org'
const unitOf = (quantity: JsonObject): unknown => quantity['code'] ?? quantity['unit']

function orderWithUnits(value: JsonObject, limit: JsonObject): number | undefined {
  if (unitOf(value) === unitOf(limit) && value['system'] === limit['system']) {
    return order(value['value'], limit['value'])
  }
  const { value: number, code, system } = limit
  if (system !== UCUM || value['system'] !== UCUM) return undefined
  if (typeof number !== 'number' || typeof code !== 'string') return undefined
  try {
    return orderQuantities(value, { value: number, unit: code })
  } catch {
    return undefined // not a UCUM unit: the two cannot be compared
  }
}

/** Partial dates compare as far as both go (FHIRPath 6.2); times of day and instants as text or time. */
function orderDates(value: string, limit: string): number | undefined {
  if (value.includes('T') && limit.includes('T')) {
    const difference = Date.parse(value) - Date.parse(limit)
    return Number.isNaN(difference) ? undefined : Math.sign(difference)
  }
  const length = Math.min(value.length, limit.length, 10)
  const [left, right] = [value.slice(0, length), limit.slice(0, length)]
  return left === right ? 0 : left < right ? -1 : 1
}

/** A definition's own value may be shown: it comes from the profile, not from the patient. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? ''
  return text.length > 120 ? `${text.slice(0, 120)}...` : text
}

/** How many values a profile allows for an element or slice. */
import type { ElementDefinition } from 'fhir/r4.js'
import type { Run } from './run.js'

export interface Cardinality {
  readonly min: number
  readonly max: number
}

/** undefined where the profile leaves both ends open. */
export function cardinalityOf({ min, max }: ElementDefinition): Cardinality | undefined {
  const upper = typeof max !== 'string' || max === '*' ? Infinity : Number(max)
  const lower = min ?? 0
  return lower === 0 && upper === Infinity ? undefined : { min: lower, max: upper }
}

export function checkCount(
  run: Run,
  step: string,
  count: number,
  { min, max }: Cardinality,
  slice = '',
): void {
  if (count < min) {
    const what = slice === '' ? `"${step}"` : `"${step}" for the slice "${slice}"`
    run.error('required', `Found ${count} of ${what}; expected at least ${min}. Add what is missing.`)
  } else if (count > max) {
    const what = slice === '' ? `"${step}"` : `"${step}" for the slice "${slice}"`
    run.error('structure', `Found ${count} of ${what}; expected at most ${max}. Remove what is too many.`)
  }
}

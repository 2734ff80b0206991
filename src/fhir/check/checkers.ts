/** What a compiled check may ask of the others; `compile.ts` makes them. */
import type { Definitions } from '../definitions.js'
import type { Check } from './run.js'

export interface Checkers {
  readonly definitions: Definitions
  /** Content of a data type (`HumanName`, `date`); for a resource type, any resource by its own resourceType. */
  type(name: string): Check
  /** A resource of exactly this type, without regard to what it says it is. */
  resourceOfType(name: string): Check
  /** What a profile adds to its base type; undefined when the profile is not here. */
  profile(canonical: string): Check | undefined
  /** `_birthDate`: the id and extensions beside a primitive value. */
  readonly besidePrimitive: Check
}

/** Types refer to each other in circles: a check is made when it first runs, not when it is named. */
export function lazily(make: () => Check): Check {
  let made: Check | undefined
  return (run, value) => {
    made ??= make()
    made(run, value)
  }
}

export function inOrder(checks: readonly Check[]): Check {
  const [first, second] = checks
  if (checks.length === 1 && first !== undefined) return first
  if (checks.length === 2 && first !== undefined && second !== undefined) {
    return (run, value) => {
      first(run, value)
      second(run, value)
    }
  }
  return (run, value) => {
    for (const check of checks) check(run, value)
  }
}

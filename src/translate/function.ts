/** What a mapping function is, and the makings of the simple ones. */
import { mappingFault } from './position.js'
import type { Position } from './position.js'
import type { Run } from './run.js'
import type { Table } from './tables.js'
import { textOf, Tracked } from './tracked.js'
import type { Scalar, Value } from './tracked.js'

export interface Argument {
  /** Its text when it is quoted or a bare word. */
  readonly literal: string | undefined
  readonly evaluate: (run: Run) => Value
  /** The same as a condition. */
  readonly holds: (run: Run) => boolean
}

export interface CallSite {
  readonly args: readonly Argument[]
  readonly tables: ReadonlyMap<string, Table>
  readonly at: Position
}

export interface FunctionDefinition {
  /** Fewest and most arguments. */
  readonly args: readonly [number, number]
  /** True when a list is taken as a whole; otherwise each of its values passes by itself. */
  readonly takesLists?: boolean
  /** One line for `docs/mappings.md`. */
  readonly says: string
  compile(site: CallSite): (run: Run, value: Value) => Value
}

/** The same origin under another value; undefined stays undefined. */
export const changed = (value: Value, scalar: Scalar | undefined): Value => {
  if (scalar === undefined) return undefined
  return value instanceof Tracked ? value.as(scalar) : scalar
}

/** A function of text alone. `refuse` says what a text that gives nothing should have been. */
export function ofText(
  says: string,
  change: (text: string) => Scalar | undefined,
  refuse?: string,
): FunctionDefinition {
  return {
    args: [0, 0],
    says,
    compile: () => (run, value) => {
      const text = textOf(value)
      if (text === undefined) return undefined
      const scalar = change(text)
      if (scalar === undefined && refuse !== undefined) refuseValue(run, value, refuse)
      return changed(value, scalar)
    },
  }
}

export function refuseValue(run: Run, value: Value, expected: string): void {
  run.drop(value, 'value-invalid')
  run.warn('value', value, `The value is not ${expected}; the element was left out.`)
}

/** The first argument; compile refuses a call without it. */
export const first = (site: CallSite): Argument => {
  const [argument] = site.args
  if (argument === undefined) throw mappingFault(site.at, 'An argument is missing.')
  return argument
}

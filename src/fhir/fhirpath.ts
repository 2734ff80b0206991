/** The one place that knows the `fhirpath` package: expressions are compiled once, on first use. */
import { createRequire } from 'node:module'
import { isObject } from './check/run.js'

export interface FhirPathContext {
  readonly resource: unknown
  readonly rootResource: unknown
  /** The resource a reference means, if it is within reach. */
  readonly resolve?: (reference: string) => unknown
  readonly conformsTo?: (resource: unknown, profile: string) => boolean
  readonly memberOf?: (value: unknown, valueSet: string) => boolean | undefined
}

/** Evaluates on `value`, which is of type `base` (`Patient`, `HumanName`, `Patient.contact`).
 *  Throws what the engine throws: a wrong expression, or a function it lacks. */
export type FhirPathExpression = (value: unknown, context: FhirPathContext) => readonly unknown[]

type Engine = {
  compile: (
    path: { base: string; expression: string },
    model: unknown,
    options: unknown,
  ) => (data: unknown, environment: Record<string, unknown>) => unknown[]
}

const require = createRequire(import.meta.url)
let loaded: { readonly engine: Engine; readonly model: unknown } | undefined

/** Loading the engine and its model takes about 190 ms: only who meets an expression pays for it. */
function engine(): { readonly engine: Engine; readonly model: unknown } {
  loaded ??= {
    engine: require('fhirpath') as Engine,
    model: require('fhirpath/fhir-context/r4') as unknown,
  }
  return loaded
}

export function compileFhirPath(expression: string, base: string): FhirPathExpression {
  // The table's functions are fixed at compile time and read the evaluation in progress.
  let current: FhirPathContext = { resource: undefined, rootResource: undefined }
  const { engine: fhirpath, model } = engine()
  const compiled = fhirpath.compile({ base, expression }, model, {
    // ref-1 and others contain trace(): its default prints references, which may identify a patient.
    traceFn() {},
    userInvocationTable: {
      resolve: {
        fn: (inputs: readonly unknown[]) => inputs.flatMap((input) => resolved(input, current)),
        arity: { 0: [] },
      },
      conformsTo: {
        fn: (inputs: readonly unknown[], profile: string) =>
          inputs.map((input) => current.conformsTo?.(input, profile) ?? true),
        arity: { 1: ['String'] },
      },
      memberOf: {
        fn: (inputs: readonly unknown[], valueSet: string) =>
          inputs.flatMap((input) => current.memberOf?.(input, valueSet) ?? []),
        arity: { 1: ['String'] },
      },
    },
  })
  return (value, context) => {
    const outer = current
    current = context
    try {
      const { resource, rootResource } = context
      return compiled(value, { resource, rootResource })
    } finally {
      current = outer
    }
  }
}

/** -1, 0 or 1 by UCUM conversion; undefined where the units measure different things. */
export function orderQuantities(
  quantity: unknown,
  limit: { value: number; unit: string },
): number | undefined {
  if (!/^[^'\\\s]{1,60}$/.test(limit.unit)) return undefined
  const literal = `${limit.value} '${limit.unit}'`
  const context = { resource: quantity, rootResource: quantity }
  const holds = (operator: string): unknown =>
    compileFhirPath(`$this ${operator} ${literal}`, 'Quantity')(quantity, context)[0]
  if (holds('<') === true) return -1
  if (holds('>') === true) return 1
  return holds('=') === true ? 0 : undefined
}

function resolved(input: unknown, context: FhirPathContext): unknown[] {
  const reference = isObject(input) ? input['reference'] : input
  if (typeof reference !== 'string') return []
  const found = context.resolve?.(reference)
  return found === undefined ? [] : [found]
}

/** Constraints of element definitions: a native rule where there is one, else the compiled FHIRPath. */
import type { ElementDefinitionConstraint } from 'fhir/r4.js'
import { compileFhirPath, type FhirPathExpression } from '../fhirpath.js'
import type { Checkers } from './checkers.js'
import { membership } from './binding.js'
import { CONTAINED_IS_REFERENCED, containedIsReferenced } from './contained.js'
import { NATIVE_INVARIANTS } from './native-invariants.js'
import type { NativeInvariant } from './rule.js'
import { resolveReference } from './reference.js'
import { isObject, type Check, type Run } from './run.js'

/** Rules that hold for every element and extension and are part of reading them. */
const CHECKED_ELSEWHERE = new Set(['ele-1', 'ext-1'])

/** `base` types the node for FHIRPath: the element's data type, or its path for a backbone element. */
export function invariantChecks(
  constraints: readonly ElementDefinitionConstraint[] | undefined,
  base: string,
  checkers: Checkers,
): readonly Check[] {
  return (constraints ?? []).flatMap((constraint) => {
    const { key, expression } = constraint
    if (expression === undefined || CHECKED_ELSEWHERE.has(key)) return []
    const native =
      expression === CONTAINED_IS_REFERENCED ? containedIsReferenced : NATIVE_INVARIANTS.get(expression)
    return [
      native === undefined
        ? expressionCheck(constraint, expression, base, checkers)
        : nativeCheck(constraint, native),
    ]
  })
}

function nativeCheck(constraint: ElementDefinitionConstraint, holds: NativeInvariant): Check {
  return (run, value) => {
    if (!run.isCut && isObject(value) && !holds(value, run)) report(run, constraint)
  }
}

function report(run: Run, { key, severity, human }: ElementDefinitionConstraint): void {
  const rule = human.trim().replace(/\.$/, '')
  run.report(severity === 'warning' ? 'warning' : 'error', 'invariant', `Rule ${key} does not hold: ${rule}.`)
}

function expressionCheck(
  constraint: ElementDefinitionConstraint,
  expression: string,
  base: string,
  checkers: Checkers,
): Check {
  let compiled: FhirPathExpression | undefined
  return (run, value) => {
    if (run.isCut) return
    try {
      compiled ??= compileFhirPath(expression, base)
      const { resource, rootResource } = run
      const result = compiled(value, {
        resource,
        rootResource,
        resolve: (reference) => resolveReference(run, reference),
        conformsTo: (node, profile) => conformsTo(run, node, profile, checkers),
        memberOf: (node, valueSet) => isMember(node, valueSet, checkers),
      })
      // As HL7's validator: an empty answer is not yes.
      if (result[0] !== true) report(run, constraint)
    } catch {
      // The engine's own text may quote values of the resource.
      const text = `Rule ${constraint.key} could not be evaluated here and was not checked.`
      run.report('information', 'not-supported', text)
    }
  }
}

function conformsTo(run: Run, node: unknown, profile: string, checkers: Checkers): boolean {
  const type = checkers.definitions.structure(profile)?.type
  if (type === undefined || !isObject(node)) return true
  if (node['resourceType'] !== undefined && node['resourceType'] !== type) return false
  const check = checkers.profile(profile)
  return check === undefined || run.passes(check, node)
}

function isMember(value: unknown, valueSet: string, checkers: Checkers): boolean | undefined {
  const codes = checkers.definitions.codes(valueSet)
  if (codes === undefined) return undefined
  const answer = membership(value, codes)
  return answer === 'unknown' ? undefined : answer === 'in'
}

/** Profiles named by an element's type: on the value itself (`profile`) and on what a reference means (`targetProfile`). */
import type { ElementDefinition, ElementDefinitionType } from 'fhir/r4.js'
import type { Checkers } from './checkers.js'
import { kindOf } from './primitives.js'
import { allowedTargets, resolveReference, targetCheck } from './reference.js'
import { within } from './resource.js'
import { isObject, type Check, type JsonObject, type Run } from './run.js'

export function typeChecks(stated: ElementDefinition, checkers: Checkers): readonly Check[] {
  const types = stated.type ?? []
  return [
    ...resourceTypeChecks(types, checkers),
    ...profileChecks(types, checkers),
    ...targetChecks(types, checkers),
  ]
}

/** `Bundle.entry.resource` narrowed to Patient: the value's own resourceType decides. */
function resourceTypeChecks(types: readonly ElementDefinitionType[], checkers: Checkers): readonly Check[] {
  const { definitions } = checkers
  const codes = types.map(({ code }) => code)
  if (codes.length === 0 || !codes.every((code) => definitions.type(code)?.kind === 'resource')) return []
  return [
    (run, value) => {
      const type = isObject(value) ? value['resourceType'] : undefined
      if (typeof type !== 'string' || codes.some((code) => definitions.isKindOf(type, code))) return
      run.error('structure', `Found ${knownName(type, checkers)}; the profile expects ${codes.join(', ')}.`)
    },
  ]
}

const knownName = (type: string, checkers: Checkers): string =>
  checkers.definitions.isResourceType(type) ? type : 'another resource type'

function profileChecks(types: readonly ElementDefinitionType[], checkers: Checkers): readonly Check[] {
  const profiles = types.flatMap((type) => type.profile ?? [])
  if (profiles.length === 0) return []
  // A type without profiles accepts any value of that type; only the property name tells choices apart.
  const byType = new Map(types.map((type) => [type.code, type.profile ?? []]))
  const [only] = types.length === 1 ? types : []
  if (only !== undefined) return [anyProfile(only.profile ?? [], checkers)]
  return [
    (run, value) => {
      const type = isObject(value) ? value['resourceType'] : undefined
      const own = typeof type === 'string' ? byType.get(type) : undefined
      if (own !== undefined && own.length > 0) anyProfile(own, checkers)(run, value)
    },
  ]
}

/** The value conforms to at least one; with one candidate its own findings are reported. */
function anyProfile(profiles: readonly string[], checkers: Checkers): Check {
  return (run, value) => {
    const known = profiles.filter((canonical) => checkers.definitions.structure(canonical) !== undefined)
    if (known.length < profiles.length) return
    const candidates = known.filter((canonical) => fits(value, canonical, checkers))
    const [first] = candidates
    if (first === undefined) {
      const found = isObject(value) ? 'a value of another type' : kindOf(value)
      run.error('structure', `Found ${found}; expected one that conforms to ${known.join(' or ')}.`)
    } else if (candidates.length === 1) {
      inContext(run, value, (target) => checkers.profile(first)?.(run, target))
    } else if (!candidates.some((canonical) => conforms(run, value, canonical, checkers))) {
      run.error(
        'structure',
        `The value conforms to none of ${candidates.join(', ')}. Correct it for one of them.`,
      )
    }
  }
}

function fits(value: unknown, canonical: string, checkers: Checkers): boolean {
  const type = isObject(value) ? value['resourceType'] : undefined
  const expected = checkers.definitions.structure(canonical)?.type
  return typeof type !== 'string' || expected === undefined || checkers.definitions.isKindOf(type, expected)
}

export function conforms(run: Run, value: unknown, canonical: string, checkers: Checkers): boolean {
  if (!fits(value, canonical, checkers)) return false
  return run.once(canonical, value, () => {
    const check = checkers.profile(canonical)
    return check === undefined || run.passes((inner, v) => inContext(inner, v, (t) => check(inner, t)), value)
  })
}

/** %resource inside a resource's profile is that resource. */
function inContext(run: Run, value: unknown, check: (value: unknown) => void): void {
  if (isObject(value) && typeof value['resourceType'] === 'string') within(run, value, () => check(value))
  else check(value)
}

function targetChecks(types: readonly ElementDefinitionType[], checkers: Checkers): readonly Check[] {
  const targets = types.find((type) => type.code === 'Reference')?.targetProfile
  if (targets === undefined) return []
  const checks: Check[] = []
  const allowed = allowedTargets(targets, checkers.definitions)
  if (allowed !== undefined) checks.push(targetCheck(allowed, checkers.definitions))
  const isOpen = targets.some((url) => checkers.definitions.structure(url)?.derivation !== 'constraint')
  if (!isOpen) checks.push((run, value) => checkTarget(run, value, targets, checkers))
  return checks
}

/** A target that is here conforms to one of the profiles; one that is elsewhere cannot be judged. */
function checkTarget(run: Run, value: unknown, targets: readonly string[], checkers: Checkers): void {
  const reference = isObject(value) ? value['reference'] : undefined
  if (typeof reference !== 'string') return
  const target: JsonObject | undefined = resolveReference(run, reference)
  if (target === undefined || targets.some((canonical) => conforms(run, target, canonical, checkers))) return
  run.error(
    'structure',
    `The resource referred to conforms to none of ${targets.join(', ')}. Correct it or refer to another.`,
  )
}

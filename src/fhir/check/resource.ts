/** A resource anywhere: its type, then the profiles it says it follows. */
import type { Checkers } from './checkers.js'
import { indexBundle } from './bundle.js'
import { kindOf } from './primitives.js'
import { isObject, type JsonObject, type Run, textOf } from './run.js'

/** Dispatch by resourceType. `profiles` are checked besides those of meta.profile. */
export function checkResource(
  run: Run,
  value: unknown,
  checkers: Checkers,
  profiles: readonly string[] = [],
): void {
  if (!isObject(value)) {
    run.error(
      'structure',
      `Found ${kindOf(value)}; expected a resource, which is an object with resourceType.`,
    )
    return
  }
  const type = value['resourceType']
  if (typeof type !== 'string') {
    run.error('required', 'Found no resourceType; expected the name of a FHIR R4 resource type. Add it.')
    return
  }
  if (!checkers.definitions.isResourceType(type)) {
    const found = /^[A-Za-z]{1,40}$/.test(type) ? `"${type}"` : 'other text'
    run.error(
      'not-supported',
      `Found ${found} as resourceType; expected a FHIR R4 resource type. Correct it.`,
    )
    return
  }
  within(run, value, () => {
    checkers.resourceOfType(type)(run, value)
    checkStatedProfiles(run, value, checkers, profiles)
    for (const canonical of profiles) applyProfile(run, value, canonical, checkers)
  })
}

/** Makes `resource` what %resource, %rootResource and references inside it mean.
 *  A contained resource shares its container as %rootResource; every other nesting starts a new one. */
export function within(run: Run, resource: JsonObject, check: () => void): void {
  const { resource: outer, rootResource: outerRoot, bundle: outerBundle, entryUrl } = run
  const isContained = Array.isArray(outer['contained']) && outer['contained'].includes(resource)
  run.resource = resource
  if (!isContained && outer !== resource) run.rootResource = resource
  if (resource['resourceType'] === 'Bundle') run.bundle = indexBundle(resource)
  check()
  run.resource = outer
  run.rootResource = outerRoot
  run.bundle = outerBundle
  run.entryUrl = entryUrl
}

/** meta.profile: those that are known are checked; the others are named, so that nobody thinks they were. */
function checkStatedProfiles(
  run: Run,
  resource: JsonObject,
  checkers: Checkers,
  already: readonly string[],
): void {
  const { meta } = resource
  const stated = isObject(meta) ? meta['profile'] : undefined
  if (!Array.isArray(stated)) return
  for (const [index, canonical] of stated.entries()) {
    if (typeof canonical !== 'string' || already.includes(canonical)) continue
    if (checkers.definitions.structure(canonical) !== undefined)
      applyProfile(run, resource, canonical, checkers)
    else {
      run.enter(`meta.profile[${index}]`)
      run.report(
        'information',
        'not-found',
        'This profile is not known here, so it was not checked. Load its package.',
      )
      run.leave()
    }
  }
}

function applyProfile(run: Run, resource: JsonObject, canonical: string, checkers: Checkers): void {
  const structure = checkers.definitions.structure(canonical)
  const type = textOf(resource['resourceType'])
  if (structure === undefined) {
    run.error('not-found', 'The profile asked for is not known here. Load its package or correct its URL.')
  } else if (!checkers.definitions.isKindOf(type, structure.type)) {
    run.error(
      'structure',
      `The profile ${structure.url} is for ${structure.type}; found ${type}. Use another profile.`,
    )
  } else {
    checkers.profile(canonical)?.(run, resource)
  }
}

/** References: what they point at inside this resource or bundle, and whether that is an allowed type. */
import type { Definitions } from '../definitions.js'
import { FHIR_BASE, splitCanonical } from '../definitions.js'
import { isObject, type Check, type JsonObject, type Run, textOf } from './run.js'

const RESTFUL = /^(.*\/)?([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(\/_history\/[A-Za-z0-9\-.]{1,64})?$/
const WITHIN_BUNDLE = new Set(['message', 'document'])

/** The resource a reference means, when it is contained or in the same bundle. */
export function resolveReference(run: Run, reference: string): JsonObject | undefined {
  if (reference.startsWith('#')) return containedResource(run.rootResource, reference.slice(1))
  const { bundle } = run
  if (bundle === undefined) return undefined
  if (reference.startsWith('urn:')) return bundle.byUrl.get(reference)
  const target = reference.split('#')[0] ?? ''
  const match = RESTFUL.exec(target)
  const unversioned = match?.[4] === undefined ? target : target.slice(0, -match[4].length)
  if (match === null || /^[a-z]+:/.test(target))
    return bundle.byUrl.get(target) ?? bundle.byUrl.get(unversioned)
  const base = RESTFUL.exec(run.entryUrl ?? '')?.[1]
  // A relative reference starts from the base of its own entry's fullUrl (bundle.html#references).
  return (
    (base === undefined ? undefined : bundle.byUrl.get(base + unversioned)) ??
    bundle.byTypeAndId.get(unversioned)
  )
}

function containedResource(root: JsonObject, id: string): JsonObject | undefined {
  if (id === '') return root
  const contained = root['contained']
  if (!Array.isArray(contained)) return undefined
  return contained.find((resource) => isObject(resource) && resource['id'] === id) as JsonObject | undefined
}

/** ref-1 and the rules of bundles: a reference that must be met here is met here. */
export const checkReferenceTarget: Check = (run, value) => {
  const reference = isObject(value) ? value['reference'] : undefined
  if (typeof reference !== 'string' || reference === '' || run.bundle === undefined) return
  if (reference.startsWith('#') || !WITHIN_BUNDLE.has(textOf(run.bundle.type))) return
  const isUrn = reference.startsWith('urn:')
  if (!isUrn && !RESTFUL.test(reference)) return
  if (resolveReference(run, reference) !== undefined) return
  const text = `The reference points at nothing in this ${textOf(run.bundle.type)} bundle. Add an entry with that fullUrl or correct the reference.`
  run.enter('reference')
  // A urn has no meaning outside the bundle; a URL may be fetched from a server.
  run.report(isUrn ? 'error' : 'warning', 'not-found', text)
  run.leave()
}

/** Types a reference may have; undefined when any will do. */
export function allowedTargets(
  targetProfiles: readonly string[] | undefined,
  definitions: Definitions,
): ReadonlySet<string> | undefined {
  if (targetProfiles === undefined || targetProfiles.length === 0) return undefined
  const allowed = new Set<string>()
  for (const canonical of targetProfiles) {
    const { url } = splitCanonical(canonical)
    const type = definitions.structure(canonical)?.type ?? typeOfBaseUrl(url)
    // A profile that is not here could be of any type.
    if (type === undefined || type === 'Resource' || type === 'DomainResource') return undefined
    allowed.add(type)
  }
  return allowed
}

const typeOfBaseUrl = (url: string): string | undefined =>
  url.startsWith(FHIR_BASE) ? url.slice(FHIR_BASE.length) : undefined

export function targetCheck(allowed: ReadonlySet<string>, definitions: Definitions): Check {
  const list = [...allowed].join(', ')
  return (run, value) => {
    const type = isObject(value) ? targetType(run, value, definitions) : undefined
    if (type === undefined || allowed.has(type)) return
    run.error('structure', `The reference is to ${type}; expected ${list}. Refer to one of these types.`)
  }
}

/** The type of what is referred to: the resource itself if it is here, else what the URL or Reference.type says. */
function targetType(run: Run, value: JsonObject, definitions: Definitions): string | undefined {
  const { reference, type } = value
  if (typeof reference === 'string' && reference !== '') {
    const resolved = resolveReference(run, reference)
    if (resolved !== undefined) return knownType(resolved['resourceType'], definitions)
    const match = RESTFUL.exec(reference.split('#')[0] ?? '')
    const named = match === null ? undefined : knownType(match[2], definitions)
    if (named !== undefined) return named
  }
  return knownType(type, definitions)
}

function knownType(name: unknown, definitions: Definitions): string | undefined {
  return typeof name === 'string' && definitions.isResourceType(name) ? name : undefined
}

/** `http://server/base/Patient/1` -> base `http://server/base/`, `Patient`, `1`. */
export function splitRestful(url: string): { base: string; type: string; id: string } | undefined {
  const match = RESTFUL.exec(url)
  return match === null ? undefined : { base: match[1] ?? '', type: match[2] ?? '', id: match[3] ?? '' }
}

/** Rules that span the entries of a Bundle (bundle.html): identity of entries and what references can reach. */
import { splitRestful } from './reference.js'
import { isObject, type BundleIndex, type Check, type JsonObject, type Run, textOf } from './run.js'

/** Entries without a fullUrl are usual here: the server has not named the resource yet. */
const UNNAMED_ALLOWED = new Set(['transaction', 'batch', 'transaction-response', 'batch-response', 'history'])

export function indexBundle(bundle: JsonObject): BundleIndex {
  const byUrl = new Map<string, JsonObject>()
  const byTypeAndId = new Map<string, JsonObject>()
  const entries = Array.isArray(bundle['entry']) ? bundle['entry'] : []
  for (const entry of entries) {
    if (!isObject(entry) || !isObject(entry['resource'])) continue
    const { fullUrl, resource } = entry
    const { resourceType, id } = resource
    if (typeof fullUrl === 'string' && !byUrl.has(fullUrl)) byUrl.set(fullUrl, resource)
    if (typeof resourceType === 'string' && typeof id === 'string')
      byTypeAndId.set(`${resourceType}/${id}`, resource)
  }
  return { type: bundle['type'], byUrl, byTypeAndId }
}

/** Checks one entry; what its references mean depends on its own fullUrl. */
export const inEntry =
  (check: Check): Check =>
  (run, entry) => {
    const outer = run.entryUrl
    const fullUrl = isObject(entry) ? entry['fullUrl'] : undefined
    run.entryUrl = typeof fullUrl === 'string' ? fullUrl : undefined
    check(run, entry)
    if (isObject(entry)) checkEntryIdentity(run, entry)
    run.entryUrl = outer
  }

function checkEntryIdentity(run: Run, entry: JsonObject): void {
  const { fullUrl, resource } = entry
  if (!isObject(resource)) return
  if (fullUrl === undefined) {
    if (UNNAMED_ALLOWED.has(textOf(run.bundle?.type))) return
    run.error(
      'required',
      'The entry has a resource and no fullUrl. Add its identity, for example urn:uuid: and a UUID.',
    )
    return
  }
  if (typeof fullUrl !== 'string') return
  if (!/^[a-z][a-z0-9+.-]*:/i.test(fullUrl)) {
    run.errorAt(
      'fullUrl',
      'value',
      'Found a relative URL; expected an absolute one. Write the whole URL or a urn:uuid:.',
    )
    return
  }
  const { id, resourceType } = resource
  const named = /^https?:/.test(fullUrl) ? splitRestful(fullUrl) : undefined
  if (named === undefined || typeof id !== 'string') return
  if (named.type === resourceType && named.id === id) return
  const text =
    'The fullUrl looks like a server URL and does not end in the type and id of its resource. Make them agree.'
  run.errorAt('fullUrl', 'value', text)
}

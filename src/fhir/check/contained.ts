/** dom-3: every contained resource is referred to, or refers to its container. */
import { isObject, type JsonObject, textOf } from './run.js'
import type { NativeInvariant } from './rule.js'

/** As R4 publishes it, with its repeated term. */
export const CONTAINED_IS_REFERENCED =
  "contained.where((('#'+id in (%resource.descendants().reference | %resource.descendants().as(canonical) | %resource.descendants().as(uri) | %resource.descendants().as(url))) or descendants().where(reference = '#').exists() or descendants().where(as(canonical) = '#').exists() or descendants().where(as(canonical) = '#').exists()).not()).trace('unmatched', id).empty()"

export const containedIsReferenced: NativeInvariant = (node) => {
  const { contained } = node
  if (!Array.isArray(contained)) return true
  const local = new Set<string>()
  collectLocal(node, local)
  return contained.every(
    (resource) =>
      !isObject(resource) || local.has(`#${textOf(resource['id'])}`) || refersToContainer(resource),
  )
}

function refersToContainer(resource: JsonObject): boolean {
  const local = new Set<string>()
  collectLocal(resource, local)
  return local.has('#')
}

/** Every `#...` text of a value. References, canonicals, uris and urls all count, and nothing else starts so by rule.
 *  Works with its own stack: depth is the sender's choice. */
function collectLocal(value: unknown, into: Set<string>): void {
  const pending: unknown[] = [value]
  while (pending.length > 0) {
    const next = pending.pop()
    if (typeof next === 'string') {
      if (next.startsWith('#')) into.add(next)
    } else if (typeof next === 'object' && next !== null) {
      for (const inner of Object.values(next)) pending.push(inner)
    }
  }
}

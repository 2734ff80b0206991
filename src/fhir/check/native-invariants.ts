/** Invariants met on every message, written by hand: the same answer as their FHIRPath, many times faster.
 *  Keyed by the expression they replace, so that another rule under the same key is never mistaken for it. */
import { RESOURCE_INVARIANTS } from './native-resource-invariants.js'
import {
  has,
  implies,
  listOf,
  mayPrecede,
  needs,
  nonNegative,
  notBoth,
  oneOf,
  type NativeInvariant,
} from './rule.js'
import { order } from './pattern.js'
import { isObject, type JsonObject, textOf } from './run.js'

/** Rules of the data types. */
const DATA_TYPES: Readonly<Record<string, NativeInvariant>> = {
  // ref-1
  "reference.startsWith('#').not() or (reference.substring(1).trace('url') in %rootResource.contained.id.trace('ids'))":
    (node, run) => {
      const { reference } = node
      if (typeof reference !== 'string' || !reference.startsWith('#') || reference === '#') return true
      return listOf(run.rootResource, 'contained').some((resource) => resource['id'] === reference.slice(1))
    },
  // per-1
  'start.hasValue().not() or end.hasValue().not() or (start <= end)': (node) =>
    mayPrecede(node['start'], node['end']),
  // att-1
  'data.empty() or contentType.exists()': needs('data', 'contentType'),
  // cpt-2
  'value.empty() or system.exists()': needs('value', 'system'),
  // qty-3
  'code.empty() or system.exists()': needs('code', 'system'),
  // exp-1
  'expression.exists() or reference.exists()': oneOf('expression', 'reference'),
  // sqty-1
  'comparator.empty()': (node) => !has(node, 'comparator'),
  // rng-2: units that cannot be compared prove nothing
  'low.empty() or high.empty() or (low <= high)': (node) => order(node['low'], node['high']) !== 1,
  // rat-1
  '(numerator.empty() xor denominator.exists()) and (numerator.exists() or extension.exists())': (node) =>
    has(node, 'numerator') === has(node, 'denominator') && (has(node, 'numerator') || has(node, 'extension')),
  // tim-1 to tim-10
  'duration.empty() or durationUnit.exists()': needs('duration', 'durationUnit'),
  'period.empty() or periodUnit.exists()': needs('period', 'periodUnit'),
  'duration.exists() implies duration >= 0': nonNegative('duration'),
  'period.exists() implies period >= 0': nonNegative('period'),
  'periodMax.empty() or period.exists()': needs('periodMax', 'period'),
  'durationMax.empty() or duration.exists()': needs('durationMax', 'duration'),
  'countMax.empty() or count.exists()': needs('countMax', 'count'),
  'timeOfDay.empty() or when.empty()': notBoth('timeOfDay', 'when'),
  // txt-1, txt-2: the xhtml type's own check is the native form
  'htmlChecks()': () => true,
}

/** Rules every resource with narrative shares. dom-3 is in contained.ts. */
const DOMAIN_RESOURCE: Readonly<Record<string, NativeInvariant>> = {
  // dom-2
  'contained.contained.empty()': (node) =>
    node['contained'] === undefined || listOf(node, 'contained').every((r) => !has(r, 'contained')),
  // dom-4
  'contained.meta.versionId.empty() and contained.meta.lastUpdated.empty()': (node) =>
    containedMeta(node).every((meta) => !has(meta, 'versionId') && !has(meta, 'lastUpdated')),
  // dom-5
  'contained.meta.security.empty()': (node) => containedMeta(node).every((meta) => !has(meta, 'security')),
}

const containedMeta = (node: JsonObject): readonly JsonObject[] =>
  node['contained'] === undefined ? [] : listOf(node, 'contained').flatMap((r) => listOf(r, 'meta'))

const isBundleType = (bundle: JsonObject, ...types: readonly string[]): boolean =>
  types.includes(textOf(bundle['type']))

/** `%resource.type` inside an entry's resource means that resource; these run on the Bundle itself. */
const BUNDLE: Readonly<Record<string, NativeInvariant>> = {
  // bdl-1
  "total.empty() or (type = 'searchset') or (type = 'history')": (node) =>
    !has(node, 'total') || isBundleType(node, 'searchset', 'history'),
  // bdl-2
  "entry.search.empty() or (type = 'searchset')": (node) =>
    isBundleType(node, 'searchset') || listOf(node, 'entry').every((entry) => !has(entry, 'search')),
  // bdl-3
  "entry.all(request.exists() = (%resource.type = 'batch' or %resource.type = 'transaction' or %resource.type = 'history'))":
    (node) => {
      const wanted = isBundleType(node, 'batch', 'transaction', 'history')
      return listOf(node, 'entry').every((entry) => has(entry, 'request') === wanted)
    },
  // bdl-4
  "entry.all(response.exists() = (%resource.type = 'batch-response' or %resource.type = 'transaction-response' or %resource.type = 'history'))":
    (node) => {
      const wanted = isBundleType(node, 'batch-response', 'transaction-response', 'history')
      return listOf(node, 'entry').every((entry) => has(entry, 'response') === wanted)
    },
  // bdl-7
  "(type = 'history') or entry.where(fullUrl.exists()).select(fullUrl&resource.meta.versionId).isDistinct()":
    (node) => isBundleType(node, 'history') || hasDistinctUrls(node),
  // bdl-9
  "type = 'document' implies (identifier.system.exists() and identifier.value.exists())": (node) => {
    if (!isBundleType(node, 'document')) return true
    const [identifier] = listOf(node, 'identifier')
    return identifier !== undefined && has(identifier, 'system') && has(identifier, 'value')
  },
  // bdl-10
  "type = 'document' implies (timestamp.hasValue())": (node) =>
    implies(isBundleType(node, 'document'), typeof node['timestamp'] === 'string'),
  // bdl-11
  "type = 'document' implies entry.first().resource.is(Composition)": (node) =>
    implies(isBundleType(node, 'document'), firstType(node) === 'Composition'),
  // bdl-12
  "type = 'message' implies entry.first().resource.is(MessageHeader)": (node) =>
    implies(isBundleType(node, 'message'), firstType(node) === 'MessageHeader'),
  // bdl-5
  'resource.exists() or request.exists() or response.exists()': oneOf('resource', 'request', 'response'),
  // bdl-8
  "fullUrl.exists() implies fullUrl.contains('/_history/').not()": (node) =>
    typeof node['fullUrl'] !== 'string' || !node['fullUrl'].includes('/_history/'),
}

function firstType(bundle: JsonObject): unknown {
  const resource = listOf(bundle, 'entry')[0]?.['resource']
  return isObject(resource) ? resource['resourceType'] : undefined
}

function hasDistinctUrls(bundle: JsonObject): boolean {
  const seen = new Set<string>()
  for (const entry of listOf(bundle, 'entry')) {
    if (typeof entry['fullUrl'] !== 'string') continue
    const meta = isObject(entry['resource']) ? entry['resource']['meta'] : undefined
    const version = isObject(meta) && typeof meta['versionId'] === 'string' ? meta['versionId'] : ''
    const key = entry['fullUrl'] + version
    if (seen.has(key)) return false
    seen.add(key)
  }
  return true
}

export const NATIVE_INVARIANTS: ReadonlyMap<string, NativeInvariant> = new Map(
  [DATA_TYPES, DOMAIN_RESOURCE, BUNDLE, RESOURCE_INVARIANTS].flatMap((rules) => Object.entries(rules)),
)

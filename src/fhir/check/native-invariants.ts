/** Invariants met on every message, written by hand: the same answer as their FHIRPath, many times faster.
 *  Keyed by the expression they replace, so that another rule under the same key is never mistaken for it. */
import { isObject, type JsonObject, type Run } from './run.js'

export type NativeInvariant = (node: JsonObject, run: Run) => boolean

/** FHIRPath `exists()`: a primitive that has only extensions exists too. */
export const has = (node: JsonObject, name: string): boolean =>
  node[name] !== undefined || node[`_${name}`] !== undefined

/** The same for `value[x]`, whose property is `valueQuantity`, `valueString` ... */
export function hasChoice(node: JsonObject, stem: string): boolean {
  for (const key in node) {
    const start = key.charCodeAt(0) === 95 ? 1 : 0 // _
    if (!key.startsWith(stem, start)) continue
    const next = key.charCodeAt(start + stem.length)
    if (next >= 65 && next <= 90) return true // A to Z
  }
  return false
}

export const listOf = (node: JsonObject, name: string): readonly JsonObject[] => {
  const value = node[name]
  if (Array.isArray(value)) return value.filter(isObject)
  return isObject(value) ? [value] : []
}

const implies = (a: boolean, b: boolean): boolean => !a || b

const oneOf =
  (...names: readonly string[]): NativeInvariant =>
  (node) =>
    names.some((name) => has(node, name))

/** `a.exists() implies b.exists()` in its several spellings. */
const needs =
  (name: string, other: string): NativeInvariant =>
  (node) =>
    implies(has(node, name), has(node, other))

const notBoth =
  (name: string, other: string): NativeInvariant =>
  (node) =>
    !(has(node, name) && has(node, other))

const nonNegative =
  (name: string): NativeInvariant =>
  (node) =>
    !has(node, name) || (typeof node[name] === 'number' && node[name] >= 0)

const HOUR_MS = 3_600_000

/** The earliest and latest instant a (partial) date can mean anywhere on earth: offsets run from +14 to -12. */
function boundaries(text: unknown): readonly [number, number] | undefined {
  if (typeof text !== 'string') return undefined
  if (text.includes('T')) {
    const ms = Date.parse(text)
    return Number.isNaN(ms) ? undefined : [ms, ms]
  }
  const [year = 0, month, day] = text.split('-').map(Number)
  const start = Date.UTC(year, (month ?? 1) - 1, day ?? 1)
  const end = Date.UTC(
    month === undefined ? year + 1 : year,
    day === undefined ? (month ?? 1) : (month ?? 1) - 1,
    day === undefined ? 1 : day + 1,
  )
  if (Number.isNaN(start) || Number.isNaN(end)) return undefined
  return [start - 14 * HOUR_MS, end + 12 * HOUR_MS - 1]
}

/** False only when `later` certainly ends before `earlier` begins. */
export function mayPrecede(earlier: unknown, later: unknown): boolean {
  const from = boundaries(earlier)
  const to = boundaries(later)
  return from === undefined || to === undefined || from[0] <= to[1]
}

const hasCoding = (node: JsonObject, name: string, system: string, codes: readonly string[]): boolean =>
  listOf(node, name).some((concept) =>
    listOf(concept, 'coding').some(
      (coding) => coding['system'] === system && codes.includes(String(coding['code'])),
    ),
  )

const CONDITION_STATUS = 'http://terminology.hl7.org/CodeSystem/condition-clinical'
const CONDITION_VERIFICATION = 'http://terminology.hl7.org/CodeSystem/condition-ver-status'

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
  types.includes(String(bundle['type']))

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

/** Rules of the resources a referral is made of. */
const RESOURCES: Readonly<Record<string, NativeInvariant>> = {
  // prr-1
  'orderDetail.empty() or code.exists()': needs('orderDetail', 'code'),
  // Task inv-1
  'lastModified.exists().not() or authoredOn.exists().not() or lastModified >= authoredOn': (node) =>
    mayPrecede(node['authoredOn'], node['lastModified']),
  // pat-1
  'name.exists() or telecom.exists() or address.exists() or organization.exists()': oneOf(
    'name',
    'telecom',
    'address',
    'organization',
  ),
  // org-1, ipn-1
  '(identifier.count() + name.count()) > 0': oneOf('identifier', 'name'),
  // org-2, org-3 run on one address or telecom
  "where(use = 'home').empty()": (node) => node['use'] !== 'home',
  // obs-3, obs-6
  'low.exists() or high.exists() or text.exists()': oneOf('low', 'high', 'text'),
  'dataAbsentReason.empty() or value.empty()': (node) =>
    !(has(node, 'dataAbsentReason') && hasChoice(node, 'value')),
  // obs-7
  'value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists()).empty()': (
    node,
  ) => {
    if (node['component'] === undefined || !hasChoice(node, 'value')) return true
    const own = new Set(listOf(node, 'code').flatMap(codingKeys))
    return listOf(node, 'component').every((c) =>
      listOf(c, 'code')
        .flatMap(codingKeys)
        .every((key) => !own.has(key)),
    )
  },
  // app-1 to app-4
  'type.exists() or actor.exists()': oneOf('type', 'actor'),
  'start.exists() = end.exists()': (node) => has(node, 'start') === has(node, 'end'),
  "(start.exists() and end.exists()) or (status in ('proposed' | 'cancelled' | 'waitlist'))": (node) =>
    (has(node, 'start') && has(node, 'end')) ||
    ['proposed', 'cancelled', 'waitlist'].includes(String(node['status'])),
  "Appointment.cancelationReason.exists() implies (Appointment.status='noshow' or Appointment.status='cancelled')":
    (node) =>
      implies(has(node, 'cancelationReason'), node['status'] === 'noshow' || node['status'] === 'cancelled'),
  // apr-1
  'participantType.exists() or actor.exists()': oneOf('participantType', 'actor'),
  // cpl-3
  'detail.empty() or reference.empty()': notBoth('detail', 'reference'),
  // cmp-1, cmp-2, lst-1
  'text.exists() or entry.exists() or section.exists()': oneOf('text', 'entry', 'section'),
  'emptyReason.empty() or entry.empty()': notBoth('emptyReason', 'entry'),
  // con-1 to con-5
  'summary.exists() or assessment.exists()': oneOf('summary', 'assessment'),
  'code.exists() or detail.exists()': oneOf('code', 'detail'),
  "abatement.empty() or clinicalStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-clinical' and (code='resolved' or code='remission' or code='inactive')).exists()":
    (node) =>
      !hasChoice(node, 'abatement') ||
      hasCoding(node, 'clinicalStatus', CONDITION_STATUS, ['resolved', 'remission', 'inactive']),
  "verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-ver-status' and code='entered-in-error').empty() or clinicalStatus.empty()":
    (node) =>
      !has(node, 'clinicalStatus') ||
      !hasCoding(node, 'verificationStatus', CONDITION_VERIFICATION, ['entered-in-error']),
  // ppc-1
  'policy.exists() or policyRule.exists()': oneOf('policy', 'policyRule'),
  // qrs-1
  '(answer.exists() and item.exists()).not()': notBoth('answer', 'item'),
  // Parameters inv-1
  '(part.exists() and value.empty() and resource.empty()) or (part.empty() and (value.exists() xor resource.exists()))':
    (node) => {
      const filled = [has(node, 'part'), hasChoice(node, 'value'), has(node, 'resource')]
      return filled.filter(Boolean).length === 1
    },
}

const codingKeys = (concept: JsonObject): readonly string[] =>
  listOf(concept, 'coding').map((coding) => JSON.stringify(Object.entries(coding).sort()))

export const NATIVE_INVARIANTS: ReadonlyMap<string, NativeInvariant> = new Map(
  [DATA_TYPES, DOMAIN_RESOURCE, BUNDLE, RESOURCES].flatMap((rules) => Object.entries(rules)),
)

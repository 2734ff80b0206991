/** A case as one FHIR transaction: the offer Task, its ServiceRequest, the Patient and all they refer to, each by
 *  PUT under our own id, so that a repeated transaction changes nothing. */
import type { Bundle, BundleEntry, FhirResource, Task } from 'fhir/r4.js'
import type { Deployment } from '../../directory/types.js'
import { TASK_CODE } from '../../referral/codes.js'
import type { CaseRecord } from '../../store/types.js'

/** The gateway's own record of how it came to the case; it stays readable there. */
const INNER = new Set(['Provenance', 'AuditEvent', 'MessageHeader', 'Bundle', 'Binary'])

export const taskUrl = (deployment: Deployment, taskId: string): string =>
  `${deployment.publicUrl ?? ''}/FHIR/R4/Task/${taskId}`

/** The receiver reports by updating this Task at the gateway: its address stands in the Task's identifiers. */
export function offerTransaction(
  task: Task & { id: string },
  record: CaseRecord,
  deployment: Deployment,
): Bundle {
  const own = { system: 'urn:ietf:rfc:3986', value: taskUrl(deployment, task.id) }
  const offered: Task = { ...task, identifier: [...(task.identifier ?? []), own] }
  const sent = withReferenced([offered, ...toldResources(record)], deployment)
  const known = new Set(sent.map(keyOf))
  return transaction(sent.map((resource) => putEntry(resource, known, deployment)))
}

/** Only the Task changes: the request itself may be with another service by now. */
export function cancelTransaction(
  task: Task & { id: string },
  reason: string,
  deployment: Deployment,
): Bundle {
  const cancelled: Task = { ...task, status: 'cancelled', statusReason: { text: reason } }
  return transaction([putEntry(cancelled, new Set(), deployment)])
}

const transaction = (entry: BundleEntry[]): Bundle => ({ resourceType: 'Bundle', type: 'transaction', entry })

/** Everything the sender said. The Tasks by which the gateway works the case are its own matter. */
const toldResources = (record: CaseRecord): readonly FhirResource[] =>
  record.resources.filter(
    (resource) =>
      resource.id !== undefined &&
      !INNER.has(resource.resourceType) &&
      !(isTask(resource) && isOwnTask(resource)),
  )

const isTask = (resource: FhirResource): resource is Task => resource.resourceType === 'Task'

const isOwnTask = (task: Task): boolean =>
  task.code?.coding?.some(({ system }) => system === TASK_CODE) ?? false

const keyOf = (resource: FhirResource): string => `${resource.resourceType}/${resource.id ?? ''}`

/** Adds the directory's Organizations and services that these refer to, and what those refer to. */
function withReferenced(resources: readonly FhirResource[], deployment: Deployment): readonly FhirResource[] {
  const sent = new Map(resources.map((resource) => [keyOf(resource), resource]))
  const waiting = [...resources]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const reference of referencesIn(next)) {
      const listed = deployment.resources.find((resource) => keyOf(resource) === reference)
      if (listed === undefined || sent.has(reference)) continue
      sent.set(reference, listed)
      waiting.push(listed)
    }
  }
  return [...sent.values()]
}

function referencesIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) =>
    name === 'reference' && typeof inner === 'string' ? [inner] : referencesIn(inner),
  )
}

function putEntry(resource: FhirResource, known: ReadonlySet<string>, deployment: Deployment): BundleEntry {
  const { meta, ...content } = resource
  const { versionId: _version, lastUpdated: _updated, ...kept } = meta ?? {}
  const whole = { ...content, ...(Object.keys(kept).length > 0 ? { meta: kept } : {}) }
  const base = `${deployment.publicUrl ?? ''}/FHIR/R4`
  return {
    fullUrl: `${base}/${keyOf(resource)}`,
    // The same resource with absolute references: still of its type.
    resource: withReach(whole, known, base) as FhirResource,
    request: { method: 'PUT', url: keyOf(resource) },
  }
}

/** What is not part of the transaction stays at the gateway, so it is referred to there. */
function withReach(value: unknown, known: ReadonlySet<string>, base: string): unknown {
  if (Array.isArray(value)) return value.map((item) => withReach(item, known, base))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const outside =
        typeof inner === 'string' &&
        ((name === 'reference' && /^[A-Z][A-Za-z]+\//.test(inner) && !known.has(inner)) ||
          (name === 'url' && inner.startsWith('Binary/')))
      return [name, outside ? `${base}/${inner}` : withReach(inner, known, base)]
    }),
  )
}

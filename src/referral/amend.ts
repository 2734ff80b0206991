/** An amended referral laid onto its case. Pure. */
import type { FhirResource } from 'fhir/r4.js'
import type { CaseState } from './case.js'
import { coordinatorOf, requestOf, type Draft } from './parts.js'

/** The amended referral's resources under the ids the case knows; what the sender left out stays as it was. */
export function ontoCase(
  resources: readonly Draft[],
  caseId: string,
  state: CaseState,
  current: readonly FhirResource[],
): Draft[] {
  const newId = new Map<string, string>()
  const request = requestOf(resources)
  newId.set(`ServiceRequest/${request.id}`, caseId)
  newId.set(`Task/${coordinatorOf(resources).id}`, state.coordinator)
  for (const resource of resources) {
    if (resource.resourceType === 'Patient') newId.set(`Patient/${resource.id}`, state.patient)
  }
  const renamed = resources
    .filter((resource) => resource.resourceType !== 'Task')
    .map((resource) => {
      const text = JSON.stringify(resource, (key, value: unknown) =>
        key === 'reference' && typeof value === 'string' ? renamedReference(value, newId) : value,
      )
      // The same resource with other ids.
      const copy = JSON.parse(text) as Draft
      return { ...copy, id: newId.get(`${resource.resourceType}/${resource.id}`) ?? resource.id }
    })
  return renamed.map((resource) => {
    const before = current.find((r) => r.resourceType === resource.resourceType && r.id === resource.id)
    if (before === undefined) return resource
    // An element the sender left out is unchanged; the request's status moves only by what the case decides.
    const status = before.resourceType === 'ServiceRequest' ? { status: before.status } : {}
    return { ...before, ...resource, ...status } as Draft
  })
}

const renamedReference = (reference: string, newId: ReadonlyMap<string, string>): string => {
  const id = newId.get(reference)
  return id === undefined ? reference : `${reference.slice(0, reference.indexOf('/'))}/${id}`
}

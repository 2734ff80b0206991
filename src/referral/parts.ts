/** The resources every case has, found among those a message made. */
import type { FhirResource, ServiceRequest, Task } from 'fhir/r4.js'
import { Fault } from '../terms/fault.js'
import { hasTaskCode } from './codes.js'

/** A resource that has its id already. */
export type Draft = FhirResource & { id: string }

/** Throws Fault `mapping-failed`. */
export function requestOf(resources: readonly Draft[]): ServiceRequest & { id: string } {
  const found = resources.find(
    (r): r is ServiceRequest & { id: string } => r.resourceType === 'ServiceRequest',
  )
  if (found === undefined) throw new Fault('mapping-failed', 'The message made no ServiceRequest.', 'RF1')
  return found
}

/** Throws Fault `mapping-failed`. */
export function coordinatorOf(resources: readonly Draft[]): Task & { id: string } {
  const found = resources.find(
    (r): r is Task & { id: string } => r.resourceType === 'Task' && hasTaskCode(r, 'coordinate'),
  )
  if (found === undefined) throw new Fault('mapping-failed', 'The message made no coordinating Task.', 'RF1')
  return found
}

/** What one BaRS message is about, looked up once: the case's own resources, the service it goes to, both parties. */
import type { HealthcareService, Organization, Patient, ServiceRequest, Task } from 'fhir/r4.js'
import { serviceIdsOf } from '../../channels/bars/service-ids.js'
import { isDosServiceId, SYSTEM, type BarsCategory } from '../../codec/bars/terms.js'
import type { Deployment, Partner, Service } from '../../directory/types.js'
import type { RenderContext } from '../../flow/ports.js'
import { TASK_CODE } from '../../referral/codes.js'
import type { CaseRecord, Delivery } from '../../store/types.js'
import { Fault } from '../../terms/fault.js'
import type { Instant } from '../../terms/instant.js'

export interface Offer {
  readonly delivery: Delivery
  readonly record: CaseRecord
  readonly deployment: Deployment
  /** When the offer was made: every rendering of one delivery says the same, whenever it is rendered. */
  readonly at: Instant
  readonly serviceRequest: ServiceRequest & { id: string }
  readonly patient: Patient & { id: string }
  /** Absent when the delivery is about the case itself. */
  readonly task: Task | undefined
  readonly service: Service
  readonly category: BarsCategory
  /** The service id our answers come back to, and the one the message goes to. */
  readonly ownServiceId: string
  readonly serviceId: string
  readonly accessPoint: Organization & { id: string }
  readonly receiver: Organization & { id: string }
  readonly healthcareService: HealthcareService & { id: string }
}

/** Throws Fault `deployment-invalid` or `required-missing`: a person has to mend what is missing. */
export function readOffer(delivery: Delivery, record: CaseRecord, context: RenderContext): Offer {
  const { deployment, receiver } = context
  const serviceRequest = first(record, 'ServiceRequest', record.caseId)
  const patient = first(record, 'Patient')
  const task = record.resources.find(
    (resource): resource is Task => resource.resourceType === 'Task' && resource.id === delivery.subject,
  )
  const service = serviceOf(delivery, deployment)
  const accessPoint = deployment.partners.get(deployment.accessPoint)
  if (accessPoint === undefined) throw invalid(`no partner is named ${deployment.accessPoint}`, 'accessPoint')
  return {
    delivery,
    record,
    deployment,
    at: delivery.createdAt,
    serviceRequest,
    patient,
    task,
    service,
    category: service.category,
    ownServiceId: ownServiceIdOf(accessPoint),
    serviceId: receivedServiceId(receiver),
    accessPoint: organizationOf(accessPoint, deployment),
    receiver: organizationOf(receiver, deployment),
    healthcareService: healthcareServiceOf(service, receiver, deployment),
  }
}

/** The receiver's own id of the request, once its answer told it (`issuedServiceRequestId`). */
export function issuedIdOf({ delivery }: Offer): { readonly issuedId?: string } {
  const { receiverServiceRequestId: issuedId } = delivery.context
  return typeof issuedId === 'string' ? { issuedId } : {}
}

/** Tasks by which OneDoor itself works a case: an inner matter that no message repeats. */
export const isOwnTask = (task: Task): boolean =>
  task.code?.coding?.some((coding) => coding.system === TASK_CODE) ?? false

function first<T extends 'ServiceRequest' | 'Patient'>(record: CaseRecord, type: T, id?: string) {
  const found = record.resources.find(
    (resource): resource is Extract<CaseRecord['resources'][number], { resourceType: T }> & { id: string } =>
      resource.resourceType === type && resource.id !== undefined && (id === undefined || resource.id === id),
  )
  if (found !== undefined) return found
  throw new Fault('required-missing', `The case holds no ${type}; a BaRS message needs exactly one.`, type)
}

function serviceOf(delivery: Delivery, deployment: Deployment): Service {
  const id = delivery.context['serviceId']
  const service = typeof id === 'string' ? deployment.services.get(id) : undefined
  if (service !== undefined) return service
  throw invalid(`the directory has no service ${JSON.stringify(id)}`, 'Delivery.context.serviceId')
}

function ownServiceIdOf(accessPoint: Partner): string {
  const [own] = serviceIdsOf(accessPoint)
  if (own !== undefined) return own
  throw invalid(
    `partner ${accessPoint.id} has no DoS service id, so a receiver could not answer it; ` +
      `give it an identifier of system ${SYSTEM.dosServiceId}`,
    `partners/${accessPoint.id}`,
  )
}

function receivedServiceId(receiver: Partner): string {
  if (receiver.receives?.channel === 'bars') return receiver.receives.serviceId
  throw invalid(`partner ${receiver.id} does not receive BaRS`, `partners/${receiver.id}`)
}

/** The directory's Organization, completed from the partner where the directory is silent. */
function organizationOf(partner: Partner, deployment: Deployment): Organization & { id: string } {
  const listed = deployment.resources.find(
    (resource): resource is Organization & { id: string } =>
      resource.resourceType === 'Organization' && resource.id === partner.organization,
  )
  const identifier = listed?.identifier ?? partner.identifiers.filter(({ system }) => !isDosServiceId(system))
  return {
    resourceType: 'Organization',
    id: partner.organization,
    ...(identifier.length > 0 ? { identifier: [...identifier] } : {}),
    name: listed?.name ?? partner.name,
    ...(listed?.telecom === undefined ? {} : { telecom: listed.telecom }),
  }
}

/** Section 11: identifier of system dos-service-id, active, name, providedBy. */
function healthcareServiceOf(
  service: Service,
  receiver: Partner,
  deployment: Deployment,
): HealthcareService & { id: string } {
  const listed = deployment.resources.find(
    (resource): resource is HealthcareService & { id: string } =>
      resource.resourceType === 'HealthcareService' && resource.id === service.id,
  )
  const others = (listed?.identifier ?? []).filter(({ system }) => !isDosServiceId(system))
  return {
    resourceType: 'HealthcareService',
    id: service.id,
    identifier: [{ system: SYSTEM.dosServiceId, value: receivedServiceId(receiver) }, ...others],
    active: true,
    providedBy: { reference: `Organization/${receiver.organization}` },
    name: listed?.name ?? service.name,
  }
}

const invalid = (found: string, where: string): Fault =>
  new Fault('deployment-invalid', `The deployment cannot send this offer by BaRS: ${found}.`, where)

/** The ServiceRequest of a message: BaRS's fixed intent, one category with two codings, and the time by which an
 *  answer is needed. */
import type { CodeableConcept, Coding, Period, Reference, ServiceRequest } from 'fhir/r4.js'
import { CATEGORY_DISPLAY, SYSTEM } from '../../codec/bars/terms.js'
import { addMs, parseInstant } from '../../terms/instant.js'
import { CARRIED } from './care-plan.js'
import { barsInstant } from './entries.js'
import type { Offer } from './offer.js'

export interface Links {
  readonly carePlan: string
  readonly encounter: string
  readonly requester: Reference
  /** Keys of the locations it is to happen at. */
  readonly locations: readonly string[]
}

export function requestedService(offer: Offer, links: Links): ServiceRequest {
  const { serviceRequest } = offer
  return {
    ...carried(serviceRequest),
    resourceType: 'ServiceRequest',
    basedOn: [{ reference: links.carePlan }],
    status: 'active',
    intent: 'plan',
    category: [categoryOf(offer)],
    subject: { reference: `Patient/${offer.patient.id}` },
    encounter: { reference: links.encounter },
    occurrencePeriod: answerPeriod(offer),
    authoredOn: serviceRequest.authoredOn ?? barsInstant(offer.at),
    requester: links.requester,
    performer: [{ reference: `HealthcareService/${offer.healthcareService.id}` }],
    ...(links.locations.length === 0
      ? {}
      : { locationReference: links.locations.map((reference) => ({ reference })) }),
  }
}

/** Withdrawn by us: `revoked` when circumstances changed, `entered-in-error` for a mistake (BaRS section 12). */
export function cancelledService(offer: Offer, mistake: boolean, reason: string): ServiceRequest {
  return {
    ...(offer.serviceRequest.identifier === undefined ? {} : { identifier: offer.serviceRequest.identifier }),
    resourceType: 'ServiceRequest',
    status: mistake ? 'entered-in-error' : 'revoked',
    intent: 'plan',
    category: [categoryOf(offer)],
    subject: { reference: `Patient/${offer.patient.id}` },
    occurrencePeriod: answerPeriod(offer),
    reasonCode: [{ text: reason }],
  }
}

const carried = (serviceRequest: ServiceRequest): Partial<ServiceRequest> =>
  Object.fromEntries(
    CARRIED.flatMap((name) => (serviceRequest[name] === undefined ? [] : [[name, serviceRequest[name]]])),
  )

const categoryOf = (offer: Offer): CodeableConcept => ({
  coding: [
    { system: SYSTEM.category, code: offer.category, display: CATEGORY_DISPLAY[offer.category] },
    useCaseOf(offer),
  ],
})

/** A use case two parties agreed has a system of its own: under the national one a receiver must refuse it, and it
 *  would claim a conformance nobody has tested. */
export function useCaseOf({ service }: Offer): Coding {
  if (service.useCase === undefined)
    return { system: SYSTEM.bilateralUseCase, code: service.id, display: service.name }
  const { code, display, bilateral } = service.useCase
  return { system: bilateral ? SYSTEM.bilateralUseCase : SYSTEM.useCase, code, display }
}

/** start = now, end = when the offer goes back to the access point unanswered (the validation breach time). The
 *  period of the referral itself may be months; it comes last. */
function answerPeriod(offer: Offer): Period {
  const start = barsInstant(offer.at)
  const answerDue = offer.task?.restriction?.period?.end ?? pathwayEnd(offer)
  const end = answerDue ?? offer.serviceRequest.occurrencePeriod?.end
  if (end === undefined) return { start }
  const instant = parseInstant(end)
  return { start, end: instant === undefined ? end : barsInstant(instant) }
}

function pathwayEnd({ deployment, service, at }: Offer): string | undefined {
  const pathway = deployment.pathways.find(({ services }) => services.includes(service.id))
  return pathway === undefined ? undefined : addMs(at, pathway.answerWithinMs)
}

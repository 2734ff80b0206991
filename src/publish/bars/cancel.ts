/** A cancellation: the reduced message of BaRS section 12, which withdraws a request sent before. */
import type { Bundle } from 'fhir/r4.js'
import { CANCELLED, REQUEST } from '../../codec/bars/definitions.js'
import { serviceRequestProfile } from '../../codec/bars/terms.js'
import { messageBundle, type Draft } from './entries.js'
import { messageHeader } from './message-header.js'
import { issuedIdOf, type Offer } from './offer.js'
import { barsPatient } from './patient.js'
import { cancelledService } from './service-request.js'

/** What the delivery's context says beyond the case. */
interface Cancellation {
  readonly reason: string
  /** Sent to the wrong service: `entered-in-error` instead of `revoked`. */
  readonly mistake: boolean
}

export function cancelBundle(offer: Offer, softwareVersion: string): Bundle {
  const { reason, mistake } = cancellationOf(offer.delivery.context)
  const parties = [offer.accessPoint, offer.receiver]
  const serviceRequest: Draft = {
    key: `ServiceRequest/${offer.serviceRequest.id}`,
    resource: cancelledService(offer, mistake, reason),
    profiles: [serviceRequestProfile(offer.category)],
    ...issuedIdOf(offer),
  }
  return messageBundle(offer.delivery, offer.at, REQUEST[offer.category].version, [
    messageHeader(offer, { reason: 'update', definition: CANCELLED.url, softwareVersion }),
    serviceRequest,
    { key: `Patient/${offer.patient.id}`, resource: barsPatient(offer.patient, []).patient },
    ...parties.map((resource) => ({ key: `Organization/${resource.id}`, resource })),
  ])
}

function cancellationOf(context: Readonly<Record<string, unknown>>): Cancellation {
  const { reason, mistake } = context
  return {
    reason: typeof reason === 'string' && reason !== '' ? reason : 'Withdrawn by the single point of access',
    mistake: mistake === true,
  }
}

/** Offers and cancellations by BaRS: the `Publisher` that `flow` hands deliveries to. */
import type { Bundle } from 'fhir/r4.js'
import { ACCEPT, encodeHeader } from '../../codec/bars/headers.js'
import { HEADER, SYSTEM } from '../../codec/bars/terms.js'
import type { Publisher } from '../../flow/ports.js'
import type { RenderedDelivery } from '../../store/types.js'
import { Fault } from '../../terms/fault.js'
import { isUuid } from '../../terms/uuid.js'
import type { FhirClient } from '../../wire/fhir-client.js'
import { cancelBundle } from './cancel.js'
import { derivedUuid } from './entries.js'
import { SOFTWARE } from './message-header.js'
import { readOffer, type Offer } from './offer.js'
import { endUserOrganisation, requestingPractitioner } from './people.js'
import { requestBundle } from './request.js'
import { sendBars } from './send.js'
import { useCaseOf } from './service-request.js'

export interface BarsPublisherOptions {
  readonly client: FhirClient
  /** Of this product, for NHSD-Requesting-Software and MessageHeader.source.version. */
  readonly softwareVersion: string
}

export function createBarsPublisher({ client, softwareVersion }: BarsPublisherOptions): Publisher {
  return {
    channel: 'bars',
    // A receiver answers a repeated pair of ids with 409 duplicate and does nothing else (BaRS section 3).
    repeatsSafely: () => true,
    render(delivery, record, context) {
      const offer = readOffer(delivery, record, context)
      return rendered(offer, bundleOf(offer, softwareVersion), softwareVersion)
    },
    send(message, receives, signal) {
      if (receives.channel === 'bars') return sendBars(client, message, receives, signal)
      throw new Fault(
        'deployment-invalid',
        `A BaRS message cannot go to a ${receives.channel} receiver.`,
        'receives',
      )
    },
  }
}

function bundleOf(offer: Offer, softwareVersion: string): Bundle {
  switch (offer.delivery.kind) {
    case 'offer':
      return requestBundle(offer, 'new', softwareVersion)
    case 'update':
      if (offer.category === 'validation') return requestBundle(offer, 'update', softwareVersion)
      throw unsupported('BaRS has no update of a referral: tell the service, or cancel and refer again.')
    case 'cancel':
      return cancelBundle(offer, softwareVersion)
    default:
      throw unsupported(`BaRS carries no delivery of kind ${offer.delivery.kind} to a service.`)
  }
}

const unsupported = (text: string): Fault => new Fault('event-unsupported', text, 'Delivery.kind')

function rendered(offer: Offer, bundle: Bundle, softwareVersion: string): RenderedDelivery {
  const practitioner = requestingPractitioner(offer)
  return {
    body: Buffer.from(JSON.stringify(bundle), 'utf8'),
    contentType: 'application/fhir+json',
    headers: {
      Accept: ACCEPT,
      [HEADER.target]: encodeHeader({ system: SYSTEM.dosServiceId, value: offer.serviceId }),
      [HEADER.requestId]: derivedUuid(offer.delivery.id, 'request'),
      [HEADER.correlationId]: conversationOf(offer),
      [HEADER.organisation]: endUserOrganisation(offer.accessPoint),
      ...(practitioner === undefined ? {} : { [HEADER.practitioner]: practitioner }),
      [HEADER.software]: requestingSoftware(softwareVersion),
      [HEADER.useContext]: useContext(offer),
    },
    // The answer names it in MessageHeader.response.identifier.
    correlation: bundle.id ?? '',
  }
}

/** One conversation per case, on every message about it. */
const conversationOf = ({ record }: Offer): string =>
  isUuid(record.caseId) ? record.caseId : derivedUuid(record.caseId, 'case')

const useContext = (offer: Offer): string =>
  [
    useCaseOf(offer).code ?? '',
    offer.category,
    'servicerequest-request',
    offer.delivery.kind === 'offer' ? 'new' : 'update',
  ].join('|')

const requestingSoftware = (version: string): string =>
  encodeHeader({
    resourceType: 'Device',
    identifier: [{ system: 'https://onedoor.dev/fhir/Id/software', value: 'onedoor' }],
    deviceName: [{ name: SOFTWARE, type: 'manufacturer-name' }],
    version: [{ value: version }],
  })

/** The MessageHeader of a request (BaRS section 7): who asks whom, why, and by which MessageDefinition. */
import type { MessageHeader } from 'fhir/r4.js'
import { endpointOf, EXTENSION, messageHeaderProfile, SYSTEM } from '../../codec/bars/terms.js'
import type { Draft } from './entries.js'
import type { Offer } from './offer.js'

export const SOFTWARE = 'OneDoor'

const EVENT = 'servicerequest-request'

export interface HeaderFacts {
  readonly reason: 'new' | 'update'
  readonly definition: string
  readonly softwareVersion: string
}

export function messageHeader(offer: Offer, facts: HeaderFacts): Draft {
  const phone = offer.accessPoint.telecom?.find(({ system }) => system === 'phone')
  const resource: MessageHeader = {
    resourceType: 'MessageHeader',
    extension: [{ url: EXTENSION.cdss, extension: decisionSupport }],
    eventCoding: { system: SYSTEM.event, code: EVENT },
    destination: [
      {
        endpoint: endpointOf(offer.serviceId),
        receiver: { reference: `Organization/${offer.receiver.id}` },
      },
    ],
    sender: { reference: `Organization/${offer.accessPoint.id}` },
    source: {
      ...(offer.accessPoint.name === undefined ? {} : { name: offer.accessPoint.name }),
      software: SOFTWARE,
      version: facts.softwareVersion,
      ...(phone === undefined ? {} : { contact: phone }),
      endpoint: endpointOf(offer.ownServiceId),
    },
    reason: { coding: [{ system: SYSTEM.reason, code: facts.reason }] },
    focus: [{ reference: `ServiceRequest/${offer.serviceRequest.id}` }],
    definition: facts.definition,
  }
  return { key: 'message-header', resource, profiles: [messageHeaderProfile(EVENT)] }
}

/** Application 4 requires these two; OneDoor decides nothing clinical, and says so. */
const decisionSupport = [
  { url: 'RequesterCDSSsoftware', valueString: 'none used' },
  { url: 'RequesterCDSSversion', valueString: 'not applicable' },
]

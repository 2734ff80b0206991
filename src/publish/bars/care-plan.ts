/** The CarePlan of a request: where BaRS puts the clinical account, one outcomeCodeableConcept per code and the
 *  narrative as text. Everything the message has no other place for is written here, so nothing of the case is lost. */
import type { Annotation, CarePlan, CodeableConcept, FhirResource, ServiceRequest } from 'fhir/r4.js'
import { describe, type NameOf } from '../../codec/bars/narrative.js'
import { barsInstant } from './entries.js'
import type { Offer } from './offer.js'
import { resourceNames } from './resource-name.js'

/** Elements of a ServiceRequest that the message carries as they are (see `service-request.ts`). */
export const CARRIED = [
  'identifier',
  'requisition',
  'supportingInfo',
  'patientInstruction',
  'extension',
  'modifierExtension',
  'contained',
  'language',
  'implicitRules',
] as const

/** Elements told by `concepts`, or whose meaning the message carries by other means. */
const TOLD = new Set<string>([
  ...CARRIED,
  ...['resourceType', 'id', 'meta', 'text', 'status', 'intent', 'subject', 'encounter', 'authoredOn'],
  ...['requester', 'code', 'reasonCode', 'category', 'note'],
])

export interface Untold {
  /** Resources this message's definition has no room for. */
  readonly resources: readonly FhirResource[]
  /** Elements that had to be left out of resources it has room for. */
  readonly lines: readonly string[]
}

export function barsCarePlan(offer: Offer, source: CarePlan | undefined, untold: Untold): CarePlan {
  const { serviceRequest, category } = offer
  const { activity, period, id: _id, status: _status, intent: _intent, ...kept } = source ?? {}
  const concepts = [
    ...codes('Requested', serviceRequest.code),
    ...(serviceRequest.reasonCode ?? []).flatMap((reason) => codes('Reason', reason)),
    ...(serviceRequest.category ?? []).flatMap((each) => codes('Category', each)),
    ...untold.resources.flatMap(codesOfResource),
    ...(serviceRequest.note ?? []).map((note): CodeableConcept => ({
      text: noteInWords(note),
    })),
    ...further(offer, untold),
  ]
  const none = { text: 'The referral gave no clinical details.' }
  return {
    ...kept,
    resourceType: 'CarePlan',
    // A transfer of care hands over finished advice; a validation asks about an open one (BaRS section 8).
    status: category === 'referral' ? 'completed' : 'active',
    intent: 'plan',
    subject: { reference: `Patient/${offer.patient.id}` },
    period: period ?? { start: serviceRequest.authoredOn ?? barsInstant(offer.at) },
    activity: [...(activity ?? []), { outcomeCodeableConcept: concepts.length > 0 ? concepts : [none] }],
  }
}

const noteInWords = ({ text, ...about }: Annotation): string =>
  [`Note: ${text}`, ...describe('Note', about)].join('\n')

/** One concept for each coding, since a receiver looks for its code system concept by concept. */
function codes(label: string, concept: CodeableConcept | undefined): CodeableConcept[] {
  if (concept === undefined) return []
  const text = concept.text === undefined ? label : `${label}: ${concept.text}`
  const codings = concept.coding ?? []
  return codings.length === 0 ? [{ text }] : codings.map((coding) => ({ coding: [coding], text }))
}

function codesOfResource(resource: FhirResource): CodeableConcept[] {
  if (resource.resourceType !== 'Condition' && resource.resourceType !== 'Procedure') return []
  return codes(resource.resourceType, resource.code)
}

/** The rest in one text: resources first, then single elements. */
function further(offer: Offer, untold: Untold): CodeableConcept[] {
  const publicUrl = offer.deployment.publicUrl ?? ''
  const nameOf = resourceNames(offer.record.resources)
  const lines = [
    ...restOf(offer.serviceRequest, nameOf),
    ...untold.resources.flatMap((resource) =>
      describe(resource.resourceType, fetchable(withoutTold(resource), publicUrl), nameOf),
    ),
    ...untold.lines,
  ]
  return lines.length === 0 ? [] : [{ text: ['Further content of the referral', ...lines].join('\n') }]
}

/** The code of these stands in a concept of its own (`codesOfResource`). */
function withoutTold(resource: FhirResource): object {
  if (resource.resourceType !== 'Condition' && resource.resourceType !== 'Procedure') return resource
  const { code: _told, ...rest } = resource
  return rest
}

const restOf = (serviceRequest: ServiceRequest, nameOf: NameOf): string[] =>
  Object.entries(serviceRequest)
    .filter(([name]) => !TOLD.has(name))
    .flatMap(([name, value]) => describe(`ServiceRequest.${name}`, value, nameOf))

/** A file stays at the gateway: its address is written so that the receiver can fetch it there. */
function fetchable(value: unknown, publicUrl: string): unknown {
  if (Array.isArray(value)) return value.map((item) => fetchable(item, publicUrl))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const relative = name === 'url' && typeof inner === 'string' && inner.startsWith('Binary/')
      return [name, relative ? `${publicUrl}/FHIR/R4/${inner}` : fetchable(inner, publicUrl)]
    }),
  )
}

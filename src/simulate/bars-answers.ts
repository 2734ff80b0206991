/** What a BaRS receiver says to a request: the echo with its own ids at once, interim and full answers later. */
import type { Bundle, BundleEntry, CarePlan, Encounter, FhirResource, MessageHeader } from 'fhir/r4.js'
import { RESPONSES, type Definition } from '../codec/bars/definitions.js'
import { readBarsMessage, resourcesOf, type BarsMessage } from '../codec/bars/message.js'
import { BUNDLE_PROFILE, endpointOf, messageHeaderProfile, profileOf, SYSTEM } from '../codec/bars/terms.js'
import type { Instant } from '../terms/instant.js'

export interface Answering {
  readonly newId: () => string
  readonly now: Instant
  /** Its own service id. */
  readonly serviceId: string
}

/** The request with an id on every resource, and the receiver's own planned Encounter (BaRS section 6). */
export function echoOf(request: Bundle, caseNumber: string, answering: Answering): Bundle {
  const sendersEncounter = resourcesOf(request, 'Encounter')[0]
  const planned: Encounter = {
    resourceType: 'Encounter',
    id: answering.newId(),
    meta: metaOf('Encounter', answering.now),
    identifier: [{ system: 'https://receiver.example.org/Id/case-number', value: caseNumber }],
    status: 'planned',
    class: sendersEncounter?.class ?? { system: SYSTEM.actCode, code: 'EMER' },
    ...(sendersEncounter?.subject === undefined ? {} : { subject: sendersEncounter.subject }),
    ...(sendersEncounter?.episodeOfCare === undefined
      ? {}
      : { episodeOfCare: sendersEncounter.episodeOfCare }),
  }
  return {
    ...request,
    entry: [
      ...(request.entry ?? []).map((entry) => withId(entry, answering.newId)),
      { fullUrl: `urn:uuid:${planned.id}`, resource: planned },
    ],
  }
}

/** A request whose ServiceRequest was withdrawn. */
export const isCancellation = ({ serviceRequest }: BarsMessage): boolean =>
  serviceRequest?.status === 'revoked' || serviceRequest?.status === 'entered-in-error'

export type Verdict =
  | { readonly kind: 'accept' }
  | { readonly kind: 'reject'; readonly code: 'FC' | 'RRNA' | 'OTH'; readonly text: string }
  | { readonly kind: 'complete'; readonly text: string }

/** The response message for a verdict, made from the echo that was sent. A validation answers in two steps, a
 *  referral (accepted by the echo itself) only when it is done. */
export function answerMessage(echo: Bundle, verdict: Verdict, answering: Answering): Bundle {
  const message = readBarsMessage(echo)
  const full = verdict.kind === 'complete' && message.category === 'validation'
  const short = message.category === 'referral'
  const definition = short ? RESPONSES.RESPONSE_SHORT : full ? RESPONSES.FULL : RESPONSES.INTERIM
  const own = resourcesOf(echo, 'Encounter').at(-1)
  const kept = (echo.entry ?? []).filter(({ resource }) => fits(resource, definition))
  const entries = kept.map((entry) => revised(entry, own, verdict, full, answering.now))
  const lastUpdated = barsTime(answering.now)
  return {
    resourceType: 'Bundle',
    id: answering.newId(),
    meta: {
      versionId: message.version,
      lastUpdated,
      profile: [BUNDLE_PROFILE],
    },
    type: 'message',
    timestamp: lastUpdated,
    entry: [headerEntry(message, definition, full, `urn:uuid:${own?.id ?? ''}`, answering), ...entries],
  }
}

const fits = (resource: { readonly resourceType: string } | undefined, definition: Definition): boolean =>
  resource !== undefined &&
  resource.resourceType !== 'MessageHeader' &&
  definition.counts[resource.resourceType] !== undefined

function headerEntry(
  message: BarsMessage,
  definition: Definition,
  isUpdate: boolean,
  focus: string,
  { newId, now, serviceId }: Answering,
): BundleEntry {
  const { header } = message
  const receiver = header.sender === undefined ? {} : { receiver: header.sender }
  const sender = header.destination?.[0]?.receiver
  const resource: MessageHeader = {
    resourceType: 'MessageHeader',
    id: newId(),
    meta: { lastUpdated: barsTime(now), profile: [messageHeaderProfile(definition.event)] },
    eventCoding: { system: SYSTEM.event, code: definition.event },
    destination: [{ endpoint: header.source.endpoint, ...receiver }],
    ...(sender === undefined ? {} : { sender }),
    source: { name: 'Simulated service', software: 'OneDoor simulate', endpoint: endpointOf(serviceId) },
    reason: { coding: [{ system: SYSTEM.reason, code: isUpdate ? 'update' : 'new' }] },
    response: { identifier: message.id, code: 'ok' },
    focus: [{ reference: focus }],
    definition: definition.url,
  }
  return { fullUrl: `urn:uuid:${resource.id}`, resource }
}

/** The receiver's Encounter and, in a full answer, the CarePlan are what changed. */
function revised(
  entry: BundleEntry,
  own: Encounter | undefined,
  verdict: Verdict,
  full: boolean,
  now: Instant,
): BundleEntry {
  const { resource } = entry
  if (resource === undefined) return entry
  if (resource === own) return { ...entry, resource: decided(own, verdict, now) }
  if (resource.resourceType === 'CarePlan' && verdict.kind === 'complete') {
    return { ...entry, resource: carriedOut(resource as CarePlan, verdict.text, now) }
  }
  if (resource.resourceType === 'ServiceRequest' && !full) {
    // Plan, place and findings are not part of an interim answer.
    const {
      basedOn: _plan,
      locationReference: _place,
      supportingInfo: _findings,
      ...rest
    } = resource as FhirResource & Record<string, unknown>
    return { ...entry, resource: rest as unknown as FhirResource }
  }
  return entry
}

function decided(own: Encounter, verdict: Verdict, now: Instant): Encounter {
  const meta = metaOf('Encounter', now)
  const purpose = {
    coding: [
      {
        system: SYSTEM.encounterReason,
        code: 'validation-triage-outcome',
        display: 'Validation of triage outcome',
      },
    ],
  }
  const start = { start: now }
  switch (verdict.kind) {
    case 'accept':
      return { ...own, meta, status: 'in-progress', period: start, reasonCode: [purpose] }
    case 'complete':
      return {
        ...own,
        meta,
        status: 'finished',
        period: { ...start, end: now },
        reasonCode: [purpose],
      }
    case 'reject': {
      const coding = [{ system: SYSTEM.rejectedReason, code: verdict.code }]
      return { ...own, meta, status: 'cancelled', reasonCode: [{ coding, text: verdict.text }] }
    }
  }
}

const carriedOut = (plan: CarePlan, text: string, now: Instant): CarePlan => ({
  ...plan,
  meta: metaOf('CarePlan', now),
  status: 'completed',
  activity: [{ outcomeCodeableConcept: [{ text }] }],
})

const withId = (entry: BundleEntry, newId: () => string): BundleEntry =>
  entry.resource === undefined
    ? entry
    : { ...entry, resource: { ...entry.resource, id: entry.resource.id ?? newId() } }

const metaOf = (type: string, now: Instant) => ({ lastUpdated: barsTime(now), profile: [profileOf(type)] })

const barsTime = (now: Instant): string => now.replace('Z', '0000+00:00')

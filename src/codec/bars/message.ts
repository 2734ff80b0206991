/** A BaRS message taken apart: what it is about, who sends it to whom, and the resources its meaning hangs on. */
import type { Bundle, Coding, Encounter, FhirResource, MessageHeader, ServiceRequest } from 'fhir/r4.js'
import { Fault } from '../../terms/fault.js'
import { brokenCounts, definitionOf } from './definitions.js'
import { serviceIdOf, SYSTEM } from './terms.js'

export interface BarsMessage {
  readonly bundle: Bundle
  /** `Bundle.id`, by which an answer names the request. */
  readonly id: string
  /** Application version (`Bundle.meta.versionId`). */
  readonly version: string
  readonly event: string
  /** `new`, `update`; undefined when the header names none. */
  readonly reason: string | undefined
  /** `referral`, `validation`, `request`. */
  readonly category: string | undefined
  readonly useCase: Coding | undefined
  readonly sourceServiceId: string | undefined
  readonly destinationServiceId: string | undefined
  /** Bundle.id of the request it answers. */
  readonly responseIdentifier: string | undefined
  readonly header: MessageHeader
  readonly serviceRequest: ServiceRequest | undefined
  readonly focus: FhirResource | undefined
}

/** Reads what every BaRS message has. Throws Fault `json-invalid` when it is no message Bundle at all, and
 *  `required-missing` for what BaRS answers with 400 invariant. */
export function readBarsMessage(value: unknown): BarsMessage {
  const bundle = messageBundleOf(value)
  const header = onlyHeader(bundle)
  const version = bundle.meta?.versionId
  if (version === undefined) throw missing('the version of the application', 'Bundle.meta.versionId')
  if (bundle.id === undefined) throw missing('the id of the message', 'Bundle.id')
  const serviceRequest = resourcesOf(bundle, 'ServiceRequest')[0]
  const codings = serviceRequest?.category?.flatMap(({ coding }) => coding ?? []) ?? []
  return {
    bundle,
    id: bundle.id,
    version,
    event: codeOf(header.eventCoding, SYSTEM.event, /\/message-event(s-bars|-servicerequest)$/) ?? '',
    reason: header.reason?.coding?.map(({ code }) => code).find((code) => code !== undefined),
    category: codings.find(({ system }) => system === SYSTEM.category)?.code,
    // The same coding in a system of ours marks a use case two parties agreed.
    useCase: codings.find(({ system }) => system === SYSTEM.useCase || system === SYSTEM.bilateralUseCase),
    sourceServiceId: serviceIdOf(header.source?.endpoint),
    destinationServiceId: serviceIdOf(header.destination?.[0]?.endpoint),
    responseIdentifier: header.response?.identifier?.replace(/^urn:uuid:/i, ''),
    header,
    serviceRequest,
    focus: resolve(bundle, header.focus?.[0]?.reference),
  }
}

/** Breaking a MessageDefinition's counts must be refused (BaRS section 7). Throws Fault `resource-invalid`. */
export function requireDefinition(message: BarsMessage): void {
  const canonical = message.header.definition
  if (canonical === undefined) throw missing('the MessageDefinition it follows', 'MessageHeader.definition')
  const definition = definitionOf(canonical)
  if (definition === undefined || definition.event !== message.event) {
    const text = `Found a MessageDefinition that is not read for ${message.event}; see GET /MessageDefinition.`
    throw new Fault('event-unsupported', text, 'MessageHeader.definition')
  }
  const [first] = brokenCounts(message.bundle, definition)
  if (first === undefined) return
  throw new Fault('resource-invalid', `The message breaks its MessageDefinition: ${first}.`, 'Bundle.entry')
}

/** The Encounter the responder opened: the focus, else the one the request did not come from. A third one, for an
 *  ambulance the responder raised, has an identifier of the ambulance dispatch system. */
export function responderEncounter(message: BarsMessage): Encounter | undefined {
  if (message.focus?.resourceType === 'Encounter') return message.focus
  const senders = resolve(message.bundle, message.serviceRequest?.encounter?.reference)
  const others = resourcesOf(message.bundle, 'Encounter').filter((encounter) => encounter !== senders)
  return others.find((encounter) => !isAmbulance(encounter)) ?? others[0]
}

const isAmbulance = (encounter: Encounter): boolean =>
  encounter.identifier?.some(({ system }) => system === 'urn:oid:2.16.840.1.113883.2.1.3.2.4.18.20') ?? false

export const resourcesOf = <T extends FhirResource['resourceType']>(bundle: Bundle, type: T) =>
  (bundle.entry ?? [])
    .map(({ resource }) => resource)
    .filter(
      (resource): resource is Extract<FhirResource, { resourceType: T }> => resource?.resourceType === type,
    )

/** By fullUrl, or by `Type/id` as updates of some senders refer. */
function resolve(bundle: Bundle, reference: string | undefined): FhirResource | undefined {
  if (reference === undefined) return undefined
  const entry = bundle.entry?.find(
    ({ fullUrl, resource }) =>
      fullUrl === reference || `${resource?.resourceType}/${resource?.id ?? ''}` === reference,
  )
  return entry?.resource as FhirResource | undefined
}

function messageBundleOf(value: unknown): Bundle {
  const isObject = typeof value === 'object' && value !== null
  if (isObject && 'resourceType' in value && value.resourceType === 'Bundle' && 'type' in value) {
    const hasEntries = 'entry' in value && Array.isArray(value.entry)
    // Entries are read member by member with every member optional.
    if (value.type === 'message' && hasEntries) return value as Bundle
  }
  throw new Fault(
    'json-invalid',
    'Found no Bundle of type message; expected one with entries.',
    'Bundle.type',
  )
}

function onlyHeader(bundle: Bundle): MessageHeader {
  const headers = resourcesOf(bundle, 'MessageHeader')
  if (headers.length === 1 && headers[0] !== undefined) return headers[0]
  const text = `Found ${headers.length} MessageHeaders; expected exactly one.`
  throw new Fault('required-missing', text, 'Bundle.entry')
}

const codeOf = (coding: Coding | undefined, system: string, legacy: RegExp): string | undefined =>
  coding?.system === system || legacy.test(coding?.system ?? '') ? coding?.code : undefined

const missing = (what: string, where: string): Fault =>
  new Fault(
    'required-missing',
    `The message does not give ${what}; add it and send the message again.`,
    where,
  )

/** A request, new or changed: the whole case as one `servicerequest-request` message of the category its service answers to
 *  (BaRS Application 4 for `validation`; the general referral for `referral`). */
import type {
  Bundle,
  CarePlan,
  Consent,
  FhirResource,
  Flag,
  Location,
  Observation,
  RelatedPerson,
} from 'fhir/r4.js'
import { REQUEST } from '../../codec/bars/definitions.js'
import { profileOf, SCENE_SAFETY_PROFILE, serviceRequestProfile, SYSTEM } from '../../codec/bars/terms.js'
import { barsCarePlan } from './care-plan.js'
import { barsEncounter } from './encounter.js'
import { barsInstant, messageBundle, type Draft } from './entries.js'
import { messageHeader } from './message-header.js'
import { isOwnTask, issuedIdOf, type Offer } from './offer.js'
import { barsPatient } from './patient.js'
import { peopleOf } from './people.js'
import { requestedService } from './service-request.js'
import { withMedicationInside } from './medication.js'

/** Bookkeeping of the gateway, never part of what a sender said about a patient. */
const INNER = new Set(['Provenance', 'AuditEvent', 'MessageHeader', 'EpisodeOfCare', 'Bundle', 'Binary'])
/** Handled by a function of their own. */
const HANDLED = new Set([
  ...['ServiceRequest', 'Patient', 'Organization', 'Practitioner', 'PractitionerRole'],
  ...['CarePlan', 'Encounter', 'Location', 'HealthcareService', 'Consent', 'Flag'],
])

/** `update` repeats the whole with what has changed; the receiver's own id says of which request (section 12). */
export function requestBundle(offer: Offer, reason: 'new' | 'update', softwareVersion: string): Bundle {
  const definition = REQUEST[offer.category]
  const { encounter, key: encounterKey, lines: encounterLines } = barsEncounter(offer)
  const people = peopleOf(offer)
  const places = placesOf(offer)
  const clinical = clinicalOf(offer, encounterKey)
  const plans = ofType<CarePlan>(offer, 'CarePlan')
  const relatives = offer.category === 'referral' ? [] : ofType<RelatedPerson>(offer, 'RelatedPerson')
  const { patient, birthSex, lines: patientLines } = barsPatient(offer.patient, relatives)
  const untold = {
    resources: [
      ...clinical.untold,
      ...places.untold,
      ...ofType(offer, 'Encounter').filter(({ id }) => `Encounter/${id ?? ''}` !== encounterKey),
      ...ofType(offer, 'HealthcareService').filter(({ id }) => id !== offer.healthcareService.id),
      ...ofType(offer, 'ServiceRequest').filter(({ id }) => id !== offer.serviceRequest.id),
      ...ofType(offer, 'Patient').filter(({ id }) => id !== offer.patient.id),
      ...plans.slice(1),
    ],
    lines: [...patientLines, ...encounterLines],
  }
  const links = {
    carePlan: plans[0] === undefined ? 'care-plan' : `CarePlan/${plans[0].id ?? ''}`,
    encounter: encounterKey,
    requester: people.requester,
    locations: places.drafts.map(({ key }) => key),
  }
  return messageBundle(offer.delivery, offer.at, definition.version, [
    messageHeader(offer, { reason, definition: definition.url, softwareVersion }),
    {
      key: `ServiceRequest/${offer.serviceRequest.id}`,
      resource: requestedService(offer, links),
      profiles: [serviceRequestProfile(offer.category)],
      ...issuedIdOf(offer),
    },
    draftOf(offer.healthcareService),
    { key: encounterKey, resource: encounter },
    { key: links.carePlan, resource: withEncounter(barsCarePlan(offer, plans[0], untold), encounterKey) },
    { key: `Patient/${offer.patient.id}`, resource: patient },
    ...people.drafts,
    ...places.drafts,
    ...clinical.drafts,
    ...(birthSex === undefined
      ? []
      : [{ key: 'birth-sex', resource: withEncounter(birthSex, encounterKey) }]),
    ...flagsOf(offer, encounterKey, places.drafts[0]?.key),
    ...consentsOf(offer),
  ])
}

const ofType = <T extends FhirResource>(offer: Offer, type: T['resourceType']): T[] =>
  offer.record.resources.filter((resource): resource is T => resource.resourceType === type)

const draftOf = (resource: FhirResource): Draft => ({
  key: `${resource.resourceType}/${resource.id ?? ''}`,
  resource,
})

const withEncounter = <T extends CarePlan | Observation | Flag>(resource: T, key: string): T =>
  resource.encounter === undefined ? { ...resource, encounter: { reference: key } } : resource

interface Clinical {
  readonly drafts: readonly Draft[]
  readonly untold: readonly FhirResource[]
}

/** What the definition has room for travels as it is; the rest goes into the care plan's text. */
function clinicalOf(offer: Offer, encounterKey: string): Clinical {
  const { counts } = REQUEST[offer.category]
  const rest = offer.record.resources.filter(
    (resource) =>
      !INNER.has(resource.resourceType) &&
      !HANDLED.has(resource.resourceType) &&
      !(resource.resourceType === 'Task' && isOwnTask(resource)),
  )
  const drafts: Draft[] = []
  const untold: FhirResource[] = []
  const room = new Map(Object.entries(counts).map(([type, { max }]) => [type, max ?? Infinity]))
  for (const resource of rest) {
    const left = room.get(resource.resourceType) ?? 0
    if (left === 0 || isUnfinished(resource)) {
      untold.push(resource)
      continue
    }
    room.set(resource.resourceType, left - 1)
    const whole = withMedicationInside(resource, offer.record.resources)
    drafts.push(draftOf(whole.resourceType === 'Observation' ? finished(whole, encounterKey) : whole))
  }
  return { drafts, untold }
}

/** BaRS fixes Observation.status to `final`: what is not a result yet is told in words, never made one. */
const isUnfinished = (resource: FhirResource): boolean =>
  resource.resourceType === 'Observation' && !['final', 'amended', 'corrected'].includes(resource.status)

function finished(observation: Observation, encounterKey: string): Observation {
  const linked = withEncounter(observation, encounterKey)
  if (observation.status === 'final') return linked
  const note = { text: `Status at its source: ${observation.status}` }
  return { ...linked, status: 'final', note: [...(observation.note ?? []), note] }
}

interface Places {
  readonly drafts: readonly Draft[]
  readonly untold: readonly FhirResource[]
}

/** A validation names exactly one place: the one the request names, else the patient's home. */
function placesOf(offer: Offer): Places {
  const locations = ofType<Location>(offer, 'Location')
  if (offer.category === 'referral') return { drafts: locations.map(draftOf), untold: [] }
  const named = offer.serviceRequest.locationReference?.map(({ reference }) => reference) ?? []
  const chosen = locations.find(({ id }) => named.includes(`Location/${id ?? ''}`))
  if (chosen !== undefined) {
    return { drafts: [draftOf(chosen)], untold: locations.filter((location) => location !== chosen) }
  }
  return { drafts: [{ key: 'location', resource: homeOf(offer) }], untold: locations }
}

function homeOf({ patient }: Offer): Location {
  const address = patient.address?.find(({ use }) => use === 'home') ?? patient.address?.[0]
  const known = address === undefined ? 'Location of the patient not known' : "Patient's address"
  return { resourceType: 'Location', name: known, ...(address === undefined ? {} : { address }) }
}

const isSceneSafety = (flag: Flag): boolean =>
  flag.category?.some((category) =>
    category.coding?.some(({ system, code }) => system === SYSTEM.flagCategory && code === 'SS'),
  ) ?? false

/** A validation says exactly once whether the scene is safe; where nobody asked, that is what it says. */
function flagsOf(offer: Offer, encounterKey: string, locationKey: string | undefined): Draft[] {
  const flags = ofType<Flag>(offer, 'Flag').map((flag) => withEncounter(flag, encounterKey))
  const drafts = flags.map(draftOf)
  if (offer.category !== 'validation' || flags.some(isSceneSafety)) return drafts
  const unknown: Flag = {
    resourceType: 'Flag',
    status: 'active',
    category: [{ coding: [{ system: SYSTEM.flagCategory, code: 'SS', display: 'Scene Safety' }] }],
    code: {
      coding: [{ system: SYSTEM.sceneSafety, code: 'UNK', display: 'Unknown' }],
      text: 'The referral does not say whether the scene is safe',
    },
    subject: { reference: locationKey ?? `Patient/${offer.patient.id}` },
    encounter: { reference: encounterKey },
  }
  const profiles = [profileOf('Flag'), SCENE_SAFETY_PROFILE]
  return [...drafts, { key: 'scene-safety', resource: unknown, profiles }]
}

/** Direct care rests on implied consent; what the case says about consent goes along unchanged. */
function consentsOf(offer: Offer): Draft[] {
  const consents = ofType<Consent>(offer, 'Consent')
  const isDirectCare = (consent: Consent): boolean =>
    consent.category.some((category) => category.coding?.some(({ code }) => code === 'DRC'))
  if (consents.some(isDirectCare)) return consents.map(draftOf)
  const implied: Consent = {
    resourceType: 'Consent',
    status: 'active',
    scope: { coding: [{ system: SYSTEM.consentScope, code: 'patient-privacy', display: 'Privacy Consent' }] },
    category: [{ coding: [{ system: SYSTEM.consentCategory, code: 'DRC', display: 'Direct Care' }] }],
    patient: { reference: `Patient/${offer.patient.id}` },
    dateTime: barsInstant(offer.at),
    policyRule: { coding: [{ system: SYSTEM.actCode, code: 'IMPLIED', display: 'implied' }] },
  }
  return [...consents.map(draftOf), { key: 'consent', resource: implied }]
}

/** What routing looks at, taken from the resources of a case. */
import type {
  Address,
  CodeableConcept,
  Condition,
  FhirResource,
  HumanName,
  Identifier,
  Reference,
  ServiceRequest,
} from 'fhir/r4.js'
import type { NamedTarget } from '../directory/named-service.js'
import type { Instant } from '../terms/instant.js'

/** A code with where it stood: what is asked for says more about the need than a diagnosis in the history. */
export interface CodeOfNeed {
  readonly system?: string
  readonly code: string
  readonly from: 'code' | 'reason' | 'condition' | 'category'
}

export interface RoutingFacts {
  /** Strongest evidence first: ServiceRequest.code, reasonCode, Condition.code, ServiceRequest.category. */
  readonly codes: readonly CodeOfNeed[]
  readonly named: NamedTarget
  /** Of the place where the patient is: incident, temporary address, home. */
  readonly postcode?: string
  /** `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, as precise as the sender was. */
  readonly birthDate?: string
  readonly priority?: NonNullable<ServiceRequest['priority']>
  /** Services not to be asked again: they have said no or did not answer. */
  readonly excluded: readonly string[]
}

type Resources = readonly FhirResource[]

/** Facts of the first ServiceRequest among `resources`. Without one there is nothing to route by, and the
 *  facts are empty. */
export function factsOf(resources: Resources, now: Instant, excluded: readonly string[] = []): RoutingFacts {
  const request = resources.find((each) => each.resourceType === 'ServiceRequest')
  const patient = resources.find((each) => each.resourceType === 'Patient')
  const postcode = postcodeOf(resources, now)
  return {
    codes: codesOf(resources, request),
    named: namedTargetOf(resources, request?.performer ?? []),
    ...(postcode === undefined ? {} : { postcode }),
    ...(patient?.birthDate === undefined ? {} : { birthDate: patient.birthDate }),
    ...(request?.priority === undefined ? {} : { priority: request.priority }),
    excluded,
  }
}

function codesOf(resources: Resources, request: ServiceRequest | undefined): readonly CodeOfNeed[] {
  const conditions = resources.flatMap((each) =>
    each.resourceType === 'Condition' && each.code !== undefined && isPresent(each) ? [each.code] : [],
  )
  return [
    ...(request?.code === undefined ? [] : codings(request.code, 'code')),
    ...(request?.reasonCode ?? []).flatMap((concept) => codings(concept, 'reason')),
    ...conditions.flatMap((concept) => codings(concept, 'condition')),
    ...(request?.category ?? []).flatMap((concept) => codings(concept, 'category')),
  ]
}

/** Neither ruled out nor over: a refuted diagnosis shows no need. */
function isPresent({ clinicalStatus, verificationStatus }: Condition): boolean {
  const codes = [...(clinicalStatus?.coding ?? []), ...(verificationStatus?.coding ?? [])].map(
    ({ code }) => code,
  )
  return !['inactive', 'remission', 'resolved', 'refuted', 'entered-in-error'].some((code) =>
    codes.includes(code),
  )
}

/** A concept that was only written in words is compared by its words. */
function codings({ coding, text }: CodeableConcept, from: CodeOfNeed['from']): readonly CodeOfNeed[] {
  const coded = (coding ?? []).flatMap(({ system, code }) =>
    code === undefined ? [] : [system === undefined ? { code, from } : { system, code, from }],
  )
  return coded.length > 0 || text === undefined ? coded : [{ code: text, from }]
}

function namedTargetOf(resources: Resources, performers: readonly Reference[]): NamedTarget {
  const identifiers: { system?: string; value: string }[] = []
  const names: string[] = []
  const add = ({ system, value }: Identifier): void => {
    if (value !== undefined) identifiers.push(system === undefined ? { value } : { system, value })
  }
  const seen = new Set<FhirResource>()
  const visit = (reference: Reference | undefined): void => {
    if (reference === undefined) return
    if (reference.identifier !== undefined) add(reference.identifier)
    if (reference.display !== undefined) names.push(reference.display)
    const target = resolve(resources, reference)
    if (target === undefined || seen.has(target)) return
    seen.add(target)
    const known = namesOf(target)
    known.identifiers.forEach(add)
    names.push(...known.names)
    known.references.forEach(visit)
  }
  performers.forEach(visit)
  return { identifiers, names: names.filter((name) => name.trim() !== '') }
}

interface Names {
  readonly identifiers: readonly Identifier[]
  readonly names: readonly string[]
  /** Where the rest of the name stands: the organization behind a role. */
  readonly references: readonly (Reference | undefined)[]
}

function namesOf(resource: FhirResource): Names {
  switch (resource.resourceType) {
    case 'PractitionerRole': {
      const { identifier = [], practitioner, organization, healthcareService = [], location = [] } = resource
      const references = [practitioner, organization, ...healthcareService, ...location]
      return { identifiers: identifier, names: [], references }
    }
    case 'Practitioner': {
      const { identifier = [], name = [] } = resource
      return { identifiers: identifier, names: name.map(spokenName), references: [] }
    }
    case 'CareTeam':
    case 'Device':
      return { identifiers: resource.identifier ?? [], names: [], references: [] }
    case 'Organization':
    case 'HealthcareService':
    case 'Location': {
      const { identifier = [], name } = resource
      return { identifiers: identifier, names: name === undefined ? [] : [name], references: [] }
    }
    default:
      return { identifiers: [], names: [], references: [] }
  }
}

/** Services written into a name field stand in the family name alone (PRD-2). */
const spokenName = ({ text, given = [], family }: HumanName): string =>
  text ?? [...given, family ?? ''].join(' ').trim()

function resolve(resources: Resources, { reference }: Reference): FhirResource | undefined {
  if (reference === undefined) return undefined
  const id = reference
    .replace(/^urn:uuid:/, '')
    .split('/')
    .at(-1)
  const type = /^([A-Za-z]+)\/[^/]+$/.exec(reference)?.[1]
  return resources.find((each) => each.id === id && (type === undefined || each.resourceType === type))
}

/** An incident or a daughter's house comes before the registered home: the service goes where the patient is. */
function postcodeOf(resources: Resources, now: Instant): string | undefined {
  const request = resources.find((each) => each.resourceType === 'ServiceRequest')
  const incident = (request?.locationReference ?? []).flatMap((reference) => {
    const place = resolve(resources, reference)
    return place?.resourceType === 'Location' && place.address !== undefined ? [place.address] : []
  })
  const patient = resources.find((each) => each.resourceType === 'Patient')
  const usual = [...(patient?.address ?? [])]
    .filter((address) => address.use !== 'old' && address.use !== 'billing' && holdsAt(address, now))
    .sort((a, b) => rankOf(a) - rankOf(b))
  return [...incident, ...usual].find(({ postalCode }) => (postalCode ?? '').trim() !== '')?.postalCode
}

/** Compared as far as the sender was exact: a stay that ends in `2026-11` holds all November. */
function holdsAt({ period }: Address, now: Instant): boolean {
  const { start, end } = period ?? {}
  const begun = start === undefined || start.slice(0, 10) <= now.slice(0, Math.min(10, start.length))
  const over = end !== undefined && end.slice(0, 10) < now.slice(0, Math.min(10, end.length))
  return begun && !over
}

const rankOf = ({ use }: Address): number => (use === 'temp' ? 0 : use === 'home' ? 1 : 2)

/** The FHIR face of a deployment: Organization, HealthcareService, Location and Endpoint made from its partners
 *  and services, so that nothing is written twice. Ids are the deployment's own and never change. */
import type {
  Endpoint,
  HealthcareService,
  HealthcareServiceAvailableTime,
  Location,
  Organization,
} from 'fhir/r4.js'
import type { Entry } from './entries.js'
import type { PartnerEntry } from './schema-partners.js'
import type { ServiceEntry } from './schema-services.js'
import type { Deployment, DirectoryResource, Partner, Receives, Service } from './types.js'

type Known = Pick<Deployment, 'partners' | 'services' | 'pathways'>

export function directoryResources(
  known: Known,
  partners: readonly Entry<PartnerEntry>[],
  services: readonly Entry<ServiceEntry>[],
): readonly DirectoryResource[] {
  return [
    ...partners.flatMap(({ id, value }) => (isOwnOrganization(id, value) ? [organizationOf(id, value)] : [])),
    ...[...known.partners.values()].flatMap((partner) => endpointOf(partner) ?? []),
    ...services.flatMap(({ id, value }) => {
      const service = known.services.get(id)
      return service === undefined ? [] : serviceResources(known, service, value)
    }),
  ]
}

/** A partner that belongs to another one's organization has none of its own. */
export const isOwnOrganization = (id: string, { organization = id }: PartnerEntry): boolean =>
  organization === id

function organizationOf(id: string, { name, identifiers = [] }: PartnerEntry): DirectoryResource {
  const organization: Organization & { id: string } = { resourceType: 'Organization', id, active: true, name }
  if (identifiers.length > 0) organization.identifier = identifiers.map((each) => ({ ...each }))
  return organization
}

const CONNECTION_TYPES = {
  bars: 'hl7-fhir-msg',
  fhir: 'hl7-fhir-rest',
  hl7v2: 'hl7v2-mllp',
} as const satisfies Record<Receives['channel'], string>

function endpointOf({ id, name, organization, receives }: Partner): DirectoryResource | undefined {
  if (receives === undefined) return undefined
  const endpoint: Endpoint & { id: string } = {
    resourceType: 'Endpoint',
    id,
    status: 'active',
    connectionType: {
      system: 'http://terminology.hl7.org/CodeSystem/endpoint-connection-type',
      code: CONNECTION_TYPES[receives.channel],
    },
    name,
    managingOrganization: { reference: `Organization/${organization}` },
    payloadType: [
      { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/endpoint-payload-type', code: 'any' }] },
    ],
    address: receives.channel === 'hl7v2' ? `mllp://${receives.host}:${receives.port}` : receives.url,
  }
  return endpoint
}

function serviceResources(known: Known, service: Service, entry: ServiceEntry): readonly DirectoryResource[] {
  const area = areaOf(service, entry)
  return area === undefined
    ? [healthcareServiceOf(known, service, entry)]
    : [healthcareServiceOf(known, service, entry, area.id), area]
}

function healthcareServiceOf(
  known: Known,
  service: Service,
  entry: ServiceEntry,
  area?: string,
): DirectoryResource {
  const partner = known.partners.get(service.partner)
  const types = known.pathways
    .filter(({ need }) => service.needs.includes(need))
    .map(({ name }) => ({ text: name }))
  const resource: HealthcareService & { id: string } = {
    resourceType: 'HealthcareService',
    id: service.id,
    active: true,
    name: service.name,
  }
  if (entry.identifiers !== undefined) resource.identifier = entry.identifiers.map((each) => ({ ...each }))
  if (partner !== undefined) resource.providedBy = { reference: `Organization/${partner.organization}` }
  if (types.length > 0) resource.type = types
  if (entry.description !== undefined) resource.comment = entry.description
  if (entry.phone !== undefined) resource.telecom = [{ system: 'phone', value: entry.phone }]
  if (area !== undefined) resource.coverageArea = [{ reference: `Location/${area}` }]
  const ages = agesOf(service)
  if (ages !== undefined) resource.eligibility = [{ comment: ages }]
  resource.availableTime = availableTimes(service)
  if (service.closures !== undefined && service.closures.length > 0) {
    resource.notAvailable = service.closures.map(({ from, to, reason }) => ({
      description: reason,
      during: { start: from, end: to },
    }))
  }
  if (partner?.receives !== undefined) resource.endpoint = [{ reference: `Endpoint/${partner.id}` }]
  return resource
}

/** FHIR has no time 24:00: a stretch to the end of the day ends in its last second. */
function availableTimes({ hours }: Service): HealthcareServiceAvailableTime[] {
  if (hours.length === 0)
    return [{ daysOfWeek: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], allDay: true }]
  return hours.map(({ days, from, to }) =>
    from === '00:00' && to === '24:00'
      ? { daysOfWeek: [...days], allDay: true }
      : {
          daysOfWeek: [...days],
          availableStartTime: `${from}:00`,
          availableEndTime: to === '24:00' ? '23:59:59' : `${to}:00`,
        },
  )
}

function agesOf({ minAgeYears, maxAgeYears }: Service): string | undefined {
  if (minAgeYears === undefined && maxAgeYears === undefined) return undefined
  return `Age in full years: ${minAgeYears ?? 0} to ${maxAgeYears ?? 'any'}`
}

function areaOf({ id, name }: Service, { postcodes = [] }: ServiceEntry): DirectoryResource | undefined {
  if (postcodes.length === 0) return undefined
  const area: Location & { id: string } = {
    resourceType: 'Location',
    id: `${id}-area`,
    status: 'active',
    name: `Area of ${name}`,
    description: `Postcodes: ${postcodes.join(', ')}`,
    mode: 'kind',
    physicalType: {
      coding: [
        {
          system: 'http://terminology.hl7.org/CodeSystem/location-physical-type',
          code: 'area',
          display: 'Area',
        },
      ],
    },
  }
  return area
}

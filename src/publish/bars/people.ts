/** Organizations, practitioners and their roles of one message. BaRS needs at least one practitioner with a role;
 *  where the case names nobody, the message says so instead of inventing a person. */
import type { FhirResource, Organization, Practitioner, PractitionerRole, Reference } from 'fhir/r4.js'
import { SYSTEM } from '../../codec/bars/terms.js'
import { encodeHeader } from '../../codec/bars/headers.js'
import type { Draft } from './entries.js'
import type { Offer } from './offer.js'

const NOBODY = 'unnamed-practitioner'
const NOBODYS_ROLE = 'unnamed-practitioner-role'

export interface People {
  readonly drafts: readonly Draft[]
  /** ServiceRequest.requester is a Practitioner in BaRS. */
  readonly requester: Reference
}

type Sourced<T> = T & { readonly id: string }

const ofType = <T extends FhirResource['resourceType']>(offer: Offer, type: T) =>
  offer.record.resources.filter(
    (resource): resource is Sourced<Extract<FhirResource, { resourceType: T }>> =>
      resource.resourceType === type && resource.id !== undefined,
  )

export function peopleOf(offer: Offer): People {
  const practitioners = ofType(offer, 'Practitioner')
  const roles = ofType(offer, 'PractitionerRole')
  const asked = offer.serviceRequest.requester?.reference ?? ''
  const role = roles.find(({ id }) => asked === `PractitionerRole/${id}`)
  const named = role?.practitioner?.reference ?? (asked.startsWith('Practitioner/') ? asked : undefined)
  const known = practitioners.find(({ id }) => named === `Practitioner/${id}`)
  const drafts: Draft[] = [
    ...organizations(offer),
    ...practitioners.map((practitioner) => draftOf(practitioner)),
    ...roles.map((each) => draftOf(each)),
  ]
  const needsNobody = known === undefined
  if (needsNobody) drafts.push({ key: NOBODY, resource: nobody(offer) })
  if (roles.length === 0) drafts.push(roleFor(offer, known))
  return { drafts, requester: { reference: needsNobody ? NOBODY : `Practitioner/${known.id}` } }
}

const draftOf = (resource: Sourced<FhirResource>): Draft => ({
  key: `${resource.resourceType}/${resource.id}`,
  resource,
})

/** Ours, theirs, and every organization the case names; the directory's word on the first two. */
function organizations(offer: Offer): Draft[] {
  const parties = [offer.accessPoint, offer.receiver]
  const others = ofType(offer, 'Organization').filter(({ id }) => !parties.some((party) => party.id === id))
  return [...new Map([...parties, ...others].map((each) => [each.id, each])).values()].map(draftOf)
}

function nobody(offer: Offer): Practitioner {
  const name = offer.serviceRequest.requester?.display ?? 'Not named in the referral'
  return { resourceType: 'Practitioner', name: [{ text: name }] }
}

function roleFor(offer: Offer, practitioner: Sourced<Practitioner> | undefined): Draft {
  const asked = offer.serviceRequest.requester?.reference ?? ''
  const organization = ofType(offer, 'Organization').find(({ id }) => asked === `Organization/${id}`)
  const resource: PractitionerRole = {
    resourceType: 'PractitionerRole',
    practitioner: { reference: practitioner === undefined ? NOBODY : `Practitioner/${practitioner.id}` },
    organization: { reference: `Organization/${organization?.id ?? offer.accessPoint.id}` },
  }
  return { key: NOBODYS_ROLE, resource }
}

/** NHSD-End-User-Organisation: a FHIR Organization with ODS code and name. */
export function endUserOrganisation(organization: Organization): string {
  const identifier = organization.identifier?.filter(({ system }) => system === SYSTEM.odsCode) ?? []
  const { name } = organization
  return encodeHeader({ resourceType: 'Organization', identifier, ...(name === undefined ? {} : { name }) })
}

/** NHSD-Requesting-Practitioner, sent only when the referrer's SDS role profile id is known. */
export function requestingPractitioner(offer: Offer): string | undefined {
  for (const role of ofType(offer, 'PractitionerRole')) {
    const identifier = role.identifier?.filter(({ system }) => system === SYSTEM.roleProfileId) ?? []
    if (identifier.length === 0) continue
    const code = role.code === undefined ? {} : { code: role.code }
    return encodeHeader({ resourceType: 'PractitionerRole', identifier, ...code })
  }
  return undefined
}

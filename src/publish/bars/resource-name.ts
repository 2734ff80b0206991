/** What a person would call a resource: how the care plan's text speaks of it instead of by its id. */
import type { FhirResource, HumanName } from 'fhir/r4.js'
import type { NameOf } from '../../codec/bars/narrative.js'

/** Undefined for the patient and the encounter, of whom the whole message speaks. */
export function resourceNames(resources: readonly FhirResource[]): NameOf {
  const byReference = new Map(resources.map((each) => [`${each.resourceType}/${each.id ?? ''}`, each]))
  const nameOf = (reference: string): string | undefined => {
    if (/^(Patient|Encounter)\//.test(reference)) return undefined
    const target = byReference.get(reference)
    return target === undefined ? reference : (spokenName(target, nameOf) ?? target.resourceType)
  }
  return nameOf
}

function spokenName(resource: FhirResource, nameOf: NameOf): string | undefined {
  switch (resource.resourceType) {
    case 'Practitioner':
    case 'RelatedPerson':
      return humanName(resource.name?.[0])
    case 'PractitionerRole': {
      const parts = [resource.practitioner, resource.organization].map(
        (each) => each?.display ?? (each?.reference === undefined ? undefined : nameOf(each.reference)),
      )
      return parts.filter((part) => part !== undefined).join(', ') || undefined
    }
    case 'Organization':
    case 'Location':
    case 'HealthcareService':
      return resource.name
    case 'Condition':
    case 'Observation':
    case 'Procedure':
    case 'DiagnosticReport':
    case 'AllergyIntolerance':
      return resource.code?.text ?? resource.code?.coding?.map(({ display, code }) => display ?? code)[0]
    case 'DocumentReference':
      return resource.description
    default:
      return undefined
  }
}

const humanName = (name: HumanName | undefined): string | undefined =>
  name?.text ??
  ([...(name?.prefix ?? []), ...(name?.given ?? []), name?.family].filter(Boolean).join(' ') || undefined)

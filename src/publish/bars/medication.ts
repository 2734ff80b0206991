/** MedicationStatement without its Medication: BaRS messages hold no Medication, so its code moves inside. */
import type { FhirResource, Medication } from 'fhir/r4.js'

export function withMedicationInside(resource: FhirResource, all: readonly FhirResource[]): FhirResource {
  if (resource.resourceType !== 'MedicationStatement') return resource
  const target = resource.medicationReference?.reference
  const medication = all.find(
    (each): each is Medication =>
      each.resourceType === 'Medication' && target === `Medication/${each.id ?? ''}`,
  )
  if (medication?.code === undefined) return resource
  const { medicationReference: _reference, ...kept } = resource
  return { ...kept, medicationCodeableConcept: medication.code }
}

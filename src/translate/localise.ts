/** Bundle -> resources for the store: `urn:uuid:` references become `Type/id`. */
import type { Bundle, FhirResource } from 'fhir/r4.js'

/** Every resource of the bundle but its MessageHeader, as copies. */
export function localise(bundle: Bundle): (FhirResource & { id: string })[] {
  const types = new Map<string, string>()
  for (const { fullUrl, resource } of bundle.entry ?? []) {
    if (fullUrl !== undefined && resource?.id !== undefined)
      types.set(fullUrl, `${resource.resourceType}/${resource.id}`)
  }
  const resources: (FhirResource & { id: string })[] = []
  for (const { resource } of bundle.entry ?? []) {
    if (resource?.id === undefined || resource.resourceType === 'MessageHeader') continue
    // The copy has the same shape; only the text of references differs.
    resources.push(relinked(resource, types) as FhirResource & { id: string })
  }
  return resources
}

function relinked(value: unknown, types: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => relinked(item, types))
  if (typeof value !== 'object' || value === null) return value
  const copy: Record<string, unknown> = {}
  for (const [key, child] of Object.entries(value)) {
    const local = key === 'reference' && typeof child === 'string' ? types.get(child) : undefined
    copy[key] = local ?? relinked(child, types)
  }
  return copy
}

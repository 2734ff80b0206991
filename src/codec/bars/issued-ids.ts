/** The ids a receiver gave in its synchronous reply: needed to update or cancel what it accepted (BaRS section 6). */
import type { Bundle } from 'fhir/r4.js'

/** ServiceRequest.id of an echoed message; undefined when the reply holds none. */
export function issuedServiceRequestId(reply: Uint8Array): string | undefined {
  const bundle = bundleOf(reply)
  for (const entry of bundle?.entry ?? []) {
    if (entry.resource?.resourceType === 'ServiceRequest') return entry.resource.id
  }
  return undefined
}

function bundleOf(bytes: Uint8Array): Bundle | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    const isBundle = typeof value === 'object' && value !== null && 'entry' in value
    return isBundle && Array.isArray(value.entry) ? (value as Bundle) : undefined
  } catch {
    return undefined
  }
}

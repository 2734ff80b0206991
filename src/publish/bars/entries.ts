/** Resources of the case as entries of one message: fullUrls that never change for a delivery, references that
 *  point inside the message or say in words what they pointed at, and one lastUpdated for all (BaRS section 6). */
import type { Bundle, BundleEntry, FhirResource } from 'fhir/r4.js'
import { BUNDLE_PROFILE, profileOf } from '../../codec/bars/terms.js'
import type { Delivery } from '../../store/types.js'
import type { Instant } from '../../terms/instant.js'
import { uuidV5 } from '../../terms/uuid.js'

/** Namespace of ids this publisher derives (RFC 9562 section 5.5). */
const NAMESPACE = '6f2f0cb5-93d5-5d7f-8e0b-3f7f3b0c2a11'

export interface Draft {
  /** How drafts refer to it: `Condition/12`, or a name of ours for what the case did not hold. */
  readonly key: string
  readonly resource: FhirResource
  readonly profiles?: readonly string[]
  /** The id the receiver gave it, where it has one: BaRS lets a sender repeat it, never invent it. */
  readonly issuedId?: string
}

export const derivedUuid = (of: string, name: string): string => uuidV5(NAMESPACE, `${of}|${name}`)

/** BaRS wants seven digits of a second to tell versions apart; a clock of milliseconds fills up with zeros. */
export const barsInstant = (at: Instant): string => at.replace(/\.(\d{3})Z$/, '.$10000+00:00')

/** Living on another system, so that a relative reference is right there (BaRS section 6). */
const FOREIGN = /^(EpisodeOfCare|Appointment|ServiceRequest)\//

/** fullUrls belong to the offer, not to the message: a receiver merges an update entry by entry (BaRS section 12). */
export function messageBundle(
  delivery: Pick<Delivery, 'id' | 'subject'>,
  at: Instant,
  version: string,
  drafts: readonly Draft[],
): Bundle {
  const fullUrls = new Map(
    drafts.map(({ key }) => [key, `urn:uuid:${derivedUuid(delivery.subject, key)}`] as const),
  )
  const lastUpdated = barsInstant(at)
  return {
    resourceType: 'Bundle',
    id: derivedUuid(delivery.id, 'Bundle'),
    meta: { versionId: version, lastUpdated, profile: [BUNDLE_PROFILE] },
    type: 'message',
    timestamp: lastUpdated,
    entry: drafts.map((draft) => entryOf(draft, fullUrls, lastUpdated)),
  }
}

function entryOf(draft: Draft, fullUrls: ReadonlyMap<string, string>, lastUpdated: string): BundleEntry {
  const { resourceType, id: _ours, meta, ...content } = draft.resource
  const { security, tag } = meta ?? {}
  const resource = {
    resourceType,
    ...(draft.issuedId === undefined ? {} : { id: draft.issuedId }),
    meta: {
      lastUpdated,
      profile: [...(draft.profiles ?? [profileOf(resourceType)])],
      ...(security === undefined ? {} : { security }),
      ...(tag === undefined ? {} : { tag }),
    },
    ...(withReferences(content, fullUrls) as object),
  }
  // The same resource with other references: still of its type.
  return { fullUrl: fullUrls.get(draft.key) ?? '', resource: resource as FhirResource }
}

/** Every `reference` of the tree, replaced. */
function withReferences(value: unknown, fullUrls: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => withReferences(item, fullUrls))
  if (typeof value !== 'object' || value === null) return value
  const members = value as Readonly<Record<string, unknown>>
  if (typeof members['reference'] === 'string') return pointed(members, members['reference'], fullUrls)
  return Object.fromEntries(
    Object.entries(members).map(([name, inner]) => [name, withReferences(inner, fullUrls)]),
  )
}

function pointed(
  members: Readonly<Record<string, unknown>>,
  reference: string,
  fullUrls: ReadonlyMap<string, string>,
): Readonly<Record<string, unknown>> {
  const inside = fullUrls.get(reference)
  if (inside !== undefined) return { ...members, reference: inside }
  if (/^(#|https?:)/.test(reference) || FOREIGN.test(reference)) return members
  // The message may not hold its target (its text is in the care plan): a dangling reference would be refused.
  const { reference: _dangling, ...rest } = members
  const type = /^[A-Z]\w+(?=\/)/.exec(reference)?.[0] ?? 'Resource'
  return { ...rest, display: rest['display'] ?? `${type}: see the text of the care plan` }
}

/** Which service a sender means: by the identifiers it gave, else by the names it wrote. */
import type { Deployment } from './types.js'

export interface NamedTarget {
  /** PRD-7, performer identifiers: a `system` only where the sender gave one. */
  readonly identifiers: readonly { readonly system?: string; readonly value: string }[]
  /** PRD-2, PRD-4, performer displays and names. */
  readonly names: readonly string[]
}

export type NamedMatch =
  /** Nothing was named, or only the access point itself. */
  | { readonly kind: 'none' }
  /** Services it can mean, in the order of the directory; more than one is for a person to settle. */
  | { readonly kind: 'services'; readonly services: readonly string[] }
  /** Named, but the directory knows no such service. */
  | { readonly kind: 'unknown' }
  /** The identifier says one service and the name another. */
  | { readonly kind: 'contradiction'; readonly services: readonly string[] }

export function findNamedService(
  deployment: Pick<Deployment, 'services' | 'partners' | 'accessPoint'>,
  target: NamedTarget,
): NamedMatch {
  const numbers = target.identifiers.flatMap(({ system, value }) =>
    system === undefined ? [value] : [`${system}|${value}`, value],
  )
  const byNumber = servicesKnownAs(deployment, numbers)
  const byName = servicesKnownAs(deployment, target.names)
  const both = byNumber.filter((id) => byName.includes(id))
  if (both.length > 0) return { kind: 'services', services: both }
  if (byNumber.length > 0 && byName.length > 0) {
    return { kind: 'contradiction', services: [...byNumber, ...byName] }
  }
  const services = byNumber.length > 0 ? byNumber : byName
  if (services.length > 0) return { kind: 'services', services }
  const words = [...numbers, ...target.names]
  return words.length === 0 || isAccessPoint(deployment, words) ? { kind: 'none' } : { kind: 'unknown' }
}

/** Upper case, one space between words: how names and identifiers are compared. */
export const normaliseName = (name: string): string =>
  name.normalize('NFKC').toUpperCase().replace(/\s+/g, ' ').trim()

/** Services with such an alias; without one, the services of the partners known by it. */
function servicesKnownAs(
  { services, partners, accessPoint }: Pick<Deployment, 'services' | 'partners' | 'accessPoint'>,
  words: readonly string[],
): readonly string[] {
  const wanted = new Set(words.map(normaliseName).filter((word) => word !== ''))
  if (wanted.size === 0) return []
  const all = [...services.values()]
  const direct = all.filter(({ aliases }) => aliases.some((alias) => wanted.has(alias)))
  if (direct.length > 0) return direct.map(({ id }) => id)
  const owners = [...partners.values()].filter(
    (partner) => partner.id !== accessPoint && wordsOf(partner).some((word) => wanted.has(word)),
  )
  return all.filter(({ partner }) => owners.some(({ id }) => id === partner)).map(({ id }) => id)
}

function isAccessPoint(
  { partners, accessPoint }: Pick<Deployment, 'partners' | 'accessPoint'>,
  words: readonly string[],
): boolean {
  const partner = partners.get(accessPoint)
  if (partner === undefined) return false
  const known = wordsOf(partner)
  return words.some((word) => known.includes(normaliseName(word)))
}

function wordsOf(partner: {
  readonly id: string
  readonly name: string
  readonly identifiers: readonly { readonly system: string; readonly value: string }[]
}): readonly string[] {
  const numbers = partner.identifiers.flatMap(({ system, value }) => [value, `${system}|${value}`])
  return [partner.id, partner.name, ...numbers].map(normaliseName)
}

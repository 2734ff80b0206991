/** Which service a sender means: by the identifiers it gave, else by the names it wrote. */
import type { Deployment, Partner } from './types.js'

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

type Directory = Pick<Deployment, 'services' | 'partners' | 'accessPoint'>

export function findNamedService(deployment: Directory, target: NamedTarget): NamedMatch {
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
function servicesKnownAs(deployment: Directory, words: readonly string[]): readonly string[] {
  const { byAlias, byPartnerWord, order } = indexOf(deployment)
  const wanted = words.map(normaliseName).filter((word) => word !== '')
  const direct = wanted.flatMap((word) => byAlias.get(word) ?? [])
  const found = new Set(direct.length > 0 ? direct : wanted.flatMap((word) => byPartnerWord.get(word) ?? []))
  return found.size < 2 ? [...found] : order.filter((id) => found.has(id))
}

const isAccessPoint = (deployment: Directory, words: readonly string[]): boolean =>
  words.some((word) => indexOf(deployment).accessPoint.has(normaliseName(word)))

interface Index {
  readonly byAlias: ReadonlyMap<string, readonly string[]>
  readonly byPartnerWord: ReadonlyMap<string, readonly string[]>
  readonly accessPoint: ReadonlySet<string>
  readonly order: readonly string[]
}

/** Made once per deployment: every referral that names a service is looked up in it. */
const indexes = new WeakMap<Directory, Index>()

function indexOf(deployment: Directory): Index {
  const known = indexes.get(deployment)
  if (known !== undefined) return known
  const byAlias = new Map<string, string[]>()
  const byPartnerWord = new Map<string, string[]>()
  for (const { id, partner, aliases } of deployment.services.values()) {
    for (const alias of aliases) add(byAlias, alias, id)
    if (partner === deployment.accessPoint) continue
    for (const word of wordsOf(deployment.partners.get(partner))) add(byPartnerWord, word, id)
  }
  const index = {
    byAlias,
    byPartnerWord,
    accessPoint: new Set(wordsOf(deployment.partners.get(deployment.accessPoint))),
    order: [...deployment.services.keys()],
  }
  indexes.set(deployment, index)
  return index
}

function add(map: Map<string, string[]>, word: string, id: string): void {
  const list = map.get(word)
  if (list === undefined) map.set(word, [id])
  else list.push(id)
}

function wordsOf(partner: Partner | undefined): readonly string[] {
  if (partner === undefined) return []
  const numbers = partner.identifiers.flatMap(({ system, value }) => [value, `${system}|${value}`])
  return [...new Set([partner.id, partner.name, ...numbers].map(normaliseName))]
}

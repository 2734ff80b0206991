/** Which services may meet a need, and which one is offered it. OneDoor lists and explains; it chooses only what
 *  the sender named or what the pathway allows to be chosen without a person. */
import { findNamedService, normaliseName, type NamedMatch } from '../directory/named-service.js'
import type { Deployment, Pathway } from '../directory/types.js'
import type { Instant } from '../terms/instant.js'
import type { CodeOfNeed, RoutingFacts } from './routing-facts.js'
import { judge, obstacles, waits, type Candidate } from './routing-suitability.js'

export type { RoutingFacts } from './routing-facts.js'
export type { Candidate, RoutingReason } from './routing-suitability.js'

export interface RoutingDecision {
  readonly need: string
  readonly pathway: Pathway
  /** Other needs whose codes stand in the referral: for a person, or cases of their own. */
  readonly otherNeeds: readonly string[]
  /** Every candidate in the pathway's order, suitable or not. */
  readonly shortlist: readonly Candidate[]
  /** Always a suitable service. */
  readonly chosen?: string
  readonly choice: 'named-by-sender' | 'first-suitable' | 'person-must-choose'
  /** Why, in sentences for the person who reads the case; no patient data. */
  readonly explanation: readonly string[]
}

/** Same facts, deployment and time: same answer. */
export function route(facts: RoutingFacts, deployment: Deployment, now: Instant): RoutingDecision {
  const shown = pathwaysShown(facts.codes, deployment.pathways)
  const named = narrow(findNamedService(deployment, facts.named), shown[0]?.pathway)
  const taken = takePathway(shown, named, deployment)
  const shortlist = candidatesOf(taken.pathway, named, deployment).map((service) =>
    judge(service, { facts, deployment, pathway: taken.pathway, now }),
  )
  const choice = choose(named, taken.pathway, shortlist, facts)
  const nameOf = (id: string): string => deployment.services.get(id)?.name ?? id
  return {
    need: taken.pathway.need,
    pathway: taken.pathway,
    otherNeeds: shown.map(({ pathway }) => pathway.need).filter((need) => need !== taken.pathway.need),
    shortlist,
    ...(choice.chosen === undefined ? {} : { chosen: choice.chosen }),
    choice: choice.kind,
    explanation: [
      taken.because,
      ...choice.because(nameOf),
      ...shortlist.filter(({ service }) => service !== choice.chosen).map((each) => explain(each, nameOf)),
      ...shown
        .filter(({ pathway }) => pathway !== taken.pathway)
        .map(({ pathway, code }) => `The referral also shows the need "${pathway.name}" (${wordsOf(code)}).`),
    ],
  }
}

interface Shown {
  readonly pathway: Pathway
  readonly code: CodeOfNeed
}

/** Pathways whose codes stand in the referral, strongest evidence first. */
function pathwaysShown(codes: readonly CodeOfNeed[], pathways: readonly Pathway[]): readonly Shown[] {
  const known = codesOf(pathways)
  const shown = new Map<Pathway, CodeOfNeed>()
  for (const code of codes) {
    for (const { system, pathway } of known.get(normaliseName(code.code)) ?? []) {
      if ((system === undefined || system === code.system) && !shown.has(pathway)) shown.set(pathway, code)
    }
  }
  return [...shown].map(([pathway, code]) => ({ pathway, code }))
}

interface KnownCode {
  readonly system: string | undefined
  readonly pathway: Pathway
}

/** Made once per deployment: every code of every referral is looked up in it. */
const codeIndexes = new WeakMap<readonly Pathway[], ReadonlyMap<string, readonly KnownCode[]>>()

function codesOf(pathways: readonly Pathway[]): ReadonlyMap<string, readonly KnownCode[]> {
  const known = codeIndexes.get(pathways)
  if (known !== undefined) return known
  const index = new Map<string, KnownCode[]>()
  for (const pathway of pathways) {
    for (const { system, code } of pathway.codes) {
      const key = normaliseName(code)
      index.set(key, [...(index.get(key) ?? []), { system, pathway }])
    }
  }
  codeIndexes.set(pathways, index)
  return index
}

/** A name that fits several services means the one that serves the need, when there is just one. */
function narrow(named: NamedMatch, pathway: Pathway | undefined): NamedMatch {
  if (named.kind !== 'services' || named.services.length < 2 || pathway === undefined) return named
  const serving = named.services.filter((id) => pathway.services.includes(id))
  return serving.length === 1 ? { kind: 'services', services: serving } : named
}

interface TakenPathway {
  readonly pathway: Pathway
  readonly because: string
}

/** The sender's choice of service settles between needs; else the strongest code; else the fallback. */
function takePathway(shown: readonly Shown[], named: NamedMatch, deployment: Deployment): TakenPathway {
  const target = theNamed(named)
  const serves = ({ services, fallback }: Pathway): boolean =>
    target !== undefined && !fallback && services.includes(target)
  const coded = shown.find(({ pathway }) => serves(pathway))
  const pathway = coded === undefined ? deployment.pathways.find(serves) : undefined
  if (pathway !== undefined) {
    return { pathway, because: `The need is "${pathway.name}": the service named by the sender meets it.` }
  }
  const strongest = coded ?? shown[0]
  if (strongest !== undefined) {
    const because = `The need is "${strongest.pathway.name}", shown by ${wordsOf(strongest.code)}.`
    return { pathway: strongest.pathway, because }
  }
  const fallback = deployment.pathways.find((each) => each.fallback)
  // parseDeployment refuses a deployment without one.
  if (fallback === undefined) throw new TypeError('The deployment has no fallback pathway.')
  return { pathway: fallback, because: `No code of the referral shows a known need: "${fallback.name}".` }
}

function candidatesOf(pathway: Pathway, named: NamedMatch, { services }: Deployment) {
  const meant = 'services' in named ? named.services : []
  return [...new Set([...pathway.services, ...meant])].flatMap((id) => services.get(id) ?? [])
}

interface Choice {
  readonly kind: RoutingDecision['choice']
  readonly chosen?: string
  readonly because: (nameOf: (id: string) => string) => readonly string[]
}

function choose(
  named: NamedMatch,
  pathway: Pathway,
  shortlist: readonly Candidate[],
  facts: RoutingFacts,
): Choice {
  const target = theNamed(named)
  if (target !== undefined && facts.excluded.includes(target)) {
    const rest = byPathway(pathway, shortlist)
    return {
      ...rest,
      because: (nameOf) => [
        `${nameOf(target)} was named by the sender, was asked, and did not take it.`,
        ...rest.because(nameOf),
      ],
    }
  }
  if (target !== undefined) return byName(target, shortlist)
  const doubt = doubtOf(named)
  return doubt === undefined ? byPathway(pathway, shortlist) : { kind: 'person-must-choose', because: doubt }
}

/** What the sender named is offered when it can take it, and never quietly replaced when it cannot: the sender
 *  may know why, or may have made the slip that sends a patient to the wrong town. */
function byName(target: string, shortlist: readonly Candidate[]): Choice {
  const candidate = shortlist.find(({ service }) => service === target)
  if (candidate?.suitable === true) {
    const because = waits(candidate) ? `: ${textOf(candidate)}` : ''
    return {
      kind: 'named-by-sender',
      chosen: target,
      because: (nameOf) => [`${nameOf(target)} is offered it, as named by the sender${because}.`],
    }
  }
  return {
    kind: 'person-must-choose',
    because: (nameOf) => [
      `The sender named ${nameOf(target)}, which may not be the right place. A person must choose.`,
    ],
  }
}

function byPathway(pathway: Pathway, shortlist: readonly Candidate[]): Choice {
  if (pathway.offer === 'manual') {
    return {
      kind: 'person-must-choose',
      because: () => [`A person must choose: the pathway "${pathway.name}" leaves it to one.`],
    }
  }
  const suitable = shortlist.filter((each) => each.suitable)
  const best = suitable.find((each) => !waits(each)) ?? suitable[0]
  if (best === undefined) {
    return {
      kind: 'person-must-choose',
      because: () => [`A person must choose: no service of the pathway "${pathway.name}" is suitable now.`],
    }
  }
  const reasons = textOf(best)
  return {
    kind: 'first-suitable',
    chosen: best.service,
    because: (nameOf) => [
      `${nameOf(best.service)} is offered it, the first suitable service of the pathway: ${reasons}.`,
    ],
  }
}

function doubtOf(named: NamedMatch): Choice['because'] | undefined {
  switch (named.kind) {
    case 'none':
      return undefined
    case 'unknown':
      return () => ['The sender named a service that the directory does not know. A person must choose.']
    case 'contradiction':
      return (nameOf) => [
        `The sender's identifier and name mean different services (${named.services.map(nameOf).join(', ')}). ` +
          'A person must choose.',
      ]
    case 'services':
      return (nameOf) => [
        `The sender's words can mean ${named.services.map(nameOf).join(' or ')}. A person must choose.`,
      ]
  }
}

const theNamed = (named: NamedMatch): string | undefined =>
  named.kind === 'services' && named.services.length === 1 ? named.services[0] : undefined

function explain(candidate: Candidate, nameOf: (id: string) => string): string {
  const name = nameOf(candidate.service)
  const against = obstacles(candidate)
  return against.length === 0
    ? `${name} would be suitable too: ${textOf(candidate)}.`
    : `${name} is not suitable: ${against.map(({ text }) => text).join('; ')}.`
}

const textOf = ({ reasons }: Candidate): string =>
  reasons
    .filter(({ rule }) => rule === 'age' || rule === 'catchment' || rule === 'hours')
    .map(({ text }) => text)
    .join('; ')

const FROM_WORDS = {
  code: 'the service asked for',
  reason: 'the reason',
  condition: 'a condition',
  category: 'the type of referral',
} as const satisfies Record<CodeOfNeed['from'], string>

/** Codes matched against the deployment's own list, so no free text of the sender's is repeated. */
const wordsOf = ({ code, from }: CodeOfNeed): string => `the code ${code} in ${FROM_WORDS[from]}`

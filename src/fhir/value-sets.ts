/** Which codes a value set holds, as far as that can be known without a terminology server. */
import type {
  CodeSystem,
  CodeSystemConcept,
  ValueSetComposeInclude,
  ValueSetExpansionContains,
} from 'fhir/r4.js'
import type { Definitions } from './definitions.js'

/** `unknown`: the code system's content is not here, so nobody can say offline. */
export type Membership = 'in' | 'out' | 'unknown'

export interface CodeSet {
  readonly url: string
  /** A bare `code` carries no system: any system of the set will do. */
  hasCode(code: string): Membership
  hasCoding(system: string, code: string): Membership
  /** A few members, for the message. */
  readonly examples: readonly string[]
}

type Lookup = Pick<Definitions, 'valueSet' | 'codeSystem' | 'codes'>

/** Systems whose codes follow a grammar instead of a list. */
const GRAMMARS: Readonly<Record<string, RegExp>> = {
  // RFC 6838 type/subtype, optionally with parameters; FHIR also writes xml, json and ttl (http.html#mime-type)
  'urn:ietf:bcp:13': /^(xml|json|ttl|[A-Za-z0-9!#$&^_.+-]+\/[A-Za-z0-9!#$&^_.+*-]+(\s*;.*)?)$/,
  // RFC 5646 well-formed tags
  'urn:ietf:bcp:47': /^([A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*|[xi](-[A-Za-z0-9]{1,8})+)$/,
  'urn:iso:std:iso:4217': /^[A-Z]{3}$/,
}

interface Part {
  readonly system: string
  /** undefined: not a list but a rule, or not known here. */
  readonly codes?: ReadonlySet<string>
  readonly grammar?: RegExp
}

export function expandValueSet(canonical: string, lookup: Lookup): CodeSet | undefined {
  const valueSet = lookup.valueSet(canonical)
  if (valueSet === undefined) return undefined
  const include = valueSet.compose?.include
  if (include === undefined) return fromExpansion(canonical, valueSet.expansion?.contains)
  const included = include.map((part) => membersOf(part, lookup))
  const excluded = (valueSet.compose?.exclude ?? []).map((part) => membersOf(part, lookup))
  return minus(valueSet.url ?? canonical, union(canonical, included), excluded)
}

function fromExpansion(
  url: string,
  contains: readonly ValueSetExpansionContains[] | undefined,
): CodeSet | undefined {
  if (contains === undefined) return undefined
  const bySystem = new Map<string, Set<string>>()
  const collect = (entries: readonly ValueSetExpansionContains[]): void => {
    for (const { system = '', code, contains: inner } of entries) {
      const codes = bySystem.get(system) ?? new Set<string>()
      bySystem.set(system, codes)
      if (code !== undefined) codes.add(code)
      if (inner !== undefined) collect(inner)
    }
  }
  collect(contains)
  const sets = [...bySystem].map(([system, codes]) => setOf(url, { system, codes }))
  return union(url, sets)
}

/** One include or exclude: its system's codes, narrowed by every value set it also names. */
function membersOf(part: ValueSetComposeInclude, lookup: Lookup): CodeSet {
  const sets: CodeSet[] = []
  if (part.system !== undefined) sets.push(setOf(part.system, partOf(part.system, part, lookup)))
  for (const url of part.valueSet ?? []) sets.push(lookup.codes(url) ?? UNKNOWN)
  if (sets.length === 1 && sets[0] !== undefined) return sets[0]
  return {
    url: '',
    hasCode: (code) => every(sets.map((set) => set.hasCode(code))),
    hasCoding: (system, code) => every(sets.map((set) => set.hasCoding(system, code))),
    examples: sets[0]?.examples ?? [],
  }
}

function partOf(system: string, part: ValueSetComposeInclude, lookup: Lookup): Part {
  if (part.concept !== undefined) return { system, codes: new Set(part.concept.map((c) => c.code)) }
  const grammar = GRAMMARS[system]
  if (grammar !== undefined && part.filter === undefined) return { system, grammar }
  const codeSystem = lookup.codeSystem(system)
  if (codeSystem?.concept === undefined || codeSystem.content !== 'complete') return { system }
  let codes: ReadonlySet<string> | undefined = new Set(allCodes(codeSystem.concept))
  for (const filter of part.filter ?? []) {
    const matched = filtered(codeSystem, filter)
    codes = matched && new Set([...(codes ?? [])].filter((code) => matched.has(code)))
    if (codes === undefined) return { system }
  }
  return { system, codes }
}

/** The hierarchy filters; others need properties that are not kept here. */
function filtered(
  codeSystem: CodeSystem,
  filter: { property: string; op: string; value: string },
): ReadonlySet<string> | undefined {
  const concepts = codeSystem.concept ?? []
  const under = (): CodeSystemConcept | undefined => findConcept(concepts, filter.value)
  if (filter.property !== 'concept' && filter.property !== 'code') return undefined
  switch (filter.op) {
    case 'is-a': {
      const found = under()
      return found && new Set(allCodes([found]))
    }
    case 'descendent-of': {
      const found = under()
      return found && new Set(allCodes(found.concept ?? []))
    }
    case 'is-not-a': {
      const found = under()
      const removed = new Set(found ? allCodes([found]) : [])
      return new Set(allCodes(concepts).filter((code) => !removed.has(code)))
    }
    case '=':
      return new Set([filter.value])
    case 'in':
      return new Set(filter.value.split(',').map((code) => code.trim()))
    default:
      return undefined
  }
}

function allCodes(concepts: readonly CodeSystemConcept[]): string[] {
  return concepts.flatMap((c) => (c.concept === undefined ? [c.code] : [c.code, ...allCodes(c.concept)]))
}

function findConcept(concepts: readonly CodeSystemConcept[], code: string): CodeSystemConcept | undefined {
  for (const concept of concepts) {
    if (concept.code === code) return concept
    const inner = concept.concept && findConcept(concept.concept, code)
    if (inner !== undefined) return inner
  }
  return undefined
}

const UNKNOWN: CodeSet = { url: '', hasCode: () => 'unknown', hasCoding: () => 'unknown', examples: [] }

function setOf(url: string, part: Part): CodeSet {
  const { system, codes, grammar } = part
  const hasCode = (code: string): Membership => {
    if (codes !== undefined) return codes.has(code) ? 'in' : 'out'
    if (grammar !== undefined) return grammar.test(code) ? 'in' : 'out'
    return 'unknown'
  }
  return {
    url,
    hasCode,
    hasCoding: (given, code) => (given === system ? hasCode(code) : 'out'),
    examples: [...(codes ?? [])].slice(0, 12),
  }
}

/** Lists are merged into one hash per system, so that the common value set costs one look-up. */
function union(url: string, sets: readonly CodeSet[]): CodeSet {
  if (sets.length === 1 && sets[0] !== undefined) return { ...sets[0], url }
  return {
    url,
    hasCode: (code) => some(sets, (set) => set.hasCode(code)),
    hasCoding: (system, code) => some(sets, (set) => set.hasCoding(system, code)),
    examples: sets.flatMap((set) => set.examples).slice(0, 12),
  }
}

function minus(url: string, from: CodeSet, excluded: readonly CodeSet[]): CodeSet {
  if (excluded.length === 0) return { ...from, url }
  const less = (inside: Membership, outside: Membership): Membership => {
    if (inside === 'out' || outside === 'in') return 'out'
    return inside === 'unknown' || outside === 'unknown' ? 'unknown' : 'in'
  }
  return {
    url,
    hasCode: (code) =>
      less(
        from.hasCode(code),
        some(excluded, (set) => set.hasCode(code)),
      ),
    hasCoding: (system, code) =>
      less(
        from.hasCoding(system, code),
        some(excluded, (set) => set.hasCoding(system, code)),
      ),
    examples: from.examples,
  }
}

function some(sets: readonly CodeSet[], ask: (set: CodeSet) => Membership): Membership {
  let answer: Membership = 'out'
  for (const set of sets) {
    const member = ask(set)
    if (member === 'in') return 'in'
    if (member === 'unknown') answer = 'unknown'
  }
  return answer
}

function every(answers: readonly Membership[]): Membership {
  if (answers.includes('out')) return 'out'
  return answers.includes('unknown') ? 'unknown' : 'in'
}

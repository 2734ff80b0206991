/** What the store indexes of a resource, taken out by the table of search parameters. */
import { createHash } from 'node:crypto'
import type { FhirResource } from 'fhir/r4.js'
import { SEARCH_PARAMETERS, type SearchParameter } from './search-parameters.js'

export interface IndexValues {
  /** `param:system|code`, `param:code`, `param:|code` (no system), `param:Type/id`. */
  readonly tokens: readonly string[]
  readonly status: string | null
  /** Task.owner, `Organization/rqz`. */
  readonly owner: string | null
  /** ISO instant of the type's main date (Task.authoredOn, AuditEvent.recorded): the start of a coarser date. */
  readonly authored: string | null
  /** Folded words, each after the element it came from: `family:okafor given:amara`. */
  readonly name: string | null
  /** Patient.birthDate as `YYYY-MM-DD`: the first day of a coarser date. */
  readonly born: string | null
}

/** Raised when the values taken from one resource change; rows with an older number are indexed again. */
export const INDEX_VERSION = 1

/** PostgreSQL refuses index entries over about 2,700 bytes: longer ones keep a head and a hash. */
const MAX_TOKEN_LENGTH = 600
const MAX_WORD_LENGTH = 64
const MAX_WORDS = 64

export const codeToken = (param: string, code: string): string => bounded(`${param}:${code}`)
/** An empty system says that the code has none. */
export const systemToken = (param: string, system: string, code: string): string =>
  bounded(`${param}:${system}|${code}`)
export const referenceToken = (param: string, target: string): string => bounded(`${param}:${target}`)

/** A reference without its version; undefined for one into the resource itself (`#p1`). */
export function referenceTarget(reference: string): string | undefined {
  if (reference === '' || reference.startsWith('#')) return undefined
  const version = reference.indexOf('/_history/')
  return version < 0 ? reference : reference.slice(0, version)
}

/** Lower case, without accents and punctuation: `Zoë O'Neill-Díaz` -> `zoe`, `oneill`, `diaz`. */
export function foldWords(text: string): string[] {
  const plain = text
    .normalize('NFKD')
    .replace(/[\p{Mn}'’`]/gu, '')
    .toLowerCase()
  return plain.split(/[^\p{L}\p{N}\p{M}]+/u).flatMap((word) => (word === '' ? [] : [headOf(word)]))
}

/** A FHIR date, dateTime or instant as the instant it starts at (UTC for a date alone); null if it is none. */
export function startOf(text: string): string | null {
  if (!FHIR_DATE.test(text)) return null
  const ms = Date.parse(text)
  // Date.parse takes 31 February for 3 March.
  const day = new Date(text.slice(0, 10)).getUTCDate()
  return Number.isNaN(ms) || (text.length >= 10 && day !== Number(text.slice(8, 10)))
    ? null
    : new Date(ms).toISOString()
}

const FHIR_DATE = /^(?!0000)\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?)?)?$/

export function indexValues(resource: FhirResource): IndexValues {
  const draft = emptyDraft()
  for (const extract of EXTRACTORS.get(resource.resourceType) ?? []) extract(resource, draft)
  const { status, owner, authored, born } = draft.columns
  return {
    tokens: [...draft.tokens],
    status: status === undefined ? null : bounded(status),
    owner: owner === undefined ? null : bounded(owner),
    authored: authored === undefined ? null : startOf(authored),
    name: draft.words.size === 0 ? null : [...draft.words].slice(0, MAX_WORDS).join(' '),
    born: born === undefined ? null : (startOf(born)?.slice(0, 10) ?? null),
  }
}

/** What one reference parameter finds in a resource: `Type/id`, or the reference as written when it is not local. */
export function referenceTargetsOf(resource: FhirResource, parameter: SearchParameter): readonly string[] {
  const targets: string[] = []
  const onlyTypes = parameter.narrows || parameter.indexedAs ? parameter.targets : undefined
  const collect: Visit = (value) => {
    const target = targetOf(value)
    if (target !== undefined && (!onlyTypes || isOneOf(onlyTypes, target))) targets.push(target)
  }
  for (const path of parameter.paths) at(path, collect)(resource, emptyDraft())
  return targets
}

/** The tag that says which element a word of `IndexValues.name` came from: the path's last step. */
export const wordTag = (path: string): string => path.slice(path.lastIndexOf('.') + 1)

interface Draft {
  readonly tokens: Set<string>
  readonly words: Set<string>
  readonly columns: { status?: string; owner?: string; authored?: string; born?: string }
}

const emptyDraft = (): Draft => ({ tokens: new Set(), words: new Set(), columns: {} })

type Extract = (resource: FhirResource, draft: Draft) => void
type Visit = (value: unknown, draft: Draft) => void

const EXTRACTORS: ReadonlyMap<string, readonly Extract[]> = new Map(
  [...SEARCH_PARAMETERS].map(([type, parameters]) => [type, extractorsOf([...parameters.values()])]),
)

function extractorsOf(parameters: readonly SearchParameter[]): readonly Extract[] {
  const strings = parameters.filter((parameter) => parameter.kind === 'string')
  const wordPaths = [...new Set(strings.flatMap((parameter) => parameter.paths))]
  const others = parameters.filter(
    (parameter) => parameter.kind !== 'string' && parameter.indexedAs === undefined,
  )
  return [
    ...others.flatMap((parameter) => parameter.paths.map((path) => at(path, visitorOf(parameter)))),
    ...wordPaths.map((path) => at(path, addWords(wordTag(path)))),
  ]
}

function visitorOf(parameter: SearchParameter): Visit {
  const { column, name, targets = [], narrows = false } = parameter
  if (column !== undefined && column !== 'case') return setColumn(column)
  return parameter.kind === 'reference' ? addReference(name, narrows ? targets : undefined) : addToken(name)
}

function at(path: string, visit: Visit): Extract {
  const steps = path.split('.')
  return (resource, draft) => walk(resource, steps, 0, visit, draft)
}

function walk(node: unknown, steps: readonly string[], depth: number, visit: Visit, draft: Draft): void {
  if (node === undefined || node === null) return
  if (Array.isArray(node)) {
    for (const item of node) walk(item, steps, depth, visit, draft)
    return
  }
  const step = steps[depth]
  if (step === undefined) visit(node, draft)
  else if (typeof node === 'object') walk(propertyOf(node, step), steps, depth + 1, visit, draft)
}

/** Own cast: the steps come from our table, the values are checked where they are used. */
const propertyOf = (node: object, name: string): unknown => (node as Record<string, unknown>)[name]

const textOf = (node: object, name: string): string | undefined => {
  const value = propertyOf(node, name)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The first value wins: these elements do not repeat. */
function setColumn(column: 'status' | 'owner' | 'authored' | 'born'): Visit {
  return (value, draft) => {
    const text = column === 'owner' ? targetOf(value) : value
    if (typeof text === 'string') draft.columns[column] ??= text
  }
}

function addReference(param: string, onlyTypes: readonly string[] | undefined): Visit {
  return (value, draft) => {
    const target = targetOf(value)
    if (target === undefined || (onlyTypes && !isOneOf(onlyTypes, target))) return
    draft.tokens.add(referenceToken(param, target))
  }
}

const targetOf = (value: unknown): string | undefined =>
  typeof value === 'object' && value !== null ? referenceTarget(textOf(value, 'reference') ?? '') : undefined

const isOneOf = (types: readonly string[], target: string): boolean =>
  types.some((type) => target.startsWith(`${type}/`) || target.includes(`/${type}/`))

/** code, boolean, Coding, CodeableConcept, Identifier or ContactPoint, told apart by what they hold. */
function addToken(param: string): Visit {
  return (value, draft) => {
    if (typeof value === 'string' || typeof value === 'boolean') {
      draft.tokens.add(codeToken(param, String(value)))
      return
    }
    if (typeof value !== 'object' || value === null) return
    const codings = propertyOf(value, 'coding')
    if (Array.isArray(codings)) codings.forEach((coding) => addCoding(param, coding, draft))
    else addCoding(param, value, draft)
  }
}

function addCoding(param: string, coding: unknown, draft: Draft): void {
  if (typeof coding !== 'object' || coding === null) return
  const text = textOf(coding, 'code') ?? textOf(coding, 'value')
  if (text === undefined) return
  draft.tokens.add(codeToken(param, text))
  draft.tokens.add(systemToken(param, textOf(coding, 'system') ?? '', text))
}

function addWords(tag: string): Visit {
  return (value, draft) => {
    if (typeof value !== 'string') return
    for (const word of foldWords(value)) draft.words.add(`${tag}:${word}`)
  }
}

/** Cut at whole characters, so that half a surrogate pair never reaches the store. */
const headOf = (word: string): string =>
  word.length <= MAX_WORD_LENGTH ? word : [...word].slice(0, MAX_WORD_LENGTH).join('')

function bounded(text: string): string {
  if (text.length <= MAX_TOKEN_LENGTH) return text
  return `${[...text.slice(0, 128)].slice(0, -1).join('')}#${createHash('sha256').update(text).digest('hex')}`
}

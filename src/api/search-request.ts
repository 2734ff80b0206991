/** A search's query string or form -> a checked SearchQuery (R4 search 3.1.1). */
import { SEARCH_PARAMETERS, type SearchParameter } from '../fhir/search-parameters.js'
import type {
  Criterion,
  Inclusion,
  SearchCursor,
  SearchQuery,
  SearchSort,
  SortColumn,
} from '../store/search-query.js'
import { Fault } from '../terms/fault.js'
import type { ApiLimits } from './limits.js'
import {
  alternativesOf,
  criterionOf,
  idCriterion,
  lastUpdatedCriterion,
  type ValueContext,
} from './search-values.js'

export interface SearchContext extends ValueContext {
  /** `Prefer: handling=lenient`: what is not understood is left out instead of refused (R4 search 3.1.1.4). */
  readonly lenient: boolean
  readonly limits: ApiLimits
}

export interface SearchRequest {
  readonly query: SearchQuery
  /** The parameters that took effect, for the self link: without the cursor. */
  readonly used: readonly (readonly [string, string])[]
  /** How many parameters a lenient search left out. */
  readonly ignored: number
  /** Top-level elements asked for by `_elements`. */
  readonly elements?: readonly string[]
}

/** Where a page starts: opaque to clients, made by `cursorText`. */
export const CURSOR_PARAMETER = '_cursor'

/** Read by `negotiate`, not part of the search. */
const PRESENTATION = new Set(['_format', '_pretty'])

const MAX_INCLUSIONS = 10

export function parseSearch(
  type: string,
  parameters: readonly (readonly [string, string])[],
  context: SearchContext,
): SearchRequest {
  requireSize(parameters, context.limits)
  const draft = new Draft(type, context)
  for (const [index, [name, value]] of parameters.entries()) {
    try {
      draft.take(name, value, index)
      draft.used.push([name, value])
    } catch (thrown) {
      const skippable = thrown instanceof Fault && thrown.code === 'parameter-unknown'
      if (!skippable || !context.lenient) throw thrown
      draft.ignored++
    }
  }
  return draft.request()
}

export function cursorText({ value, id }: SearchCursor): string {
  return Buffer.from(JSON.stringify([value, id])).toString('base64url')
}

class Draft {
  readonly used: [string, string][] = []
  ignored = 0
  private readonly criteria: Criterion[] = []
  private readonly include: Inclusion[] = []
  private readonly revInclude: Inclusion[] = []
  private readonly seen = new Set<string>()
  private sort: SearchSort = { column: 'lastUpdated', descending: true }
  private count: number
  private after: SearchCursor | undefined
  private total: 'accurate' | 'none' = 'none'
  private elements: readonly string[] | undefined
  private readonly parameters: ReadonlyMap<string, SearchParameter>

  constructor(
    private readonly type: string,
    private readonly context: SearchContext,
  ) {
    this.count = context.limits.defaultPageSize
    this.parameters = SEARCH_PARAMETERS.get(type) ?? new Map()
  }

  take(name: string, value: string, index: number): void {
    if (PRESENTATION.has(name)) return
    const control = CONTROLS.get(name)
    if (control !== undefined) {
      if (!REPEATABLE.has(name) && this.seen.has(name)) throw invalid(name, 'it once')
      this.seen.add(name)
      control(this, value)
      return
    }
    const [base = '', modifier, ...rest] = name.split(':')
    const parameter = this.parameters.get(base)
    if (parameter === undefined || rest.length > 0) throw this.unknown(base, index)
    if (value === '')
      throw new Fault('parameter-unknown', `The parameter ${base} has no value; give one.`, base)
    this.criteria.push(criterionOf(parameter, modifier, alternativesOf(value), this.context))
  }

  takeId(value: string): void {
    this.criteria.push(idCriterion(alternativesOf(value)))
  }

  takeLastUpdated(value: string): void {
    this.criteria.push(lastUpdatedCriterion(alternativesOf(value), this.context))
  }

  takeCount(value: string): void {
    if (!/^\d{1,9}$/.test(value)) throw invalid('_count', 'a whole number')
    this.count = Math.min(Number(value), this.context.limits.maxPageSize)
    if (this.count === 0) this.total = 'accurate'
  }

  takeTotal(value: string): void {
    if (!['none', 'estimate', 'accurate'].includes(value))
      throw invalid('_total', 'none, estimate or accurate')
    if (value !== 'none') this.total = 'accurate'
  }

  takeSummary(value: string): void {
    if (value === 'false') return
    if (value !== 'count') {
      throw new Fault(
        'parameter-unknown',
        '_summary is supported as count or false; use _elements.',
        '_summary',
      )
    }
    this.count = 0
    this.total = 'accurate'
  }

  takeSort(value: string): void {
    const descending = value.startsWith('-')
    const column = this.sortColumns().get(descending ? value.slice(1) : value)
    if (column === undefined)
      throw invalid('_sort', `one of ${[...this.sortColumns().keys()].join(', ')}, with - for descending`)
    this.sort = { column, descending }
  }

  takeElements(value: string): void {
    const names = value.split(',')
    if (!names.every((name) => /^[A-Za-z]{1,64}$/.test(name)))
      throw invalid('_elements', 'names of top-level elements')
    this.elements = names
  }

  takeCursor(value: string): void {
    const cursor = cursorOf(value)
    if (cursor === undefined) throw invalid(CURSOR_PARAMETER, 'the one of a next link, unchanged')
    this.after = cursor
  }

  takeInclude(value: string): void {
    const inclusion = this.inclusionOf('_include', value)
    if (inclusion.type !== this.type) throw invalid('_include', `${this.type}:parameter`)
    this.include.push(inclusion)
  }

  takeRevInclude(value: string): void {
    this.revInclude.push(this.inclusionOf('_revinclude', value))
  }

  request(): SearchRequest {
    const query: SearchQuery = {
      type: this.type,
      criteria: this.criteria,
      sort: this.sort,
      count: this.count,
      total: this.total,
      include: this.include,
      revInclude: this.revInclude,
      timeoutMs: this.context.limits.searchTimeoutMs,
      ...(this.after && { after: this.after }),
    }
    const used = this.used.filter(([name]) => name !== CURSOR_PARAMETER)
    return { query, used, ignored: this.ignored, ...(this.elements && { elements: this.elements }) }
  }

  private inclusionOf(name: string, value: string): Inclusion {
    const [type = '', param = '', ...target] = value.split(':')
    const parameter = SEARCH_PARAMETERS.get(type)?.get(param)
    const pointsHere = name === '_include' || (parameter?.targets?.includes(this.type) ?? true)
    if (parameter?.kind !== 'reference' || !pointsHere || target.length > 1) {
      throw invalid(name, 'Type:parameter as the CapabilityStatement lists it for this type')
    }
    if (this.include.length + this.revInclude.length >= MAX_INCLUSIONS)
      throw invalid(name, `at most ${MAX_INCLUSIONS}`)
    return { type, param, ...(target[0] !== undefined && { target: target[0] }) }
  }

  private sortColumns(): ReadonlyMap<string, SortColumn> {
    const typed = [...this.parameters.values()].flatMap(({ name, kind, column }): [string, SortColumn][] => {
      if (column === 'authored' || column === 'born' || column === 'status') return [[name, column]]
      return kind === 'string' && name === 'name' ? [[name, 'name']] : []
    })
    return new Map([['_lastUpdated', 'lastUpdated'], ['_id', 'id'], ...typed])
  }

  /** Names a parameter only when it is one of the specification's: anything else may be a patient's name. */
  private unknown(base: string, index: number): Fault {
    const known = [...SEARCH_PARAMETERS.values()].some((parameters) => parameters.has(base))
    const found = known ? `The parameter ${base}` : `Parameter ${index + 1} of the query`
    const allowed = [...this.parameters.keys(), ...CONTROLS.keys()].filter(
      (name) => name !== CURSOR_PARAMETER,
    )
    return new Fault(
      'parameter-unknown',
      `${found} is not supported for ${this.type}; expected one of ${allowed.join(', ')}. Prefer: handling=lenient leaves it out.`,
      known ? base : `query parameter ${index + 1}`,
    )
  }
}

const CONTROLS: ReadonlyMap<string, (draft: Draft, value: string) => void> = new Map([
  ['_id', (draft, value) => draft.takeId(value)],
  ['_lastUpdated', (draft, value) => draft.takeLastUpdated(value)],
  ['_count', (draft, value) => draft.takeCount(value)],
  ['_sort', (draft, value) => draft.takeSort(value)],
  ['_total', (draft, value) => draft.takeTotal(value)],
  ['_summary', (draft, value) => draft.takeSummary(value)],
  ['_elements', (draft, value) => draft.takeElements(value)],
  ['_include', (draft, value) => draft.takeInclude(value)],
  ['_revinclude', (draft, value) => draft.takeRevInclude(value)],
  [CURSOR_PARAMETER, (draft, value) => draft.takeCursor(value)],
] satisfies [string, (draft: Draft, value: string) => void][])

const REPEATABLE = new Set(['_id', '_lastUpdated', '_include', '_revinclude'])

function requireSize(parameters: readonly (readonly [string, string])[], limits: ApiLimits): void {
  if (parameters.length > limits.maxSearchParameters) {
    throw costly(
      `Found ${parameters.length} search parameters; at most ${limits.maxSearchParameters} are taken.`,
    )
  }
  const values = parameters.reduce((sum, [, value]) => sum + value.split(',').length, 0)
  if (values > limits.maxSearchValues) {
    throw costly(
      `Found ${values} alternatives; at most ${limits.maxSearchValues} are taken. Split the search.`,
    )
  }
}

function cursorOf(text: string): SearchCursor | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (!Array.isArray(parts) || parts.length !== 2) return undefined
    const [value, id]: unknown[] = parts
    if (typeof id !== 'string' || (value !== null && typeof value !== 'string')) return undefined
    return { value, id }
  } catch {
    return undefined
  }
}

const costly = (text: string): Fault => new Fault('too-costly', text, 'query')
const invalid = (where: string, expected: string): Fault =>
  new Fault('parameter-invalid', `A value of ${where} is not usable; expected ${expected}.`, where)

/** The SQL of a search: criteria, keyset and order over the typed columns of `resource`. */
import { SEARCH_PARAMETERS } from '../fhir/search-parameters.js'
import { EVERYONE } from './resources.js'
import type {
  Criterion,
  DateColumn,
  EqualColumn,
  Range,
  SearchQuery,
  SearchSort,
  SortColumn,
  WordPrefix,
} from './search-query.js'

export interface Statement {
  readonly text: string
  readonly values: readonly unknown[]
}

/** What is looked for, without its order and pages. */
export type Selection = Pick<SearchQuery, 'type' | 'criteria' | 'parties'>

/** A nullable sort column is read in two phases, so that each keeps a plain row comparison on its index. */
export type Phase = 'valued' | 'empty'

const COLUMNS = {
  id: 'id',
  status: 'status',
  owner: 'owner',
  case: 'case_id',
  authored: 'authored',
  lastUpdated: 'last_updated',
  born: 'born',
  name: 'name',
} as const satisfies Record<EqualColumn | DateColumn | SortColumn, string>

const SQL_TYPES = { authored: 'timestamptz', lastUpdated: 'timestamptz', born: 'date' } as const

/** Microseconds, since a cursor must name the row it stopped at exactly. */
const instantText = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

/** Renamed on the way out: `order by last_updated` would else mean the text and miss its index. */
const RESOURCE_COLUMNS = `content, version, ${instantText('last_updated')} as updated, case_id`

export const phasesOf = (sort: SearchSort): readonly Phase[] =>
  sort.column === 'id' || sort.column === 'lastUpdated' ? ['valued'] : ['valued', 'empty']

/** One page of one phase; `limit` is one more than the page, to learn whether another follows. */
export function pageStatement(query: SearchQuery, phase: Phase, limit: number): Statement {
  const { bind, values } = binder()
  const { column, descending } = query.sort
  const name = COLUMNS[column]
  const nullable = phasesOf(query.sort).length > 1
  const source = sourceOf(query.criteria, bind)
  const conditions = conditionsOf(query, bind)
  if (nullable) conditions.push(`${name} is ${phase === 'empty' ? '' : 'not '}null`)
  if (query.after && (query.after.value === null) === (phase === 'empty')) {
    conditions.push(keyset(query.sort, query.after.value, query.after.id, bind))
  }
  const direction = descending ? 'desc' : 'asc'
  const order =
    phase === 'empty' || column === 'id' ? `id ${direction}` : `${name} ${direction}, id ${direction}`
  const text = `select ${RESOURCE_COLUMNS}, id, ${sortText(column)} as sort_value
    from ${source} where ${conditions.join(' and ')} order by ${order} limit ${Math.trunc(limit)}`
  return { text, values }
}

export function countStatement(query: SearchQuery): Statement {
  const { bind, values } = binder()
  const source = sourceOf(query.criteria, bind)
  const conditions = conditionsOf(query, bind)
  return { text: `select count(*)::int as total from ${source} where ${conditions.join(' and ')}`, values }
}

/** The resources with these `Type/id`s that the parties may see. */
export function includeStatement(
  targets: readonly string[],
  parties: SearchQuery['parties'],
  limit: number,
): Statement {
  const { bind, values } = binder()
  const pairs = targets.map((target) => target.split('/'))
  const conditions = [
    `(type, id) in (select * from unnest(${bind(pairs.map(([type]) => type))}::text[],
      ${bind(pairs.map(([, id]) => id))}::text[]))`,
    'not deleted',
    ...partyCondition(parties, bind),
  ]
  return { text: selectAll('resource', conditions, limit), values }
}

/** Every resource that meets the criteria, up to a limit, without pages. */
export function revIncludeStatement(search: Selection, limit: number): Statement {
  const { bind, values } = binder()
  const source = sourceOf(search.criteria, bind)
  return { text: selectAll(source, conditionsOf(search, bind), limit), values }
}

const selectAll = (source: string, conditions: readonly string[], limit: number): string =>
  `select ${RESOURCE_COLUMNS} from ${source} where ${conditions.join(' and ')} order by type, id limit ${limit}`

type Bind = (value: unknown) => string

function binder(): { readonly bind: Bind; readonly values: unknown[] } {
  const values: unknown[] = []
  return { bind: (value) => `$${values.push(value)}`, values }
}

function conditionsOf({ type, criteria, parties }: Selection, bind: Bind): string[] {
  const rest = criteria.some(startsSearch) ? [] : criteria.map((criterion) => conditionOf(criterion, bind))
  return [...typeConditions(type), ...rest, ...partyCondition(parties, bind)]
}

/** PostgreSQL guesses 0.5 % for each token or word it has no statistics of, and would rather walk a whole type in order:
 *  a search with a rare value reads that value's few rows first, and looks at type, parties and order afterwards. */
function sourceOf(criteria: readonly Criterion[], bind: Bind): string {
  if (!criteria.some(startsSearch)) return 'resource'
  const keys = criteria.find((criterion) => criterion.kind === 'tokens' && criterion.rare)
  const rest = criteria.filter((criterion) => criterion !== keys)
  const few = keys?.kind === 'tokens' ? rowsOfEach(keys.anyOf, bind) : 'select * from resource'
  const conditions = rest.map((criterion) => conditionOf(criterion, bind))
  const where = conditions.length > 0 ? ` where ${conditions.join(' and ')}` : ''
  return `(with few as materialized (${few}${where}) select * from few) as resource`
}

/** One index look-up per token: `&&` with many would add their guesses up to a walk of the whole table. */
const rowsOfEach = (tokens: readonly string[], bind: Bind): string =>
  `select distinct on (found.type, found.id) found.* from unnest(${bind(tokens)}::text[]) as key (token)
    cross join lateral (select * from resource where tokens @> array[key.token]) as found`

const startsSearch = (criterion: Criterion): boolean =>
  criterion.kind === 'words' || (criterion.kind === 'tokens' && criterion.rare)

/** The type stands in the text, not in a parameter: partial indexes are chosen by it. */
function typeConditions(type: string): string[] {
  if (!SEARCH_PARAMETERS.has(type)) throw new TypeError(`${type} is not in the table of search parameters`)
  return [`type = '${type}'`, 'not deleted']
}

const partyCondition = (parties: SearchQuery['parties'], bind: Bind): string[] =>
  parties === undefined ? [] : [`parties && ${bind([...parties, ...EVERYONE])}::text[]`]

function conditionOf(criterion: Criterion, bind: Bind): string {
  switch (criterion.kind) {
    case 'tokens':
      return `tokens && ${bind(criterion.anyOf)}::text[]`
    case 'equals': {
      const column = COLUMNS[criterion.column]
      const [only, ...others] = criterion.anyOf
      // A plain equality lets the index also give the order.
      return others.length === 0
        ? `${column} = ${bind(only ?? null)}`
        : `${column} = any(${bind(criterion.anyOf)})`
    }
    case 'range':
      return anyOf(criterion.anyOf.map((range) => rangeCondition(criterion.column, range, bind)))
    case 'words':
      // `is not null` is what the index's own condition asks for.
      return `name is not null and array_to_tsvector(string_to_array(name, ' ')) @@ ${bind(wordsQuery(criterion.anyOf))}::tsquery`
  }
}

const anyOf = (conditions: readonly string[]): string =>
  conditions.length === 1 ? (conditions[0] ?? 'false') : `(${conditions.join(' or ') || 'false'})`

function rangeCondition(column: DateColumn, range: Range, bind: Bind): string {
  const name = COLUMNS[column]
  const type = SQL_TYPES[column]
  const bounds = [
    ...(range.from === undefined ? [] : [`${name} >= ${bind(range.from)}::${type}`]),
    ...(range.before === undefined ? [] : [`${name} < ${bind(range.before)}::${type}`]),
  ]
  const inside = `(${bounds.join(' and ') || 'true'})`
  return range.outside ? `(not ${inside})` : inside
}

/** Words are letters and digits and tags are ours (`foldWords`, `wordTag`), so quoting cannot be left. */
function wordsQuery(alternatives: readonly (readonly WordPrefix[])[]): string {
  const word = ({ tags, prefix }: WordPrefix): string =>
    `(${tags.map((tag) => `'${tag}:${prefix}':*`).join(' | ')})`
  return alternatives.map((words) => `(${words.map(word).join(' & ')})`).join(' | ')
}

function keyset(sort: SearchSort, value: string | null, id: string, bind: Bind): string {
  const operator = sort.descending ? '<' : '>'
  if (value === null || sort.column === 'id') return `id ${operator} ${bind(id)}`
  const type = sort.column in SQL_TYPES ? SQL_TYPES[sort.column as DateColumn] : 'text'
  return `(${COLUMNS[sort.column]}, id) ${operator} (${bind(value)}::${type}, ${bind(id)})`
}

function sortText(column: SortColumn): string {
  if (column === 'authored' || column === 'lastUpdated') return instantText(COLUMNS[column])
  return `${COLUMNS[column]}::text`
}

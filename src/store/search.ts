/** Searches the current resources: one read-only snapshot per page, with its includes and its total. */
import type { FhirResource } from 'fhir/r4.js'
import { DatabaseError, type Pool, type PoolClient } from 'pg'
import { referenceTargetsOf, referenceToken } from '../fhir/index-values.js'
import { SEARCH_PARAMETERS } from '../fhir/search-parameters.js'
import { Fault } from '../terms/fault.js'
import { instantOf } from '../terms/instant.js'
import { faultOf } from './fault-of.js'
import { resourceOf } from './resources.js'
import type { Criterion, Inclusion, SearchCursor, SearchPage, SearchQuery } from './search-query.js'
import {
  countStatement,
  includeStatement,
  pageStatement,
  phasesOf,
  revIncludeStatement,
  type Statement,
} from './search-sql.js'
import type { StoredResource } from './types.js'

/** What may ride along with one page; beyond it the page is refused, not cut short. */
export const MAX_INCLUDED = 1000

interface ResourceRow {
  readonly content: FhirResource & { id: string }
  readonly version: number
  readonly updated: string
  readonly case_id: string | null
}

interface MatchRow extends ResourceRow {
  readonly id: string
  readonly sort_value: string | null
}

type Run = <Row>(statement: Statement) => Promise<readonly Row[]>

/** Throws Fault `too-costly` (timeout, too many includes), `store-busy` or `store-unavailable`. */
export async function searchResources(pool: Pool, query: SearchQuery): Promise<SearchPage> {
  return inSnapshot(pool, query.timeoutMs, async (run) => {
    const { matches, next } = await readPage(run, query)
    const included = await readIncluded(run, query, matches)
    const page = { matches, included, ...(next && { next }) }
    if (query.total === 'none') return page
    const [counted] = await run<{ total: number }>(countStatement(query))
    return { ...page, total: counted?.total ?? 0 }
  })
}

async function inSnapshot<T>(pool: Pool, timeoutMs: number, work: (run: Run) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch((thrown: unknown) => {
    throw faultOf(thrown)
  })
  try {
    // One text, one round trip.
    await client.query(
      `begin isolation level repeatable read read only; set local statement_timeout = ${Math.ceil(timeoutMs)}`,
    )
    const result = await work(async ({ text, values }) => (await client.query(text, [...values])).rows)
    await client.query('commit')
    client.release()
    return result
  } catch (thrown) {
    await giveBack(client)
    throw searchFault(thrown, timeoutMs)
  }
}

/** A connection that cannot even roll back is closed, not reused. */
async function giveBack(client: PoolClient): Promise<void> {
  try {
    await client.query('rollback')
    client.release()
  } catch {
    client.release(true)
  }
}

/** SQLSTATE 57014 = query_canceled: the statement timeout. Class 22: a value the column's type cannot hold. */
function searchFault(thrown: unknown, timeoutMs: number): Fault {
  const state = thrown instanceof DatabaseError ? (thrown.code ?? '') : ''
  if (state === '57014') {
    const text = `The search took longer than ${timeoutMs} ms; narrow it (a status, an owner, a date) or ask for a smaller page.`
    return new Fault('too-costly', text, '', { cause: thrown })
  }
  if (state.startsWith('22')) {
    const text = 'A value of the search lies outside what is stored; expected an ordinary date or text.'
    return new Fault('parameter-invalid', text, '', { cause: thrown })
  }
  return faultOf(thrown)
}

async function readPage(
  run: Run,
  query: SearchQuery,
): Promise<{ readonly matches: readonly StoredResource[]; readonly next?: SearchCursor }> {
  if (query.count === 0) return { matches: [] }
  const rows: MatchRow[] = []
  for (const phase of phasesOf(query.sort)) {
    if (phase === 'valued' && query.after?.value === null) continue
    const wanted = query.count + 1 - rows.length
    if (wanted > 0) rows.push(...(await run<MatchRow>(pageStatement(query, phase, wanted))))
  }
  const matches = rows.slice(0, query.count)
  const last = rows.length > query.count ? matches.at(-1) : undefined
  return {
    matches: matches.map(storedOf),
    ...(last && { next: { value: last.sort_value, id: last.id } }),
  }
}

async function readIncluded(
  run: Run,
  query: SearchQuery,
  matches: readonly StoredResource[],
): Promise<readonly StoredResource[]> {
  if (matches.length === 0) return []
  const found = new Map<string, StoredResource>()
  const targets = [...new Set(query.include.flatMap((inclusion) => targetsOf(inclusion, matches)))]
  const statements = [
    ...(targets.length > 0 ? [includeStatement(targets, query.parties, MAX_INCLUDED + 1)] : []),
    ...query.revInclude.map((inclusion) =>
      revIncludeStatement(
        {
          type: inclusion.type,
          criteria: [pointingAt(inclusion, matches)],
          ...(query.parties && { parties: query.parties }),
        },
        MAX_INCLUDED + 1,
      ),
    ),
  ]
  for (const statement of statements) {
    for (const row of await run<ResourceRow>(statement)) found.set(keyOf(row.content), storedOf(row))
  }
  for (const { resource } of matches) found.delete(keyOf(resource))
  if (found.size > MAX_INCLUDED) {
    const text = `More than ${MAX_INCLUDED} resources would be included with this page; ask for a smaller _count.`
    throw new Fault('too-costly', text, '_include')
  }
  return [...found.values()]
}

function targetsOf({ type, param, target: only }: Inclusion, matches: readonly StoredResource[]): string[] {
  const parameter = SEARCH_PARAMETERS.get(type)?.get(param)
  if (parameter === undefined) return []
  return matches
    .filter(({ resource }) => resource.resourceType === type)
    .flatMap(({ resource }) => referenceTargetsOf(resource, parameter))
    .filter((target) => /^[A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/.test(target))
    .filter((target) => only === undefined || target.startsWith(`${only}/`))
}

function pointingAt({ type, param }: Inclusion, matches: readonly StoredResource[]): Criterion {
  const parameter = SEARCH_PARAMETERS.get(type)?.get(param)
  const keys = matches.map(({ resource }) => keyOf(resource))
  if (parameter?.column === 'owner') return { kind: 'equals', column: 'owner', anyOf: keys }
  const name = parameter?.indexedAs ?? param
  return { kind: 'tokens', anyOf: keys.map((key) => referenceToken(name, key)), rare: true }
}

const keyOf = (resource: FhirResource & { id: string }): string => `${resource.resourceType}/${resource.id}`

function storedOf(row: ResourceRow): StoredResource {
  const lastUpdated = instantOf(new Date(row.updated))
  const resource = resourceOf(row.content, row.version, lastUpdated)
  return { resource, version: row.version, lastUpdated, caseId: row.case_id }
}

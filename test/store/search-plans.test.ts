/** The worklist's queries must use their index: a plan that walks a table is fast today and fatal at a million cases. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { FhirResource } from 'fhir/r4.js'
import pg from 'pg'
import { indexValues } from '../../src/fhir/index-values.js'
import {
  countStatement,
  pageStatement,
  revIncludeStatement,
  type Statement,
} from '../../src/store/search-sql.js'
import type { Criterion, SearchQuery } from '../../src/store/search-query.js'
import { withDatabase } from '../support/postgres.js'

const CASES = 4000
let pool: pg.Pool
// Hooks run in this order: the pool ends before its server does.
afterAll(() => pool.end())
const database = withDatabase()

const STATUSES = ['requested', 'accepted', ...Array.from({ length: 48 }, () => 'completed')]

function resourcesOf(n: number): (FhirResource & { id: string })[] {
  const authoredOn = new Date(Date.UTC(2026, 0, 1) + n * 600_000).toISOString()
  const status = STATUSES[n % STATUSES.length]
  return [
    {
      resourceType: 'Patient',
      id: `p${n}`,
      name: [{ family: `Fam${n}`, given: [`Giv${n % 89}`] }],
      birthDate: `19${10 + (n % 90)}-05-0${1 + (n % 9)}`,
      identifier: [{ system: 'https://example.org/mrn', value: `m${n}` }],
    },
    {
      resourceType: 'ServiceRequest',
      id: `s${n}`,
      status: n % 50 === 0 ? 'active' : 'completed',
      intent: 'order',
      subject: { reference: `Patient/p${n}` },
      identifier: [{ system: 'https://example.org/ubrn', value: `u${n}` }],
      authoredOn,
    },
    {
      resourceType: 'Task',
      id: `t${n}`,
      // Own cast: the list above holds Task statuses only.
      status: status as 'requested',
      intent: 'order',
      focus: { reference: `ServiceRequest/s${n}` },
      for: { reference: `Patient/p${n}` },
      owner: { reference: `Organization/o${n % 37}` },
      authoredOn,
    },
  ]
}

beforeAll(async () => {
  await database.open()
  pool = new pg.Pool(database.connection)
  for (let start = 0; start < CASES; start += 1000) {
    const rows = Array.from({ length: 1000 }, (_, i) => start + i).flatMap((n) =>
      resourcesOf(n).map((content) => ({
        ...indexValues(content),
        type: content.resourceType,
        id: content.id,
        at: new Date(Date.UTC(2026, 0, 1) + n * 600_000).toISOString(),
        case_id: `s${n}`,
        content,
      })),
    )
    await pool.query(
      `insert into resource (type, id, version, last_updated, case_id, parties, content, status, owner, authored, name,
         born, tokens, index_version)
       select type, id, 1, at, case_id, '{o1}', content, status, owner, authored, name, born, tokens, 1
       from jsonb_to_recordset($1::jsonb) as r (type text, id text, at timestamptz, case_id text, content jsonb,
         status text, owner text, authored timestamptz, name text, born date, tokens text[])`,
      [JSON.stringify(rows)],
    )
  }
  await pool.query('vacuum analyze resource')
}, 60_000)

async function planOf({ text, values }: Statement): Promise<string> {
  const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`explain ${text}`, [...values])
  return rows.map((row) => row['QUERY PLAN']).join('\n')
}

const query = (type: string, criteria: readonly Criterion[], sort: SearchQuery['sort']): SearchQuery => ({
  type,
  criteria,
  sort,
  count: 50,
  total: 'none',
  include: [],
  revInclude: [],
  timeoutMs: 2000,
})

const newest = { column: 'lastUpdated', descending: true } as const
const newestAuthored = { column: 'authored', descending: true } as const
const owner: Criterion = { kind: 'equals', column: 'owner', anyOf: ['Organization/o7'] }
const open: Criterion = { kind: 'equals', column: 'status', anyOf: ['requested', 'accepted'] }
const requested: Criterion = { kind: 'equals', column: 'status', anyOf: ['requested'] }
const rare = (token: string): Criterion => ({ kind: 'tokens', anyOf: [token], rare: true })
const aDay: Criterion = {
  kind: 'range',
  column: 'authored',
  anyOf: [{ from: '2026-01-05T00:00:00Z', before: '2026-01-06T00:00:00Z' }],
}

const rareStatus: Criterion = { kind: 'equals', column: 'status', anyOf: ['on-hold'] }

const ROWS: [string, SearchQuery, RegExp][] = [
  ['newest of a type', query('Task', [], newest), /resource_recent/],
  [
    'next page of it',
    { ...query('Task', [], newest), after: { value: '2026-01-05T00:00:00Z', id: 't9' } },
    /resource_recent/,
  ],
  ["a service's open offers", query('Task', [owner, open], newestAuthored), /resource_owner/],
  ['one status, newest first', query('Task', [requested], newestAuthored), /resource_status/],
  ['a rare status, newest first', query('ServiceRequest', [rareStatus], newest), /resource_status_recent/],
  ['a rare status by date', query('ServiceRequest', [rareStatus], newestAuthored), /resource_status_recent/],
  ['authored on a day', query('ServiceRequest', [aDay], newestAuthored), /resource_authored/],
  [
    'an identifier',
    query('ServiceRequest', [rare('identifier:https://example.org/ubrn|u77')], newest),
    /resource_tokens/,
  ],
  ["a patient's tasks", query('Task', [rare('subject:Patient/p77')], newest), /resource_tokens/],
  [
    'a name',
    query('Patient', [{ kind: 'words', anyOf: [[{ tags: ['family', 'given'], prefix: 'fam12' }]] }], newest),
    /resource_words/,
  ],
  [
    'a birth date',
    query(
      'Patient',
      [{ kind: 'range', column: 'born', anyOf: [{ from: '1950-05-01', before: '1950-05-02' }] }],
      newest,
    ),
    /resource_born/,
  ],
  ['a case', query('Task', [{ kind: 'equals', column: 'case', anyOf: ['s77'] }], newest), /resource_case/],
  ['an id', query('Task', [{ kind: 'equals', column: 'id', anyOf: ['t77'] }], newest), /resource_pkey/],
]

describe('a page', () => {
  test.each(ROWS)('%s', async (_name, asked, index) => {
    const plan = await planOf(pageStatement(asked, 'valued', 51))
    expect(plan).toMatch(index)
    expect(plan).not.toMatch(/Seq Scan/)
  })

  test('newest first needs no sort', async () => {
    expect(await planOf(pageStatement(query('Task', [], newest), 'valued', 51))).not.toMatch(/Sort/)
    expect(await planOf(pageStatement(query('Task', [requested], newestAuthored), 'valued', 51))).not.toMatch(
      /Sort/,
    )
  })
})

test('a total of a worklist', async () => {
  expect(await planOf(countStatement(query('Task', [owner, open], newest)))).toMatch(/resource_owner/)
})

test('what refers to a page of matches', async () => {
  const criterion: Criterion = {
    kind: 'tokens',
    anyOf: Array.from({ length: 50 }, (_, n) => `focus:ServiceRequest/s${n}`),
    rare: true,
  }
  const plan = await planOf(revIncludeStatement({ type: 'Task', criteria: [criterion] }, 1001))
  expect(plan).toMatch(/resource_tokens/)
  expect(plan).not.toMatch(/Seq Scan|resource_pkey/)
})

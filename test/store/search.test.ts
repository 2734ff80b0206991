import { beforeAll, describe, expect, test } from '@jest/globals'
import type { FhirResource, Task } from 'fhir/r4.js'
import type { Criterion, SearchCursor, SearchQuery } from '../../src/store/search-query.js'
import type { Store } from '../../src/store/store.js'
import { anOpening, at } from '../support/case-commit.js'
import { withDatabase } from '../support/postgres.js'

const database = withDatabase()
let store: Store

type Draft = FhirResource & { id: string }

const task = (id: string, changes: Partial<Omit<Task, 'id'>> = {}): Draft => ({
  resourceType: 'Task',
  id,
  status: 'requested',
  intent: 'order',
  focus: { reference: 'ServiceRequest/sr1' },
  for: { reference: 'Patient/p1' },
  owner: { reference: 'Organization/ucr' },
  ...changes,
})

/** Case k holds one patient, one request and three tasks; parties differ per case. */
const CASES: readonly { caseId: string; when: string; parties: string[]; resources: Draft[] }[] = [
  {
    caseId: 'sr1',
    when: '2026-11-21T09:00:00.123Z',
    parties: ['northgate', 'ucr'],
    resources: [
      {
        resourceType: 'ServiceRequest',
        id: 'sr1',
        status: 'active',
        intent: 'order',
        subject: { reference: 'Patient/p1' },
        identifier: [{ system: 'https://example.org/ubrn', value: '1-2' }],
        authoredOn: '2026-11-21T09:00:00Z',
      },
      {
        resourceType: 'Patient',
        id: 'p1',
        name: [{ family: 'Okafor', given: ['Zoë'] }],
        birthDate: '1950-05-03',
      },
      task('t1', { status: 'requested', authoredOn: '2026-11-21T09:00:00Z' }),
      task('t2', { status: 'accepted', authoredOn: '2026-11-20T09:00:00Z' }),
      task('t3', { status: 'completed' }),
    ],
  },
  {
    caseId: 'sr2',
    when: '2026-11-21T10:00:00.456Z',
    parties: ['northgate', 'ward'],
    resources: [
      {
        resourceType: 'ServiceRequest',
        id: 'sr2',
        status: 'draft',
        intent: 'order',
        subject: { reference: 'Patient/p2' },
        identifier: [{ value: '1-2' }],
      },
      {
        resourceType: 'Patient',
        id: 'p2',
        name: [{ family: "O'Kane-Zed", given: ['Ann'] }],
        birthDate: '1999-12-31',
      },
      task('t4', {
        owner: { reference: 'Organization/ward' },
        for: { reference: 'Patient/p2' },
        focus: { reference: 'ServiceRequest/sr2' },
        authoredOn: '2026-11-22T00:00:00Z',
      }),
    ],
  },
]

beforeAll(async () => {
  store = await database.open()
  for (const { caseId, when, parties, resources } of CASES) {
    const drafts = resources.map((resource) => ({ resource, parties }))
    const outcome = await store.commitCase(anOpening({ caseId, now: at(when), resources: drafts }))
    expect(outcome.kind).toBe('committed')
  }
})

const query = (type: string, changes: Partial<SearchQuery> = {}): SearchQuery => ({
  type,
  criteria: [],
  sort: { column: 'id', descending: false },
  count: 50,
  total: 'none',
  include: [],
  revInclude: [],
  timeoutMs: 2000,
  ...changes,
})

const idsOf = async (asked: SearchQuery): Promise<string[]> =>
  (await store.search(asked)).matches.map(({ resource }) => resource.id)

describe('criteria', () => {
  const tokens = (...anyOf: string[]): Criterion => ({ kind: 'tokens', anyOf, rare: true })
  const rows: [string, string, Criterion[], string[]][] = [
    ['system|code', 'ServiceRequest', [tokens('identifier:https://example.org/ubrn|1-2')], ['sr1']],
    ['a code in any system', 'ServiceRequest', [tokens('identifier:1-2')], ['sr1', 'sr2']],
    ['|code: no system', 'ServiceRequest', [tokens('identifier:|1-2')], ['sr2']],
    [
      'any of two tokens',
      'Task',
      [tokens('subject:Patient/p1', 'subject:Patient/p2')],
      ['t1', 't2', 't3', 't4'],
    ],
    ['no token', 'Task', [tokens()], []],
    [
      'common tokens',
      'Task',
      [{ kind: 'tokens', anyOf: ['intent:order'], rare: false }],
      ['t1', 't2', 't3', 't4'],
    ],
    [
      'status',
      'Task',
      [{ kind: 'equals', column: 'status', anyOf: ['requested', 'accepted'] }],
      ['t1', 't2', 't4'],
    ],
    ['no status', 'Task', [{ kind: 'equals', column: 'status', anyOf: [] }], []],
    [
      'owner and status',
      'Task',
      [
        { kind: 'equals', column: 'owner', anyOf: ['Organization/ucr'] },
        { kind: 'equals', column: 'status', anyOf: ['requested'] },
      ],
      ['t1'],
    ],
    ['id', 'Task', [{ kind: 'equals', column: 'id', anyOf: ['t2', 'sr1', 'none'] }], ['t2']],
    ['case', 'Task', [{ kind: 'equals', column: 'case', anyOf: ['sr2'] }], ['t4']],
    [
      'a rare token and a status',
      'Task',
      [tokens('focus:ServiceRequest/sr1'), { kind: 'equals', column: 'status', anyOf: ['accepted'] }],
      ['t2'],
    ],
    [
      'from, inclusive, before, exclusive',
      'Task',
      [
        {
          kind: 'range',
          column: 'authored',
          anyOf: [{ from: '2026-11-20T09:00:00Z', before: '2026-11-21T09:00:00Z' }],
        },
      ],
      ['t2'],
    ],
    [
      'outside leaves out rows without a value',
      'Task',
      [
        {
          kind: 'range',
          column: 'authored',
          anyOf: [{ from: '2026-11-20T00:00:00Z', before: '2026-11-21T00:00:00Z', outside: true }],
        },
      ],
      ['t1', 't4'],
    ],
    [
      'last updated to the millisecond',
      'Task',
      [{ kind: 'range', column: 'lastUpdated', anyOf: [{ from: '2026-11-21T09:00:00.124Z' }] }],
      ['t4'],
    ],
    [
      'born',
      'Patient',
      [{ kind: 'range', column: 'born', anyOf: [{ from: '1950-05-01', before: '1950-06-01' }] }],
      ['p1'],
    ],
    [
      'a prefix of a given name',
      'Patient',
      [{ kind: 'words', anyOf: [[{ tags: ['given'], prefix: 'zo' }]] }],
      ['p1'],
    ],
    ['given is not family', 'Patient', [{ kind: 'words', anyOf: [[{ tags: ['given'], prefix: 'ok' }]] }], []],
    [
      'family prefix',
      'Patient',
      [{ kind: 'words', anyOf: [[{ tags: ['family'], prefix: 'ok' }]] }],
      ['p1', 'p2'],
    ],
    [
      'two words, both needed',
      'Patient',
      [
        {
          kind: 'words',
          anyOf: [
            [
              { tags: ['family', 'given'], prefix: 'zed' },
              { tags: ['family', 'given'], prefix: 'an' },
            ],
          ],
        },
      ],
      ['p2'],
    ],
  ]
  test.each(rows)('%s', async (_name, type, criteria, expected) => {
    expect(await idsOf(query(type, { criteria }))).toEqual(expected)
  })
})

describe('order and pages', () => {
  const walk = async (asked: SearchQuery): Promise<string[]> => {
    const ids: string[] = []
    let after: SearchCursor | undefined
    do {
      const page = await store.search({ ...asked, ...(after && { after }) })
      expect(page.matches.length).toBeLessThanOrEqual(asked.count)
      ids.push(...page.matches.map(({ resource }) => resource.id))
      after = page.next
    } while (after)
    return ids
  }
  test.each([
    ['lastUpdated', false, ['t1', 't2', 't3', 't4']],
    ['lastUpdated', true, ['t4', 't3', 't2', 't1']],
    ['authored', false, ['t2', 't1', 't4', 't3']],
    ['authored', true, ['t4', 't1', 't2', 't3']],
    ['status', false, ['t2', 't3', 't1', 't4']],
    ['id', true, ['t4', 't3', 't2', 't1']],
  ] as const)(
    'by %s, descending %s: the same rows whatever the page size',
    async (column, descending, expected) => {
      for (const count of [1, 2, 3, 4, 5]) {
        expect(await walk(query('Task', { sort: { column, descending }, count }))).toEqual(expected)
      }
    },
  )

  test('by name and by birth date', async () => {
    expect(await walk(query('Patient', { sort: { column: 'name', descending: true }, count: 1 }))).toEqual([
      'p2',
      'p1',
    ])
    expect(await walk(query('Patient', { sort: { column: 'born', descending: true }, count: 1 }))).toEqual([
      'p2',
      'p1',
    ])
  })

  test('the last page has no next, count 0 gives the total alone', async () => {
    expect((await store.search(query('Task', { count: 4 }))).next).toBeUndefined()
    const counted = await store.search(query('Task', { count: 0, total: 'accurate' }))
    expect(counted).toEqual({ matches: [], included: [], total: 4 })
  })

  test('the total counts every match, not the page', async () => {
    const page = await store.search(query('Task', { count: 1, total: 'accurate' }))
    expect([page.matches.length, page.total]).toEqual([1, 4])
  })
})

test('a match carries its version and times as the store has them', async () => {
  const { matches } = await store.search(
    query('Patient', { criteria: [{ kind: 'equals', column: 'id', anyOf: ['p2'] }] }),
  )
  expect(matches[0]).toMatchObject({ version: 1, lastUpdated: '2026-11-21T10:00:00.456Z', caseId: 'sr2' })
  expect(matches[0]?.resource.meta).toEqual({ versionId: '1', lastUpdated: '2026-11-21T10:00:00.456Z' })
})

describe('includes', () => {
  const included = async (asked: SearchQuery): Promise<string[]> =>
    (await store.search(asked)).included
      .map(({ resource }) => `${resource.resourceType}/${resource.id}`)
      .sort()
  const one = (id: string): Criterion[] => [{ kind: 'equals', column: 'id', anyOf: [id] }]

  test('what a match refers to', async () => {
    const include = [
      { type: 'Task', param: 'focus' },
      { type: 'Task', param: 'patient' },
      { type: 'Task', param: 'owner' },
    ]
    expect(await included(query('Task', { criteria: one('t1'), include }))).toEqual([
      'Patient/p1',
      'ServiceRequest/sr1',
    ])
  })

  test('only the type asked for', async () => {
    const include = [{ type: 'Task', param: 'focus', target: 'Patient' }]
    expect(await included(query('Task', { criteria: one('t1'), include }))).toEqual([])
  })

  test('what refers to a match', async () => {
    const revInclude = [{ type: 'Task', param: 'focus' }]
    expect(await included(query('ServiceRequest', { criteria: one('sr1'), revInclude }))).toEqual([
      'Task/t1',
      'Task/t2',
      'Task/t3',
    ])
  })
})

describe('the access filter', () => {
  test('matches and totals are those a party may see', async () => {
    const page = await store.search(query('Task', { parties: ['ward'], total: 'accurate' }))
    expect([page.matches.map(({ resource }) => resource.id), page.total]).toEqual([['t4'], 1])
    expect(await idsOf(query('Task', { parties: ['northgate'] }))).toEqual(['t1', 't2', 't3', 't4'])
    expect(await idsOf(query('Task', { parties: [] }))).toEqual([])
  })

  test('nothing rides along that the party may not see', async () => {
    const page = await store.search(
      query('Task', { parties: ['ward'], include: [{ type: 'Task', param: 'patient' }] }),
    )
    expect(page.included.map(({ resource }) => resource.id)).toEqual(['p2'])
  })

  test('everyone sees the directory', async () => {
    await store.putDirectory(
      [{ resourceType: 'Organization', id: 'ucr', name: 'UCR' }],
      at('2026-11-21T11:00:00Z'),
    )
    expect(await idsOf(query('Organization', { parties: ['ward'] }))).toEqual(['ucr'])
  })
})

describe('refusals', () => {
  test('a search over its time is too costly, and the connection goes on working', async () => {
    const slow: Criterion = {
      kind: 'words',
      anyOf: Array.from({ length: 3000 }, () =>
        Array.from({ length: 40 }, () => ({ tags: ['given'], prefix: 'a' })),
      ),
    }
    await expect(store.search(query('Patient', { criteria: [slow], timeoutMs: 1 }))).rejects.toMatchObject({
      code: 'too-costly',
    })
    expect(await idsOf(query('Patient'))).toEqual(['p1', 'p2'])
  })

  test('a date past the calendar is a bad parameter', async () => {
    const late: Criterion = { kind: 'range', column: 'authored', anyOf: [{ from: '999999-01-01T00:00:00Z' }] }
    await expect(store.search(query('Task', { criteria: [late] }))).rejects.toMatchObject({
      code: 'parameter-invalid',
    })
  })

  test('a NUL character is a bad parameter', async () => {
    const nul: Criterion = { kind: 'equals', column: 'status', anyOf: ['a\u0000b'] }
    await expect(store.search(query('Task', { criteria: [nul] }))).rejects.toMatchObject({
      code: 'parameter-invalid',
    })
  })

  test('a type outside the table never reaches the SQL', async () => {
    await expect(store.search(query("Task' or true --"))).rejects.toThrow()
  })
})

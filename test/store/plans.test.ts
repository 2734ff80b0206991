/** The hot statements find their rows by an index: on a new database, where plans are cached first, and on a full one. */
import { beforeAll, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { FIND_CASES, READ_CASE } from '../../src/store/cases.js'
import { CLAIM_DEADLINES, NEXT_DUE } from '../../src/store/deadlines.js'
import { BEGIN_ATTEMPT, FIND_DELIVERY } from '../../src/store/attempts.js'
import { FIND_GENERATIONS } from '../../src/store/messages.js'
import { CLAIM_DELIVERIES } from '../../src/store/outbox.js'
import { withDatabase } from '../support/postgres.js'

const database = withDatabase()

/** 50,000 settled deliveries, 300 waiting for 6 receivers, and cases, resources and messages to match. */
const FILL = `
insert into delivery (id, case_id, seq, receiver, channel, kind, subject, state, due_at, created_at, context, correlation)
select 'd' || n, 'c' || n / 3, n, 'r' || n % 6, 'fhir', 'offer', 's' || n,
  case when n % 167 = 0 then 'queued' else 'delivered' end, now(), now(), '{}', 'corr' || n
from generate_series(1, 50000) as n;
insert into deadline (id, case_id, kind, due_at, subject, settled_at)
select 'dl' || n, 'c' || n, 'answer-due', now(), 's' || n, case when n % 100 > 0 then now() end
from generate_series(1, 20000) as n;
insert into case_file (case_id, journey_id, version, state, event_seq, event_hashes, delivery_seq, opened_at, updated_at)
select 'c' || n, 'j' || n, 1, '{}', 1, '{x}', 3, now(), now() from generate_series(1, 10000) as n;
insert into resource (type, id, version, last_updated, case_id, parties, content, tokens, index_version)
select case when n % 5 = 0 then 'ServiceRequest' else 'Task' end, 'i' || n, 1, now(), 'c' || n / 5, '{p}', '{}',
  array['identifier:https://x.example|' || n, 'status:active'], 1
from generate_series(1, 50000) as n;
insert into message (id, channel, sender, message_id, generation, body_hash, kind, raw, received_at, case_id)
select 'm' || n, 'mllp', 's' || n % 5, 'x' || n, 1, 'h', 'REF', '', now(), 'c' || n from generate_series(1, 20000) as n;
analyze`

interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly Plans?: readonly Plan[]
}

/** What the plan for any parameter values reads, `index` or `seq scan of table`. */
async function readsOf(text: string): Promise<string[]> {
  const client = new pg.Client(database.connection)
  await client.connect()
  await client.query('set jit = off; set random_page_cost = 1.1')
  const { rows } = await client.query<{ 'QUERY PLAN': readonly { Plan: Plan }[] }>(
    `explain (generic_plan, format json) ${text}`,
  )
  await client.end()
  const reads = (plan: Plan): string[] => [
    ...(plan['Node Type'] === 'Seq Scan' ? [`seq scan of ${plan['Relation Name'] ?? ''}`] : []),
    ...(plan['Index Name'] === undefined ? [] : [plan['Index Name']]),
    ...(plan.Plans ?? []).flatMap(reads),
  ]
  return [...new Set(rows[0]!['QUERY PLAN'].flatMap(({ Plan: root }) => reads(root)))]
}

const HOT: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'claim deliveries',
    CLAIM_DELIVERIES,
    ['delivery_due', 'delivery_leased', 'delivery_line', 'delivery_pkey'],
  ],
  ['next due', NEXT_DUE, ['delivery_due', 'delivery_line', 'delivery_leased', 'deadline_due']],
  ['begin attempt', BEGIN_ATTEMPT, ['delivery_pkey']],
  ['find delivery', FIND_DELIVERY, ['delivery_correlation']],
  ['claim deadlines', CLAIM_DEADLINES, ['deadline_due', 'deadline_pkey']],
  ['find cases', FIND_CASES, ['resource_tokens', 'case_file_pkey']],
  ['read case', READ_CASE, ['case_file_pkey', 'resource_case']],
  ['find generations', FIND_GENERATIONS, ['message_once']],
]

/** Few rows by nature: one per receiver that fails. */
const SMALL = ['seq scan of receiver_state', 'receiver_state_pkey']

describe('on a new database', () => {
  test.each(HOT)('%s', async (_name, text) => {
    const reads = await readsOf(text)
    expect(reads.filter((read) => read.startsWith('seq scan') && !SMALL.includes(read))).toEqual([])
  })
})

describe('on a full database', () => {
  beforeAll(async () => {
    const client = new pg.Client(database.connection)
    await client.connect()
    await client.query(FILL)
    await client.end()
  }, 60_000)

  test.each(HOT)('%s', async (_name, text, indexes) => {
    const reads = await readsOf(text)
    expect(reads.filter((read) => !SMALL.includes(read)).sort()).toEqual([...indexes].sort())
  })
})

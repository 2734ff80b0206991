/** Reads of one case: its state with its resources, its events, and cases found by an identifier. */
import type { FhirResource } from 'fhir/r4.js'
import { systemToken } from '../fhir/index-values.js'
import { instantOf } from '../terms/instant.js'
import type { Database } from './database.js'
import { resourceOf } from './resources.js'
import type { CaseEvent, CaseRecord } from './types.js'

/** Provenance and AuditEvent are left out: there is one for every commit, and nothing is decided by them. */
export const READ_CASE = `
select c.case_id, c.journey_id, c.version, c.state, (
  select coalesce(jsonb_agg(jsonb_build_array(r.content, r.version, r.last_updated)), '[]')
  from resource r
  where r.case_id = c.case_id and not r.deleted and r.type not in ('Provenance', 'AuditEvent')
) as resources
from case_file c where c.case_id = $1`

interface CaseRow {
  readonly case_id: string
  readonly journey_id: string
  readonly version: number
  readonly state: unknown
  readonly resources: readonly (readonly [FhirResource & { id: string }, number, string])[]
}

export async function readCase(database: Database, caseId: string): Promise<CaseRecord | undefined> {
  const [row] = await database.run<CaseRow>({ name: 'read-case', text: READ_CASE, values: [caseId] })
  if (row === undefined) return undefined
  return {
    caseId: row.case_id,
    journeyId: row.journey_id,
    version: row.version,
    state: row.state,
    resources: row.resources.map(([content, version, lastUpdated]) =>
      resourceOf(content, version, instantOf(new Date(lastUpdated))),
    ),
  }
}

export async function readEvents(database: Database, caseId: string): Promise<readonly CaseEvent[]> {
  const rows = await database.run<{
    readonly case_id: string
    readonly seq: number
    readonly kind: string
    readonly at: Date
    readonly actor: CaseEvent['actor']
    readonly data: CaseEvent['data']
    readonly hash: string
  }>({
    text: 'select case_id, seq, kind, at, actor, data, hash from case_event where case_id = $1 order by seq',
    values: [caseId],
  })
  return rows.map(({ case_id, at, ...event }) => ({ ...event, caseId: case_id, at: instantOf(at) }))
}

/** The few rows with the token first, alone: combined with the type, the planner reads every ServiceRequest's key. */
export const FIND_CASES = `
with found as materialized (
  select case_id, type, deleted from resource where tokens @> array[$1::text]
)
select distinct c.case_id, c.opened_at from found f join case_file c on c.case_id = f.case_id
where f.type = 'ServiceRequest' and not f.deleted
order by c.opened_at, c.case_id
limit 10`

export async function findCasesByIdentifier(
  database: Database,
  system: string,
  value: string,
): Promise<readonly string[]> {
  const rows = await database.run<{ case_id: string }>({
    name: 'find-cases',
    text: FIND_CASES,
    values: [systemToken('identifier', system, value)],
  })
  return rows.map((row) => row.case_id)
}

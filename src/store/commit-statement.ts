/** The one data-modifying statement of a commit: message, case, resources, events, deliveries and deadlines, or
 *  nothing. Each part is one `with` query; parts a commit does not need are left out, since every table named in a
 *  statement costs time. The main query runs the parts that can refuse first, in the same order in every commit
 *  (message, case, delivery, deadline, resources), so that two commits cannot wait for each other in a ring. */
import { attemptParts } from './attempt-statement.js'
import type { Statement } from './database.js'
import { CHAIN_START, eventDigest } from './event-chain.js'
import { resourceRows, ROW_COLUMNS } from './resource-rows.js'
import { statement, type Bind } from './statement.js'
import type { CaseCommit, IncomingMessage } from './types.js'

/** SQLSTATEs our own conditions raise; the class `OD` is unused by PostgreSQL. */
export const REFUSALS = { stale: 'OD001', leaseLost: 'OD002', resourceTaken: 'OD003' } as const

export const MESSAGE_CONSTRAINT = 'message_once'
export const CASE_CONSTRAINT = 'case_file_pkey'

/** `generation`: how often the sender has started its message ids again, from 1. */
export function commitStatement(commit: CaseCommit, generation: number): Statement {
  return statement(`commit-${shapeOf(commit)}`, (bind) => {
    const now = `${bind(commit.now)}::timestamptz`
    const caseId = `${bind(commit.caseId)}::text`
    const parts: string[] = []
    const conditions: string[] = []
    if (commit.message !== undefined) {
      parts.push(messagePart(commit.message, caseId, generation, bind))
      conditions.push('(select count(*) from message_kept)')
    }
    parts.push(
      commit.expectedVersion === 0
        ? openPart(commit, caseId, now, bind)
        : changePart(commit, caseId, now, bind),
    )
    conditions.push(require('(select count(*) from case_written) = 1', REFUSALS.stale))
    if (commit.attempt !== undefined) {
      parts.push(...attemptParts(commit.attempt, bind))
      conditions.push(require('(select count(*) from attempt_settled) = 1', REFUSALS.leaseLost))
    }
    if (commit.deadline !== undefined) {
      parts.push(deadlineMetPart(commit.deadline, now, bind))
      conditions.push(require('(select count(*) from deadline_met) = 1', REFUSALS.leaseLost))
    }
    if (commit.resources.length > 0) {
      parts.push(...resourceParts(commit, caseId, now, bind))
      const written = `(select count(*) from resources_written) = ${bind(commit.resources.length)}::int`
      conditions.push(require(written, REFUSALS.resourceTaken))
    }
    parts.push(...rowParts(commit, caseId, now, bind))
    return `with ${parts.join(',\n')}\nselect (select version from case_written) as version, ${conditions.join(', ')}`
  })
}

/** Two commits with the same shape have the same text; the name of a prepared statement has at most 63 bytes. */
function shapeOf(commit: CaseCommit): string {
  const parts = [
    commit.expectedVersion === 0,
    commit.message !== undefined,
    commit.attempt !== undefined,
    commit.deadline !== undefined,
    commit.resources.length > 0,
    commit.events.length > 0,
    commit.deliveries.length > 0,
    commit.deadlines.length > 0,
    commit.clearedDeadlines.length > 0,
    commit.withdrawnDeliveries.length > 0,
  ]
  return parts.map(Number).join('')
}

const require = (condition: string, otherwise: string): string => `require(${condition}, '${otherwise}')`

function messagePart(message: IncomingMessage, caseId: string, generation: number, bind: Bind): string {
  return `message_kept as (
    insert into message (id, channel, sender, message_id, generation, body_hash, kind, raw, received_at, answer, case_id)
    values (${bind(message.id)}, ${bind(message.channel)}, ${bind(message.sender)}, ${bind(message.messageId)},
      ${bind(generation)}, ${bind(message.bodyHash)}, ${bind(message.kind)}, ${bind(message.raw)},
      ${bind(message.receivedAt)}, ${bind(message.answer)}, ${caseId})
    returning 1
  )`
}

/** What the events and deliveries of this commit are numbered from. */
const caseResult = (events: string, deliveries: string): string =>
  `version, event_seq - ${events} as events_before, event_hashes, delivery_seq - ${deliveries} as deliveries_before`

function caseValues(commit: CaseCommit, bind: Bind) {
  return {
    journeyId: bind(commit.journeyId),
    state: `${bind(JSON.stringify(commit.state))}::jsonb`,
    digests: `${bind(commit.events.map((event) => eventDigest(commit.caseId, event)))}::text[]`,
    events: `${bind(commit.events.length)}::int`,
    deliveries: `${bind(commit.deliveries.length)}::int`,
  }
}

function openPart(commit: CaseCommit, caseId: string, now: string, bind: Bind): string {
  const { journeyId, state, digests, events, deliveries } = caseValues(commit, bind)
  return `case_written as (
    insert into case_file (case_id, journey_id, version, state, event_seq, event_hashes, delivery_seq, opened_at, updated_at)
    values (${caseId}, ${journeyId}, 1, ${state}, ${events}, chain_hashes('${CHAIN_START}', ${digests}), ${deliveries},
      ${now}, ${now})
    returning ${caseResult(events, deliveries)}
  )`
}

function changePart(commit: CaseCommit, caseId: string, now: string, bind: Bind): string {
  const { journeyId, state, digests, events, deliveries } = caseValues(commit, bind)
  return `case_written as (
    update case_file set journey_id = ${journeyId}, version = version + 1, state = ${state}, updated_at = ${now},
      event_seq = event_seq + ${events}, delivery_seq = delivery_seq + ${deliveries},
      event_hashes = chain_hashes(event_hashes[cardinality(event_hashes)], ${digests})
    where case_id = ${caseId} and version = ${bind(commit.expectedVersion)}
    returning ${caseResult(events, deliveries)}
  )`
}

/** A resource id that belongs to another case is never written over: its row is not returned, and that refuses. */
function resourceParts(commit: CaseCommit, caseId: string, now: string, bind: Bind): string[] {
  const rows = `drafts as materialized (select * from ${resourceRows(commit.resources, bind)})`
  const insert = `insert into resource (version, last_updated, case_id, ${ROW_COLUMNS})
    select 1, ${now}, ${caseId}, ${ROW_COLUMNS} from drafts`
  if (commit.expectedVersion === 0) {
    return [rows, `resources_written as (${insert} on conflict do nothing returning 1)`]
  }
  return [
    rows,
    supersededPart(),
    `resources_written as (${insert} ${REPLACE} where resource.case_id = ${caseId} returning 1)`,
  ]
}

/** All parts see the state before the statement, so this copies the versions that the next part replaces. */
export const supersededPart = (): string => `superseded as (
    insert into history (type, id, version, last_updated, case_id, parties, content, deleted)
    select o.type, o.id, o.version, o.last_updated, o.case_id, o.parties, o.content, o.deleted
    from drafts d join resource o on o.type = d.type and o.id = d.id
  )`

export const REPLACE = `on conflict (type, id) do update set version = resource.version + 1,
    last_updated = excluded.last_updated, parties = excluded.parties, content = excluded.content, deleted = false,
    status = excluded.status, owner = excluded.owner, authored = excluded.authored, name = excluded.name,
    born = excluded.born, tokens = excluded.tokens, index_version = excluded.index_version`

/** Rows that are only added or closed: none of these can refuse the commit. */
function rowParts(commit: CaseCommit, caseId: string, now: string, bind: Bind): string[] {
  const parts: string[] = []
  if (commit.events.length > 0) parts.push(eventsPart(commit, caseId, bind))
  if (commit.deliveries.length > 0) parts.push(deliveriesPart(commit, caseId, now, bind))
  if (commit.deadlines.length > 0) parts.push(deadlinesPart(commit, caseId, bind))
  if (commit.clearedDeadlines.length > 0) parts.push(clearedPart(commit, caseId, now, bind))
  if (commit.withdrawnDeliveries.length > 0) parts.push(withdrawnPart(commit, caseId, now, bind))
  return parts
}

function eventsPart(commit: CaseCommit, caseId: string, bind: Bind): string {
  return `events_written as (
    insert into case_event (case_id, seq, kind, at, actor, data, hash)
    select ${caseId}, w.events_before + e.n, e.event ->> 'kind', (e.event ->> 'at')::timestamptz, e.event -> 'actor',
      e.event -> 'data', w.event_hashes[e.n]
    from case_written w, jsonb_array_elements(${bind(JSON.stringify(commit.events))}::jsonb) with ordinality as e(event, n)
  )`
}

function deliveriesPart(commit: CaseCommit, caseId: string, now: string, bind: Bind): string {
  return `deliveries_queued as (
    insert into delivery (id, case_id, seq, receiver, channel, kind, subject, state, due_at, created_at, context)
    select d.draft ->> 'id', ${caseId}, w.deliveries_before + d.n, d.draft ->> 'receiver', d.draft ->> 'channel',
      d.draft ->> 'kind', d.draft ->> 'subject', 'queued', coalesce((d.draft ->> 'notBefore')::timestamptz, ${now}),
      ${now}, d.draft -> 'context'
    from case_written w,
      jsonb_array_elements(${bind(JSON.stringify(commit.deliveries))}::jsonb) with ordinality as d(draft, n)
  )`
}

function deadlinesPart(commit: CaseCommit, caseId: string, bind: Bind): string {
  return `deadlines_set as (
    insert into deadline (id, case_id, kind, due_at, subject)
    select d.id, ${caseId}, d.kind, d."dueAt", d.subject
    from jsonb_to_recordset(${bind(JSON.stringify(commit.deadlines))}::jsonb)
      as d(id text, kind text, "dueAt" timestamptz, subject text)
  )`
}

function deadlineMetPart(deadline: NonNullable<CaseCommit['deadline']>, now: string, bind: Bind): string {
  return `deadline_met as (
    update deadline set settled_at = ${now}, lease = null, lease_until = null
    where id = ${bind(deadline.id)} and lease = ${bind(deadline.lease)}::bigint and settled_at is null
    returning 1
  )`
}

/** The deadline this commit acts on is closed by its own part: one row, one change. */
function clearedPart(commit: CaseCommit, caseId: string, now: string, bind: Bind): string {
  return `deadlines_cleared as (
    update deadline set settled_at = ${now}, lease = null, lease_until = null
    where case_id = ${caseId} and subject = any(${bind(commit.clearedDeadlines)}::text[]) and settled_at is null
      and id is distinct from ${bind(commit.deadline?.id ?? null)}
  )`
}

/** Only what provably never left: a delivery that is being sent, or may have arrived, stays in line before
 *  whatever follows it. */
function withdrawnPart(commit: CaseCommit, caseId: string, now: string, bind: Bind): string {
  return `deliveries_withdrawn as (
    update delivery set state = 'withdrawn', settled_at = ${now}, lease = null, lease_until = null
    where case_id = ${caseId} and subject = any(${bind(commit.withdrawnDeliveries)}::text[]) and state = 'queued'
      and not may_have_arrived and id is distinct from ${bind(commit.attempt?.deliveryId ?? null)}
  )`
}

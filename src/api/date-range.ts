/** FHIR date search values -> half-open ranges (R4 search 3.1.1.4.3 and 3.1.1.5.7). */
import type { Range } from '../store/search-query.js'
import { Fault } from '../terms/fault.js'
import { instantOf, type Instant } from '../terms/instant.js'
import { offsetOfLocal } from '../terms/zone.js'

export interface DateContext {
  /** Zone of a value that names none (R4: the server's own). */
  readonly zone: string
  /** `ap` widens with the distance from here. */
  readonly now: Instant
  /** The parameter, for error texts. */
  readonly where: string
}

const VALUE =
  /^(eq|ne|gt|lt|ge|le|sa|eb|ap)?(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?)?)?$/

/** A search value against an element that is stored as the instant it starts at. */
export function instantRange(text: string, context: DateContext): Range {
  const { prefix, from, before } = parseValue(text, context)
  return rangeOf(prefix, instantAt(from), instantAt(before))
}

/** The same for an element that is a date without a time. */
export function dayRange(text: string, context: DateContext): Range {
  if (text.includes('T')) throw refused(context.where, 'a date without a time')
  const { prefix, from, before } = parseValue(text, { ...context, zone: 'UTC' })
  const day = (ms: number): string => instantAt(ms).slice(0, 10)
  return rangeOf(prefix, day(from), day(before))
}

type Prefix = 'eq' | 'ne' | 'gt' | 'lt' | 'ge' | 'le' | 'sa' | 'eb' | 'ap'

function rangeOf(prefix: Prefix, from: string, before: string): Range {
  switch (prefix) {
    case 'eq':
    case 'ap':
      return { from, before }
    case 'ne':
      return { from, before, outside: true }
    case 'gt':
    case 'sa':
      return { from: before }
    case 'ge':
      return { from }
    case 'lt':
    case 'eb':
      return { before: from }
    case 'le':
      return { before }
  }
}

const EARLIEST_MS = Date.parse('0001-01-01T00:00:00.000Z')
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z')

/** Bounds outside four-digit years mean the same as the ends of them: no stored date lies beyond. */
const instantAt = (unixMs: number): Instant =>
  instantOf(new Date(Math.min(Math.max(unixMs, EARLIEST_MS), LATEST_MS)))

interface Span {
  readonly prefix: Prefix
  /** Unix milliseconds; `before` is the first one after the span. */
  readonly from: number
  readonly before: number
}

function parseValue(text: string, context: DateContext): Span {
  // A `+` that was not percent-encoded arrives as a space.
  const match = VALUE.exec(text.replace(' ', '+'))
  const local = match && localSpan(match)
  if (!match || !local) throw refused(context.where, 'a date such as ge2026-11-21 or lt2026-11-21T09:30:00Z')
  const prefix = (match[1] ?? 'eq') as Prefix
  const unixMs = (ms: number): number => ms - offsetMinutesOf(match[9], ms, context.zone) * 60_000
  const span = { prefix, from: unixMs(local.from), before: unixMs(local.before) }
  return prefix === 'ap' ? widened(span, Date.parse(context.now)) : span
}

/** The span as if its wall clock were UTC; undefined for a day or time that does not exist. */
function localSpan(match: RegExpExecArray): { readonly from: number; readonly before: number } | undefined {
  const [, , year = '', month, day, hour, minute, second, fraction] = match
  const from = Date.parse(
    `${year}-${month ?? '01'}-${day ?? '01'}T${hour ?? '00'}:${minute ?? '00'}:${second ?? '00'}${fraction ?? ''}Z`,
  )
  if (Number.isNaN(from) || year === '0000') return undefined
  // Date.parse takes 31 February for 3 March.
  if (day !== undefined && new Date(from).getUTCDate() !== Number(day) && hour !== '24') return undefined
  if (fraction !== undefined) return { from, before: from + 1 }
  if (second !== undefined) return { from, before: from + 1000 }
  if (hour !== undefined) return { from, before: from + 60_000 }
  if (day !== undefined) return { from, before: from + 86_400_000 }
  const next = new Date(from)
  if (month !== undefined) next.setUTCMonth(next.getUTCMonth() + 1)
  else next.setUTCFullYear(next.getUTCFullYear() + 1)
  return { from, before: next.getTime() }
}

function offsetMinutesOf(offset: string | undefined, localMs: number, zone: string): number {
  if (offset === undefined) return offsetOfLocal(zone, localMs).offsetMinutes
  if (offset === 'Z') return 0
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4, 6))
  return offset.startsWith('-') ? -minutes : minutes
}

/** R4: approximately = within 10 % of the distance between now and the date. */
function widened(span: Span, nowMs: number): Span {
  const margin = Math.abs(nowMs - span.from) / 10
  return { ...span, from: span.from - margin, before: span.before + margin }
}

const refused = (where: string, expected: string): Fault =>
  new Fault(
    'parameter-invalid',
    `A value of ${where} is not a date that can be searched; expected ${expected}.`,
    where,
  )

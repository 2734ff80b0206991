/** HL7 v2 times -> FHIR dates: precision and offset kept, the sender's zone only where none is given.
 *  HL7 v2.5.1 ch. 2A.22: YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]. */
import { formatOffset, offsetOfLocal } from '../terms/zone.js'
import type { LocalOffset } from '../terms/zone.js'

export interface Hl7Time {
  /** `2026`, `2026-11`, `2026-11-21`. */
  readonly date: string
  /** `09:30:00`, with a fraction if one was sent; undefined for a date alone. */
  readonly time?: string
  readonly offset?: string
  /** Milliseconds of the wall-clock time as if it were UTC. */
  readonly localMs: number
}

const SHAPE = /^(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(\.\d{1,9})?)?)?)?)?)?([+-]\d{4})?$/

/** Undefined for anything that is not a real date or time (19761325, 20230230, 2400). */
export function parseHl7Time(text: string): Hl7Time | undefined {
  const match = SHAPE.exec(text)
  if (match === null) return undefined
  const [, year = '', month, day, hour, minute = '00', second = '00', fraction = '', offset] = match
  if (!isDate(Number(year), Number(month ?? 1), Number(day ?? 1))) return undefined
  const date = [year, month, day].filter((part) => part !== undefined).join('-')
  const midnight = Date.UTC(2000, Number(month ?? 1) - 1, Number(day ?? 1))
  if (hour === undefined) return offset === undefined ? { date, localMs: midnight } : undefined
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  const zone = offset === undefined ? undefined : readOffset(offset)
  if (offset !== undefined && zone === undefined) return undefined
  const localMs = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  )
  const time = `${hour}:${minute}:${second}${fraction}`
  return { date, time, localMs, ...(zone === undefined ? {} : { offset: zone }) }
}

function isDate(year: number, month: number, day: number): boolean {
  if (year === 0 || month < 1 || month > 12 || day < 1) return false
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  const last = month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31
  return day <= last
}

/** `-0000` says that the time is UTC and the place's offset unknown (RFC 3339 section 4.3). */
function readOffset(text: string): string | undefined {
  const hours = Number(text.slice(1, 3))
  const minutes = Number(text.slice(3))
  if (minutes > 59 || hours * 60 + minutes > 14 * 60) return undefined
  if (text === '-0000') return 'Z'
  return `${text.slice(0, 3)}:${text.slice(3)}`
}

/** The zone's offset at a wall-clock time, remembered per day: nearly every day has one offset. */
export function offsetInZone(
  zone: string,
  localMs: number,
): { readonly offset: string; readonly doubt?: string } {
  const day = Math.floor(localMs / DAY_MS)
  const key = `${zone}|${day}`
  let known = offsets.get(key)
  if (known === undefined) {
    const start = offsetOfLocal(zone, day * DAY_MS)
    const end = offsetOfLocal(zone, (day + 1) * DAY_MS)
    const steady = start.offsetMinutes === end.offsetMinutes && start.doubt === undefined
    known = steady ? formatOffset(start.offsetMinutes) : null
    if (offsets.size >= MAX_REMEMBERED_DAYS) offsets.clear()
    offsets.set(key, known)
  }
  if (known !== null) return { offset: known }
  const found: LocalOffset = offsetOfLocal(zone, localMs)
  return {
    offset: formatOffset(found.offsetMinutes),
    ...(found.doubt === undefined ? {} : { doubt: found.doubt }),
  }
}

const DAY_MS = 86_400_000
const MAX_REMEMBERED_DAYS = 20_000
/** Null for a day on which the clocks change. */
const offsets = new Map<string, string | null>()

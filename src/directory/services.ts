/** What a service says about itself: is it open, does it cover the place, does it take the age. */
import { addMs, instantOf, type Instant } from '../terms/instant.js'
import { offsetMinutesAt, offsetOfLocal } from '../terms/zone.js'
import type { OpeningHours, Service } from './types.js'

export type ServiceHours = Pick<Service, 'hours' | 'closures'>

const MS_PER_MINUTE = 60_000
const MS_PER_DAY = 86_400_000
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const

/** True when the clock on the wall of `zone` stands within the opening hours. The closing minute is closed. */
export function isOpen(service: ServiceHours, now: Instant, zone: string): boolean {
  const local = localMs(now, zone)
  const minute = Math.floor((local % MS_PER_DAY) / MS_PER_MINUTE)
  return hoursOfDay(service, local).some(({ from, to }) => from <= minute && minute < to)
}

/** `now` when open, else the next opening within 60 days; undefined when there is none.
 *  An opening in the hour that the spring change skips keeps its time on the clock of the winter. */
export function opensAt(service: ServiceHours, now: Instant, zone: string): Instant | undefined {
  if (isOpen(service, now, zone)) return now
  const midnight = localMs(now, zone) - (localMs(now, zone) % MS_PER_DAY)
  for (let day = 0; day <= 60; day++) {
    const at = midnight + day * MS_PER_DAY
    const openings = hoursOfDay(service, at)
      .map(({ from }) => instantOfLocal(at + from * MS_PER_MINUTE, zone))
      .filter((opening) => opening > now && isOpen(service, opening, zone))
      .sort()
    if (openings[0] !== undefined) return openings[0]
  }
  return undefined
}

/** True when a pattern of the catchment fits; a service without patterns covers everywhere. */
export function covers(service: Pick<Service, 'postcodes'>, postcode: string): boolean {
  if (service.postcodes.length === 0) return true
  const text = normalisePostcode(postcode)
  return text !== '' && service.postcodes.some((pattern) => fits(pattern, text))
}

/** Both limits are included: `maxAgeYears: 17` takes everyone before the 18th birthday. */
export function fitsAge(service: Pick<Service, 'minAgeYears' | 'maxAgeYears'>, ageYears: number): boolean {
  return ageYears >= (service.minAgeYears ?? 0) && ageYears <= (service.maxAgeYears ?? Infinity)
}

/** Letters and digits only, upper case: `le1 6th` and `LE1-6TH` are the same place. */
export const normalisePostcode = (postcode: string): string =>
  postcode
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[^\p{L}\p{N}]/gu, '')

/** The wall clock of `zone` as `YYYY-MM-DD HH:MM`. */
export const wallClock = (at: Instant, zone: string): string =>
  instantOf(new Date(localMs(at, zone)))
    .slice(0, 16)
    .replace('T', ' ')

function fits(pattern: string, text: string): boolean {
  const open = pattern.endsWith('*')
  const shape = open ? pattern.slice(0, -1) : pattern
  if (open ? text.length < shape.length : text.length !== shape.length) return false
  return [...shape].every((character, i) => character === '?' || character === text[i])
}

/** The local time written as if it were UTC, so that days and minutes are plain arithmetic. */
function localMs(at: Instant, zone: string): number {
  const utc = Date.parse(at)
  return utc + offsetMinutes(zone, utc) * MS_PER_MINUTE
}

const offsets = new Map<string, { readonly quarter: number; readonly minutes: number }>()

/** Clocks change on quarter hours only, and routing asks about the same moment for every service. */
function offsetMinutes(zone: string, utc: number): number {
  const quarter = Math.floor(utc / (15 * MS_PER_MINUTE))
  const known = offsets.get(zone)
  if (known?.quarter === quarter) return known.minutes
  const minutes = offsetMinutesAt(zone, utc)
  offsets.set(zone, { quarter, minutes })
  return minutes
}

function instantOfLocal(local: number, zone: string): Instant {
  const epoch = instantOf(new Date(0))
  return addMs(epoch, local - offsetOfLocal(zone, local).offsetMinutes * MS_PER_MINUTE)
}

interface MinutesOfDay {
  readonly from: number
  readonly to: number
}

function hoursOfDay({ hours, closures }: ServiceHours, local: number): readonly MinutesOfDay[] {
  if (closures !== undefined && closures.length > 0) {
    const day = new Date(local).toISOString().slice(0, 10)
    if (closures.some(({ from, to }) => from <= day && day <= to)) return []
  }
  if (hours.length === 0) return [{ from: 0, to: 24 * 60 }]
  const name = DAYS[new Date(local).getUTCDay()]
  return hours.filter(({ days }) => days.some((each) => each === name)).map(minutesOf)
}

function minutesOf({ from, to }: OpeningHours): MinutesOfDay {
  const minutes = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5))
  return { from: minutes(from), to: minutes(to) }
}

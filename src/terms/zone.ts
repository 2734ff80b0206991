/** Local wall-clock time in an IANA zone -> UTC offset. Sources without an offset carry their sender's zone. */

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formats.set(zone, format)
  }
  return format
}

export function isZone(zone: string): boolean {
  try {
    formatOf(zone)
    return true
  } catch {
    return false
  }
}

/** Minutes east of UTC that `zone` shows at the instant `unixMs`. */
export function offsetMinutesAt(zone: string, unixMs: number): number {
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(unixMs)
      .map((p) => [p.type, Number(p.value)]),
  )
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
  const shown = Date.UTC(year, month - 1, day, hour, minute, second)
  return Math.round((shown - Math.floor(unixMs / 1000) * 1000) / 60_000)
}

export interface LocalOffset {
  readonly offsetMinutes: number
  /** `skipped`: the clocks jumped over this time; `twice`: it came twice and the first is taken. */
  readonly doubt?: 'skipped' | 'twice'
}

/** Offset of a wall-clock time given as if it were UTC milliseconds.
 *  A time the spring change skips takes the offset before it; one the autumn change repeats takes the first. */
export function offsetOfLocal(zone: string, localMs: number): LocalOffset {
  const day = 86_400_000
  const before = offsetMinutesAt(zone, localMs - day)
  const after = offsetMinutesAt(zone, localMs + day)
  if (before === after) return { offsetMinutes: before }
  const holds = (offset: number): boolean => offsetMinutesAt(zone, localMs - offset * 60_000) === offset
  const first = holds(before)
  const second = holds(after)
  if (first && second) return { offsetMinutes: before, doubt: 'twice' }
  if (first) return { offsetMinutes: before }
  if (second) return { offsetMinutes: after }
  return { offsetMinutes: before, doubt: 'skipped' }
}

/** `+01:00`. */
export function formatOffset(minutes: number): string {
  if (minutes === 0) return '+00:00'
  const abs = Math.abs(minutes)
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(abs / 60))}:${two(abs % 60)}`
}

/** Points in time as the store and the wire write them. */

declare const instantBrand: unique symbol

/** RFC 3339 in UTC with milliseconds, `2026-11-21T09:30:00.000Z`: sorts as text, is a FHIR instant. */
export type Instant = string & { readonly [instantBrand]: true }

export const instantOf = (date: Date): Instant => date.toISOString() as Instant

/** Any RFC 3339 date-time with an offset (or anything Date reads unambiguously); undefined if it is not one. */
export function parseInstant(text: string): Instant | undefined {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text)) return undefined
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? undefined : instantOf(date)
}

export const addMs = (at: Instant, ms: number): Instant => instantOf(new Date(Date.parse(at) + ms))

export const msBetween = (from: Instant, to: Instant): number => Date.parse(to) - Date.parse(from)

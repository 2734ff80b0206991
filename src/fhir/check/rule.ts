/** Building blocks of invariants written by hand: FHIRPath's exists(), implies and the like on plain JSON. */
import { isObject, type JsonObject, type Run, textOf } from './run.js'

export type NativeInvariant = (node: JsonObject, run: Run) => boolean

/** FHIRPath `exists()`: a primitive that has only extensions exists too. */
export const has = (node: JsonObject, name: string): boolean =>
  node[name] !== undefined || node[`_${name}`] !== undefined

/** The same for `value[x]`, whose property is `valueQuantity`, `valueString` ... */
export function hasChoice(node: JsonObject, stem: string): boolean {
  for (const key in node) {
    const start = key.charCodeAt(0) === 95 ? 1 : 0 // _
    if (!key.startsWith(stem, start)) continue
    const next = key.charCodeAt(start + stem.length)
    if (next >= 65 && next <= 90) return true // A to Z
  }
  return false
}

export const listOf = (node: JsonObject, name: string): readonly JsonObject[] => {
  const value = node[name]
  if (Array.isArray(value)) return value.filter(isObject)
  return isObject(value) ? [value] : []
}

export const implies = (a: boolean, b: boolean): boolean => !a || b

export const oneOf =
  (...names: readonly string[]): NativeInvariant =>
  (node) =>
    names.some((name) => has(node, name))

/** `a.exists() implies b.exists()` in its several spellings. */
export const needs =
  (name: string, other: string): NativeInvariant =>
  (node) =>
    implies(has(node, name), has(node, other))

export const notBoth =
  (name: string, other: string): NativeInvariant =>
  (node) =>
    !(has(node, name) && has(node, other))

export const nonNegative =
  (name: string): NativeInvariant =>
  (node) =>
    !has(node, name) || (typeof node[name] === 'number' && node[name] >= 0)

const HOUR_MS = 3_600_000

/** The earliest and latest instant a (partial) date can mean anywhere on earth: offsets run from +14 to -12. */
function boundaries(text: unknown): readonly [number, number] | undefined {
  if (typeof text !== 'string') return undefined
  if (text.includes('T')) {
    const ms = Date.parse(text)
    return Number.isNaN(ms) ? undefined : [ms, ms]
  }
  const [year = 0, month, day] = text.split('-').map(Number)
  const start = Date.UTC(year, (month ?? 1) - 1, day ?? 1)
  const end = Date.UTC(
    month === undefined ? year + 1 : year,
    day === undefined ? (month ?? 1) : (month ?? 1) - 1,
    day === undefined ? 1 : day + 1,
  )
  if (Number.isNaN(start) || Number.isNaN(end)) return undefined
  return [start - 14 * HOUR_MS, end + 12 * HOUR_MS - 1]
}

const isDay = (text: unknown): text is string => typeof text === 'string' && !text.includes('T')

/** False only when `later` certainly ends before `earlier` begins. */
export function mayPrecede(earlier: unknown, later: unknown): boolean {
  if (isDay(earlier) && isDay(later)) {
    const length = Math.min(earlier.length, later.length)
    return earlier.slice(0, length) <= later.slice(0, length)
  }
  const from = boundaries(earlier)
  const to = boundaries(later)
  return from === undefined || to === undefined || from[0] <= to[1]
}

export const hasCoding = (
  node: JsonObject,
  name: string,
  system: string,
  codes: readonly string[],
): boolean =>
  listOf(node, name).some((concept) =>
    listOf(concept, 'coding').some(
      (coding) => coding['system'] === system && codes.includes(textOf(coding['code'])),
    ),
  )

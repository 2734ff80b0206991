/** Values that remember which source leaves they came from, so that the ledger is read off the finished bundle. */

export class Tracked {
  constructor(
    readonly value: string | number | boolean,
    /** The leaf it came from; -1 when it is a constant that only stands because something was sent. */
    readonly source: number,
    /** Further leaves that stand in the same value. */
    readonly more: readonly number[] | null = null,
  ) {}

  /** Another value with the same origin. */
  as(value: string | number | boolean): Tracked {
    return new Tracked(value, this.source, this.more)
  }
}

export type Scalar = string | number | boolean
export type Value = Tracked | Scalar | { [key: string]: Value } | Value[] | undefined

export const scalarOf = (value: Value): Scalar | undefined => {
  if (value instanceof Tracked) return value.value
  return typeof value === 'object' ? undefined : value
}

export const textOf = (value: Value): string | undefined => {
  const scalar = scalarOf(value)
  return scalar === undefined ? undefined : String(scalar)
}

/** One value from several, with every origin. */
export function combine(value: Scalar, parts: readonly Value[]): Tracked {
  const sources: number[] = []
  for (const part of parts) {
    if (!(part instanceof Tracked)) continue
    if (part.source >= 0) sources.push(part.source)
    if (part.more !== null) sources.push(...part.more)
  }
  return new Tracked(value, sources[0] ?? -1, sources.length > 1 ? sources.slice(1) : null)
}

/** How conditions read a value: absent and false are false, anything else is true. */
export const isTrue = (value: Value): boolean => {
  if (value instanceof Tracked) return value.value !== false
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false
}

/** The ledger: read off the finished bundle, leaf by leaf, never kept by hand. */
import { Fault } from '../terms/fault.js'
import { cleaned } from './run.js'
import type { Run } from './run.js'
import type { Source } from './source.js'
import { Tracked } from './tracked.js'
import type { Value } from './tracked.js'
import type { Drop, DropReason, Fate, Ledger } from './translation.js'

/** One mark per leaf: true when its value stands in the bundle. */
export type Marks = Uint8Array

export const newMarks = (source: Source): Marks => new Uint8Array(source.leaves.length)

/** The finished JSON of a template's value; every leaf that stands in it is marked. */
export function settle(value: Value, marks: Marks): unknown {
  if (value instanceof Tracked) {
    mark(value, marks)
    return value.value
  }
  if (typeof value !== 'object') return value
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = settle(value[i], marks) as Value
    return value
  }
  for (const key in value) {
    const child = value[key]
    const settled = settle(child, marks) as Value
    if (settled !== child) value[key] = settled
  }
  return value
}

function mark(value: Tracked, marks: Marks): void {
  if (value.source >= 0) marks[value.source] = 1
  if (value.more !== null) for (const source of value.more) marks[source] = 1
}

/** The same walk, noting where each leaf stands; done only when somebody asks. */
export function tracePaths(value: Value, path: string, found: Map<number, string[]>): void {
  if (value instanceof Tracked) {
    for (const source of [value.source, ...(value.more ?? [])]) {
      if (source < 0) continue
      const known = found.get(source)
      if (known === undefined) found.set(source, [path])
      else if (!known.includes(path)) known.push(path)
    }
  } else if (Array.isArray(value)) value.forEach((item, i) => tracePaths(item, `${path}[${i}]`, found))
  else if (typeof value === 'object') {
    for (const [key, child] of Object.entries(value)) tracePaths(child, `${path}.${key}`, found)
  }
}

export interface Settled {
  readonly ledger: Ledger
  /** Numbers of the leaves that the carried text must hold. */
  readonly carried: readonly number[]
}

/** Sorts every leaf that is not marked into carried and dropped. `nullReason` is what HL7 null means here. */
export function settleLeaves(run: Run, marks: Marks, nullReason: DropReason): Settled {
  const { leaves } = run.source
  const carried: number[] = []
  const dropped: Drop[] = []
  let mapped = 0
  for (let i = 0; i < leaves.length; i++) {
    if (marks[i] === 1) mapped++
    else {
      const reason = dropReason(run, i, nullReason)
      if (reason === undefined) carried.push(i)
      else dropped.push({ path: leaves[i]!.path, reason })
    }
  }
  const ledger = { total: leaves.length, mapped, carried: carried.length, dropped }
  if (ledger.total !== mapped + carried.length + dropped.length) {
    throw new Fault('mapping-failed', 'The ledger does not add up; no element may go missing.', 'ledger')
  }
  return { ledger, carried }
}

function dropReason(run: Run, leaf: number, nullReason: DropReason): DropReason | undefined {
  const known = run.drops.get(leaf)
  if (known !== undefined) return known
  const { value } = run.source.leaves[leaf]!
  if (value === null) return nullReason
  return cleaned(value) === '' ? 'blank' : undefined
}

/** The carried elements as a person reads them: one `PID-23: value` per line. */
export function carriedText(source: Source, carried: readonly number[]): string {
  return carried
    .map((leaf) => {
      const { path, value } = source.leaves[leaf]!
      return `${path}: ${value ?? ''}`
    })
    .join('\n')
}

export function fatesOf(
  run: Run,
  places: ReadonlyMap<number, readonly string[]>,
  nullReason: DropReason,
  carriedAt: string,
): ReadonlyMap<string, Fate> {
  const fates = new Map<string, Fate>()
  run.source.leaves.forEach((leaf, i) => {
    const to = places.get(i)
    const reason = to === undefined ? dropReason(run, i, nullReason) : undefined
    if (to !== undefined) fates.set(leaf.path, { kind: 'mapped', to })
    else if (reason !== undefined) fates.set(leaf.path, { kind: 'dropped', reason })
    else fates.set(leaf.path, { kind: 'carried', to: carriedAt })
  })
  return fates
}

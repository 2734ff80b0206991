/** A parsed HL7 v2 message as a flat table of its non-empty leaves: every read names one leaf by its number. */
import { leaves } from '../codec/hl7v2/leaves.js'
import type { Leaf } from '../codec/hl7v2/leaves.js'
import type { Message } from '../codec/hl7v2/message.js'
import type { Separators } from '../codec/hl7v2/separators.js'

const NONE: readonly number[] = []
const NOTHING: Span = { first: 0, end: 0 }

/** Numbers of leaves that stand together, from `first` up to `end`. */
export interface Span {
  readonly first: number
  readonly end: number
}

/** The sender says: empty it (HL7 v2.5.1 ch. 2.5.3). */
const HL7_NULL = '""'

export class Source {
  readonly leaves: readonly Leaf[]
  /** Segment names in message order. */
  readonly names: readonly string[]
  private readonly byName = new Map<string, number[]>()
  /** First leaf of each field, -1 where it is empty: most reads are of fields that are not there. */
  private readonly fields: Int32Array
  /** Where the fields of a segment begin in `fields`; one more at the end. */
  private readonly rows: Int32Array

  constructor(readonly message: Message) {
    const table = leaves(message)
    const names = message.segments.map((segment) => segment.name)
    names.forEach((name, index) => {
      const known = this.byName.get(name)
      if (known === undefined) this.byName.set(name, [index])
      else known.push(index)
    })
    this.leaves = table
    this.names = names
    this.rows = rowsOf(names.length, table)
    this.fields = new Int32Array(this.rows[names.length]!).fill(-1)
    for (let i = table.length - 1; i >= 0; i--) {
      const { segmentIndex, field } = table[i]!
      this.fields[this.rows[segmentIndex]! + field] = i
    }
  }

  /** Indexes of the segments with this name. */
  segments(name: string): readonly number[] {
    return this.byName.get(name) ?? NONE
  }

  /** Number of the first leaf of a field, or -1. */
  firstOf(segment: number, field: number): number {
    const place = this.rows[segment]! + field
    return place < this.rows[segment + 1]! ? this.fields[place]! : -1
  }

  /** Number of the leaf at a place, or -1. Component and subcomponent 0 mean the first. */
  find(segment: number, field: number, repetition: number, component: number, subcomponent: number): number {
    const comp = component === 0 ? 1 : component
    const sub = subcomponent === 0 ? 1 : subcomponent
    for (let i = this.startOf(segment, field, repetition); i >= 0 && i < this.leaves.length; i++) {
      const leaf = this.leaves[i]!
      if (leaf.field !== field || leaf.repetition !== repetition || leaf.component > comp) return -1
      if (leaf.segmentIndex !== segment) return -1
      if (leaf.component === comp && leaf.subcomponent >= sub) return leaf.subcomponent === sub ? i : -1
    }
    return -1
  }

  /** Number of the leaf at a place in a repetition in hand, or -1. */
  findIn(span: Span, component: number, subcomponent: number): number {
    for (let i = span.first; i < span.end; i++) {
      const leaf = this.leaves[i]!
      if (leaf.component > component) return -1
      if (leaf.component === component && leaf.subcomponent >= subcomponent)
        return leaf.subcomponent === subcomponent ? i : -1
    }
    return -1
  }

  /** Numbers of a repetition's leaves, from the component on (0: all): first, and one past the last. */
  range(segment: number, field: number, repetition: number, component: number): Span {
    let first = this.startOf(segment, field, repetition)
    if (first < 0) return NOTHING
    const isInside = (i: number): boolean => {
      const leaf = this.leaves[i]
      return leaf?.segmentIndex === segment && leaf.field === field && leaf.repetition === repetition
    }
    while (component > 0 && isInside(first) && this.leaves[first]!.component < component) first++
    let end = first
    while (isInside(end) && (component === 0 || this.leaves[end]!.component === component)) end++
    return { first, end }
  }

  /** Numbers of the repetitions of a field that hold anything but null, in order. */
  repetitions(segment: number, field: number): readonly number[] {
    const first = this.firstOf(segment, field)
    if (first < 0) return NONE
    const found: number[] = []
    for (let i = first; i < this.leaves.length; i++) {
      const leaf = this.leaves[i]!
      if (leaf.field !== field || leaf.segmentIndex !== segment) break
      if (leaf.raw !== HL7_NULL && found[found.length - 1] !== leaf.repetition) found.push(leaf.repetition)
    }
    return found
  }

  /** First leaf of a repetition; a field may have thousands, so they are not walked. */
  private startOf(segment: number, field: number, repetition: number): number {
    let low = this.firstOf(segment, field)
    if (low < 0 || repetition === 1) return low
    let high = this.leaves.length
    while (low < high) {
      const middle = (low + high) >> 1
      const leaf = this.leaves[middle]!
      const order = leaf.segmentIndex - segment || leaf.field - field || leaf.repetition - repetition
      if (order < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  get separators(): Separators {
    return this.message.separators
  }
}

/** One slot per field of every segment up to its last leaf, field 0 included. */
function rowsOf(segmentCount: number, table: readonly Leaf[]): Int32Array {
  const rows = new Int32Array(segmentCount + 1)
  for (const { segmentIndex, field } of table) rows[segmentIndex + 1] = field + 1
  for (let i = 0; i < segmentCount; i++) rows[i + 1]! += rows[i]!
  return rows
}

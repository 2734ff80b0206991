/** A parsed HL7 v2 message as a flat table of its non-empty leaves: every read names one leaf by its number. */
import { leaves } from '../codec/hl7v2/leaves.js'
import type { Leaf } from '../codec/hl7v2/leaves.js'
import type { Message } from '../codec/hl7v2/message.js'
import type { Separators } from '../codec/hl7v2/separators.js'

const NONE: readonly number[] = []

/** The sender says: empty it (HL7 v2.5.1 ch. 2.5.3). */
const HL7_NULL = '""'

export class Source {
  readonly leaves: readonly Leaf[]
  /** Segment names in message order. */
  readonly names: readonly string[]
  /** First leaf of each segment; one more at the end. */
  private readonly starts: Int32Array
  private readonly byName = new Map<string, number[]>()

  constructor(readonly message: Message) {
    const table = leaves(message)
    const names = message.segments.map((segment) => segment.name)
    const starts = new Int32Array(names.length + 1)
    let leaf = 0
    for (let segment = 0; segment <= names.length; segment++) {
      while (leaf < table.length && table[leaf]!.segmentIndex < segment) leaf++
      starts[segment] = leaf
    }
    names.forEach((name, index) => {
      const known = this.byName.get(name)
      if (known === undefined) this.byName.set(name, [index])
      else known.push(index)
    })
    this.leaves = table
    this.names = names
    this.starts = starts
  }

  /** Indexes of the segments with this name. */
  segments(name: string): readonly number[] {
    return this.byName.get(name) ?? NONE
  }

  /** Number of the leaf at a place, or -1. Component and subcomponent 0 mean the first. */
  find(segment: number, field: number, repetition: number, component: number, subcomponent: number): number {
    const comp = component === 0 ? 1 : component
    const sub = subcomponent === 0 ? 1 : subcomponent
    let low = this.starts[segment]!
    let high = this.starts[segment + 1]! - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const leaf = this.leaves[middle]!
      const order =
        leaf.field - field || leaf.repetition - repetition || leaf.component - comp || leaf.subcomponent - sub
      if (order === 0) return middle
      if (order < 0) low = middle + 1
      else high = middle - 1
    }
    return -1
  }

  /** Number of the first leaf at or after a place within the segment, and one past the segment's last. */
  from(
    segment: number,
    field: number,
    repetition: number,
    component: number,
  ): { first: number; end: number } {
    let low = this.starts[segment]!
    const end = this.starts[segment + 1]!
    let high = end
    while (low < high) {
      const middle = (low + high) >> 1
      const leaf = this.leaves[middle]!
      const order = leaf.field - field || leaf.repetition - repetition || leaf.component - component
      if (order < 0) low = middle + 1
      else high = middle
    }
    return { first: low, end }
  }

  /** Numbers of the repetitions of a field that hold anything, in order. */
  repetitions(segment: number, field: number): readonly number[] {
    const { first, end } = this.from(segment, field, 0, 0)
    const found: number[] = []
    for (let i = first; i < end && this.leaves[i]!.field === field; i++) {
      const { repetition, raw } = this.leaves[i]!
      if (raw !== HL7_NULL && found[found.length - 1] !== repetition) found.push(repetition)
    }
    return found
  }

  get separators(): Separators {
    return this.message.separators
  }
}

/** Every value a message carries, with its place: what the ledger of a translation is counted against. */
import { decodeEscapes } from './escape.js'
import type { Message } from './message.js'
import type { Segment } from './segment.js'
import { isHeaderSegment, type Separators } from './separators.js'

/** One subcomponent that holds text. Only places are kept; text, value and path are made when asked for. */
export class Leaf {
  constructor(
    readonly segment: Segment,
    readonly field: number,
    readonly repetition: number,
    readonly component: number,
    readonly subcomponent: number,
    /** Where its text stands in `segment.raw`. */
    private readonly start: number,
    private readonly end: number,
  ) {}

  /** Exact text, escapes still in place; never empty. */
  get raw(): string {
    return this.segment.raw.slice(this.start, this.end)
  }

  /** Place of its segment in the message, from 0. */
  get segmentIndex(): number {
    return this.segment.index
  }

  /** `null` for `""`. */
  get value(): string | null {
    const { raw } = this
    return raw === '""' ? null : decodeEscapes(raw, this.segment.syntax)
  }

  /** `PID-3[2].4.1`, see `leafPath`. */
  get path(): string {
    return leafPath(this.segment, this.field, this.repetition, this.component, this.subcomponent)
  }
}

/** All leaves in the order they stand. MSH-1 and MSH-2 (FHS, BHS too) are syntax and left out. */
export function leaves(message: Message): Leaf[] {
  const found: Leaf[] = []
  const codes = codesOf(message.separators)
  for (const segment of message.segments) addSegment(found, segment, codes)
  return found
}

/** The one spelling of a place. `PID-8` when its repetition has one component, `PID-5.1` when it has more,
 *  `PID-3.4.1` when that component has subcomponents; `[n]` after segment and field only beyond the first. */
export function leafPath(
  segment: Segment,
  field: number,
  repetition: number,
  component: number,
  subcomponent: number,
): string {
  const read = segment.field(field).repetitions[repetition - 1]
  const hasSubcomponents = (read?.subcomponentCount(component) ?? 1) > 1
  const hasComponents = hasSubcomponents || (read?.componentCount ?? 1) > 1
  let path = `${segment.name}${nth(segment.ordinal)}-${field}${nth(repetition)}`
  if (hasComponents) path += `.${component}`
  if (hasSubcomponents) path += `.${subcomponent}`
  return path
}

const nth = (n: number): string => (n > 1 ? `[${n}]` : '')

/** One pass over the characters: each separator ends a leaf and moves the place on. */
function addSegment(found: Leaf[], segment: Segment, codes: SeparatorCodes): void {
  const { raw } = segment
  const isHeader = isHeaderSegment(segment.name)
  let at = isHeader ? endOfMsh2(raw) : segment.name.length
  let field = isHeader ? 2 : 0
  let repetition = 1
  let component = 1
  let subcomponent = 1
  let start = at
  for (; at <= raw.length; at++) {
    const code = at === raw.length ? codes.field : raw.charCodeAt(at)
    const isSeparator =
      code === codes.field ||
      code === codes.component ||
      code === codes.repetition ||
      code === codes.subcomponent
    if (!isSeparator) continue
    if (at > start) found.push(new Leaf(segment, field, repetition, component, subcomponent, start, at))
    start = at + 1
    if (code === codes.subcomponent) {
      subcomponent++
      continue
    }
    subcomponent = 1
    component = code === codes.component ? component + 1 : 1
    if (code === codes.component) continue
    repetition = code === codes.repetition ? repetition + 1 : 1
    if (code === codes.field) field++
  }
}

const endOfMsh2 = (raw: string): number => {
  const end = raw.indexOf(raw.charAt(3), 4)
  return end < 0 ? raw.length : end
}

interface SeparatorCodes {
  readonly field: number
  readonly component: number
  readonly repetition: number
  readonly subcomponent: number
}

/** An undeclared separator has the code -1, which no character has. */
function codesOf(separators: Separators): SeparatorCodes {
  const code = (separator: string): number => (separator === '' ? -1 : separator.charCodeAt(0))
  return {
    field: code(separators.field),
    component: code(separators.component),
    repetition: code(separators.repetition),
    subcomponent: code(separators.subcomponent),
  }
}

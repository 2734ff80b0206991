/** Every value a message carries, with its place: what the ledger of a translation is counted against. */
import { decodeEscapes } from './escape.js'
import type { Message } from './message.js'
import type { Segment } from './segment.js'
import { isHeaderSegment } from './separators.js'

/** One subcomponent that holds text. Places are numbers; the path and the value are made when asked for. */
export class Leaf {
  constructor(
    readonly segment: Segment,
    readonly field: number,
    readonly repetition: number,
    readonly component: number,
    readonly subcomponent: number,
    /** Exact text, escapes still in place; never empty. */
    readonly raw: string,
  ) {}

  /** Place of its segment in the message, from 0. */
  get segmentIndex(): number {
    return this.segment.index
  }

  /** `null` for `""`. */
  get value(): string | null {
    return this.raw === '""' ? null : decodeEscapes(this.raw, this.segment.syntax)
  }

  /** `PID-3[2].4.1`, see `leafPath`. */
  get path(): string {
    return leafPath(this.segment, this.field, this.repetition, this.component, this.subcomponent)
  }
}

/** All leaves in the order they stand. MSH-1 and MSH-2 (FHS, BHS too) are syntax and left out. */
export function leaves(message: Message): Leaf[] {
  const found: Leaf[] = []
  for (const segment of message.segments) addSegment(found, segment)
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

function addSegment(found: Leaf[], segment: Segment): void {
  const fields = segment.rawFields
  const { repetition } = segment.syntax.separators
  for (let field = isHeaderSegment(segment.name) ? 3 : 1; field < fields.length; field++) {
    const raw = fields[field] ?? ''
    if (raw === '') continue
    if (repetition === '' || !raw.includes(repetition)) {
      addRepetition(found, segment, field, 1, raw)
    } else {
      raw.split(repetition).forEach((text, at) => addRepetition(found, segment, field, at + 1, text))
    }
  }
}

function addRepetition(
  found: Leaf[],
  segment: Segment,
  field: number,
  repetition: number,
  raw: string,
): void {
  const { component } = segment.syntax.separators
  if (component === '' || !raw.includes(component)) {
    addComponent(found, segment, field, repetition, 1, raw)
    return
  }
  const components = raw.split(component)
  for (let at = 0; at < components.length; at++) {
    addComponent(found, segment, field, repetition, at + 1, components[at] ?? '')
  }
}

function addComponent(
  found: Leaf[],
  segment: Segment,
  field: number,
  repetition: number,
  component: number,
  raw: string,
): void {
  if (raw === '') return
  const { subcomponent } = segment.syntax.separators
  if (subcomponent === '' || !raw.includes(subcomponent)) {
    found.push(new Leaf(segment, field, repetition, component, 1, raw))
    return
  }
  const parts = raw.split(subcomponent)
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] ?? ''
    if (part !== '') found.push(new Leaf(segment, field, repetition, component, at + 1, part))
  }
}

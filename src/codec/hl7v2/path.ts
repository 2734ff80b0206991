/** Places in a message as people write them: `PID-5.1`, `PID-3[2].4.1`, `NTE[3]-3`, `PID-8`. */
import { Fault } from '../../terms/fault.js'

/** Every number counts from 1. */
export interface Hl7Path {
  readonly segment: string
  readonly ordinal: number
  readonly field: number
  readonly repetition: number
  readonly component: number
  readonly subcomponent: number
}

/** `PID-5` means its first component, `PID-3` its first repetition. Throws `mapping-invalid` on anything else. */
export function parsePath(text: string): Hl7Path {
  const known = parsed.get(text)
  if (known !== undefined) return known
  const match = PATH.exec(text)
  if (match === null) {
    throw new Fault(
      'mapping-invalid',
      'An HL7 v2 path was not understood; expected one like PID-5.1, PID-3[2].4.1 or NTE[3]-3.',
      text.slice(0, 80),
    )
  }
  const number = (group: number): number => Number(match[group] ?? 1)
  const path: Hl7Path = {
    segment: match[1] ?? '',
    ordinal: number(2),
    field: number(3),
    repetition: number(4),
    component: number(5),
    subcomponent: number(6),
  }
  if (parsed.size < MAX_REMEMBERED) parsed.set(text, path)
  return path
}

const PATH =
  /^([A-Z][A-Z0-9]{2})(?:\[([1-9]\d{0,5})\])?-([1-9]\d{0,3})(?:\[([1-9]\d{0,5})\])?(?:\.([1-9]\d{0,3})(?:\.([1-9]\d{0,3}))?)?$/

/** Paths come from code and mappings, so they repeat; the cap keeps odd callers from filling memory. */
const MAX_REMEMBERED = 5_000
const parsed = new Map<string, Hl7Path>()

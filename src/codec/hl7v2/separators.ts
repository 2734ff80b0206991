/** The separators a message declares in MSH-1 and MSH-2 (HL7 v2.5.1 ch. 2.5.4; truncation: v2.7 ch. 2.5.5.2). */
import { Fault } from '../../terms/fault.js'

/** Each is one character; `''` where the sender declared none (a short MSH-2), and then nothing is split at it. */
export interface Separators {
  readonly field: string
  readonly component: string
  readonly repetition: string
  readonly escape: string
  readonly subcomponent: string
  readonly truncation: string
}

export const STANDARD_SEPARATORS: Separators = {
  field: '|',
  component: '^',
  repetition: '~',
  escape: '\\',
  subcomponent: '&',
  truncation: '',
}

/** Segments that declare the separators themselves: their field 1 is the separator and field 2 is never split. */
export const isHeaderSegment = (name: string): boolean => name === 'MSH' || name === 'FHS' || name === 'BHS'

/** MSH-2 as these separators write it. */
export const encodingCharacters = (s: Separators): string =>
  s.component + s.repetition + s.escape + s.subcomponent + s.truncation

/** Reads the separators from a line that begins with MSH, FHS or BHS.
 *  Refuses letters, digits, control characters and half characters, and two roles for one character. */
export function readSeparators(line: string): Separators {
  const field = line[3]
  if (field === undefined) {
    throw new Fault(
      'msh-too-short',
      'The message ends after MSH; expected the field separator next.',
      'MSH-1',
    )
  }
  refuseUnusable(field, 'MSH-1')
  const end = line.indexOf(field, 4)
  if (end < 0) {
    throw new Fault(
      'msh-too-short',
      'MSH ends inside MSH-2; expected the encoding characters (usually ^~\\&), a field separator and more fields.',
      'MSH-2',
    )
  }
  const separators = assign(field, withoutDoubledEscape(line.slice(4, end)))
  for (const character of encodingCharacters(separators)) refuseUnusable(character, 'MSH-2')
  refuseSharedRoles(separators)
  return separators
}

function assign(field: string, declared: string): Separators {
  if (declared === '') {
    throw new Fault(
      'separators-invalid',
      'MSH-2 is empty; expected the component, repetition, escape and subcomponent separators, usually ^~\\&.',
      'MSH-2',
    )
  }
  return {
    field,
    component: declared[0] ?? '',
    repetition: declared[1] ?? '',
    escape: declared[2] ?? '',
    subcomponent: declared[3] ?? '',
    truncation: declared[4] ?? '',
  }
}

/** A supplier's habit: MSH-2 written as a string literal, `^~\\&` for `^~\&`. */
const withoutDoubledEscape = (declared: string): string =>
  declared.length === 5 && declared[2] === declared[3] && declared[3] !== declared[4]
    ? declared.slice(0, 3) + (declared[4] ?? '')
    : declared

function refuseUnusable(character: string, where: string): void {
  const code = character.charCodeAt(0)
  const isControl = code < 0x20 || (code >= 0x7f && code <= 0x9f) || code === 0x2028 || code === 0x2029
  const isHalf = code >= 0xd800 && code <= 0xdfff
  if (!isControl && !isHalf && !/[\p{L}\p{N}"]/u.test(character)) return
  throw new Fault(
    'separators-invalid',
    `${where} declares character code ${code} as a separator; expected a punctuation character such as | or ^.`,
    where,
  )
}

function refuseSharedRoles(separators: Separators): void {
  const all = separators.field + encodingCharacters(separators)
  if (new Set(all).size === all.length) return
  throw new Fault(
    'separators-invalid',
    'MSH-1 and MSH-2 give one character two roles; expected six different characters at most, usually |^~\\&.',
    'MSH-2',
  )
}

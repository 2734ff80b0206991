/** Escape sequences of ER7 text (HL7 v2.5.1 ch. 2.7), undone once on reading and made on writing.
 *
 *  | sequence                     | value                                                       | ch.      |
 *  |------------------------------|-------------------------------------------------------------|----------|
 *  | `\F\ \S\ \T\ \R\ \E\`        | the declared field, component, subcomponent, repetition separator and escape | 2.7.1 |
 *  | `\P\`                        | the declared truncation character (v2.7 ch. 2.7.1)          | 2.7.1    |
 *  | `\H\ \N\`                    | nothing: highlighting has no place in a value               | 2.7.2    |
 *  | `\X0D0A\`                    | those bytes in the message's character set; adjacent ones are read together | 2.7.5 |
 *  | `\.br\ \.ce\`                | a new line                                                  | 2.7.6    |
 *  | `\.sp\ \.sp3\`               | that many new lines                                         | 2.7.6    |
 *  | `\.sk\ \.sk3\`               | that many spaces                                            | 2.7.6    |
 *  | `\.fi\ \.nf\ \.in+4\ \.ti-4\`| nothing: wrapping and indents of a printed page             | 2.7.6    |
 *  | `\C2842\ \M244242\ \Zab\`    | as written: switching sets and local meanings are not ours to guess | 2.7.3, 2.7.4, 2.7.7 |
 *  | anything else, or no end     | as written                                                  |          |
 *
 *  `\X0D\` gives a carriage return in the value and never a new segment: segments are cut before this runs.
 *  `\X00\` stays as written, since no store or resource can hold the character. */
import { decodeHexBytes, type CharacterSet } from './character-set.js'
import type { Separators } from './separators.js'

/** What is needed to read a piece of ER7 text. */
export interface Syntax {
  readonly separators: Separators
  readonly characterSet: CharacterSet
}

/** The value of one raw subcomponent. */
export function decodeEscapes(raw: string, syntax: Syntax): string {
  const { escape } = syntax.separators
  if (escape === '' || !raw.includes(escape)) return raw
  let value = ''
  let at = 0
  for (;;) {
    const open = raw.indexOf(escape, at)
    if (open < 0) return value + raw.slice(at)
    value += raw.slice(at, open)
    const close = raw.indexOf(escape, open + 1)
    if (close < 0) return value + raw.slice(open)
    const sequence = readSequence(raw, open, close, syntax)
    value += sequence.value
    at = sequence.end
  }
}

/** Writes a value so that `decodeEscapes` gives it back, under any separators that declare an escape character. */
export function encodeEscapes(value: string, separators: Separators): string {
  if (value === '""') return `${separators.escape}X22${separators.escape}"`
  let raw = ''
  for (const character of value) raw += encodeCharacter(character, separators)
  return raw
}

interface Sequence {
  readonly value: string
  /** Where reading goes on. */
  readonly end: number
}

function readSequence(raw: string, open: number, close: number, syntax: Syntax): Sequence {
  const content = raw.slice(open + 1, close)
  if (content.startsWith('X')) return readHex(raw, open, syntax)
  const asWritten: Sequence = { value: raw.slice(open, close + 1), end: close + 1 }
  if (/^(C[0-9A-F]{4}|M[0-9A-F]{4}(?:[0-9A-F]{2})?|Z[^\s]*)$/i.test(content)) return asWritten
  const value = separatorFor(content, syntax.separators) ?? formatting(content)
  if (value !== undefined) return { value, end: close + 1 }
  // Not a sequence: this escape character is text and the next one may open a real sequence.
  return { value: raw.charAt(open), end: open + 1 }
}

function separatorFor(content: string, separators: Separators): string | undefined {
  switch (content) {
    case 'F':
      return separators.field
    case 'S':
      return separators.component
    case 'T':
      return separators.subcomponent || undefined
    case 'R':
      return separators.repetition || undefined
    case 'E':
      return separators.escape
    case 'P':
      return separators.truncation || undefined
    default:
      return undefined
  }
}

/** Counts beyond 99 are no layout: they stay as written, so that a short message cannot become a huge value. */
function formatting(content: string): string | undefined {
  if (content === 'H' || content === 'N') return ''
  const command = /^\.(br|ce|fi|nf|sp|sk|in|ti)([+-]?\d{1,2})?$/.exec(content)
  if (command === null) return undefined
  const count = command[2] === undefined ? 1 : Math.max(0, Number(command[2]))
  switch (command[1]) {
    case 'br':
    case 'ce':
      return '\n'
    case 'sp':
      return '\n'.repeat(count)
    case 'sk':
      return ' '.repeat(count)
    default:
      return ''
  }
}

/** `\XC3\` directly followed by `\XA9\` is one character in UTF-8, so neighbours are read together. */
function readHex(raw: string, open: number, syntax: Syntax): Sequence {
  const { escape } = syntax.separators
  const bytes: Buffer[] = []
  let end = open
  while (raw.startsWith(`${escape}X`, end)) {
    const close = raw.indexOf(escape, end + 2)
    const digits = close < 0 ? '' : raw.slice(end + 2, close)
    if (!/^(?:[0-9A-Fa-f]{2})+$/.test(digits)) break
    bytes.push(Buffer.from(digits, 'hex'))
    end = close + 1
  }
  const value = bytes.length === 0 ? undefined : decodeHexBytes(Buffer.concat(bytes), syntax.characterSet)
  if (value !== undefined && !value.includes('\0')) return { value, end }
  if (bytes.length > 0) return { value: raw.slice(open, end), end }
  return { value: raw.charAt(open), end: open + 1 }
}

function encodeCharacter(character: string, separators: Separators): string {
  const { escape } = separators
  const letter = letterFor(character, separators)
  if (letter !== undefined) return escape + letter + escape
  const code = character.charCodeAt(0)
  if (code >= 0x20 && code !== 0x7f) return character
  if (character === '\n' && !encodesDot(separators)) return `${escape}.br${escape}`
  return `${escape}X${code.toString(16).toUpperCase().padStart(2, '0')}${escape}`
}

function letterFor(character: string, separators: Separators): string | undefined {
  if (character === separators.escape) return 'E'
  if (character === separators.field) return 'F'
  if (character === separators.component) return 'S'
  if (character === separators.subcomponent) return 'T'
  if (character === separators.repetition) return 'R'
  if (character === separators.truncation) return 'P'
  return undefined
}

/** With `.` as a separator `\.br\` would be cut in two. */
const encodesDot = (separators: Separators): boolean => Object.values(separators).includes('.')

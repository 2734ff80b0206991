/** Bytes -> Message. Finds the separators, the character set and where each segment begins; reads nothing else. */
import { Fault } from '../../terms/fault.js'
import type { Issue } from '../../terms/issue.js'
import { decodeText, type DecodedText } from './character-set.js'
import type { Syntax } from './escape.js'
import { DEFAULT_HL7_LIMITS, type Hl7Limits } from './limits.js'
import { Message } from './message.js'
import { Segment } from './segment.js'
import { segmentTexts } from './segment-texts.js'
import { readSeparators } from './separators.js'

/** Reads one message. CR, LF and CRLF end segments; what came in is kept byte for byte.
 *  Throws Fault: `message-too-large`, `msh-missing`, `msh-too-short`, `separators-invalid`,
 *  `character-set-unknown`, `characters-invalid`. */
export function parseMessage(input: Uint8Array | string, limits: Partial<Hl7Limits> = {}): Message {
  const caps = { ...DEFAULT_HL7_LIMITS, ...limits }
  refuseOver('bytes', byteLength(input), caps.maxMessageBytes, 'message')
  const decoded = typeof input === 'string' ? alreadyText(input) : decodeText(input)
  const { text, characterSet } = decoded
  const start = startOfHeader(text)
  const separators = readSeparators(headerLine(text, start))
  refuseBlockCharacters(text)
  const cut = segmentTexts(text, start, separators.field, caps.maxSegments)
  refuseLargeFields(cut.texts, { separators, characterSet }, caps)
  return new Message({
    source: input,
    text,
    separators,
    characterSet,
    ...toSegments(cut.texts, { separators, characterSet }),
    doubts: [...characterSetDoubts(decoded.doubt), ...joinDoubts(cut.joinedLines)],
  })
}

/** What a message must carry to be understood, answered and told apart: MSH-9, MSH-10 and, where it is given, a
 *  version there is in MSH-12 (HL7 v2.5.1 ch. 2.15.9, table 0104). */
export function requireHeader(message: Message): void {
  if (message.controlId === undefined) {
    throw new Fault('message-id-missing', 'MSH-10 is empty; expected the message control id.', 'MSH-10')
  }
  if (message.messageCode === undefined) {
    throw new Fault(
      'message-type-unsupported',
      'MSH-9 is empty; expected the message type, for example REF^I12.',
      'MSH-9',
    )
  }
  const { version } = message
  if (version !== undefined && !VERSION.test(version)) {
    throw new Fault('version-unsupported', 'MSH-12 is no version of HL7 v2; expected 2.1 to 2.8.', 'MSH-12')
  }
}

/** `2.5.1`; some write `2` for all of them. */
const VERSION = /^2(?:\.[1-8](?:\.\d)?)?$/

/** A string is Unicode already, whatever MSH-18 says. */
const alreadyText = (input: string): DecodedText => {
  const bomLength = input.startsWith('\uFEFF') ? 1 : 0
  return { text: input.slice(bomLength), characterSet: 'UNICODE UTF-8', bomLength }
}

const byteLength = (input: Uint8Array | string): number =>
  typeof input === 'string' ? Buffer.byteLength(input) : input.length

/** Blank lines before MSH are a supplier's habit; anything else before it is not a message. */
function startOfHeader(text: string): number {
  let start = 0
  while (text[start] === '\r' || text[start] === '\n') start++
  if (text.startsWith('MSH', start)) return start
  throw new Fault(
    'msh-missing',
    'The message does not begin with MSH; expected MSH as its first segment.',
    'line 1',
  )
}

function headerLine(text: string, start: number): string {
  // From the fifth character on, so that a line end declared as field separator is seen and refused.
  for (let at = start + 4; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x0d || code === 0x0a) return text.slice(start, at)
  }
  return text.slice(start)
}

/** NUL, VT and FS never stand in a message: the last two frame it (HL7 v2.5.1 ch. 2.6; MLLP, appendix C),
 *  so one inside means that a frame was cut or joined wrongly. */
function refuseBlockCharacters(text: string): void {
  for (const [character, name] of [
    ['\0', 'NUL'],
    ['\x0b', 'VT (0x0B)'],
    ['\x1c', 'FS (0x1C)'],
  ] as const) {
    const at = text.indexOf(character)
    if (at < 0) continue
    throw new Fault(
      'characters-invalid',
      `The message holds the control character ${name}; expected text. Write such bytes as \\X..\\.`,
      `character ${at}`,
    )
  }
}

function refuseOver(what: string, found: number, cap: number, where: string): void {
  if (found <= cap) return
  throw new Fault(
    'message-too-large',
    `The ${where} has ${found} ${what}; expected ${cap} at most. Split it, or agree a higher limit.`,
    where,
  )
}

function refuseLargeFields(texts: readonly string[], syntax: Syntax, caps: Hl7Limits): void {
  for (const text of texts) {
    if (text.length * 3 > caps.maxFieldBytes) eachField(text, syntax, refuseLongField(caps.maxFieldBytes))
    if (countOf(text, syntax.separators.repetition) >= caps.maxRepetitions) {
      eachField(text, syntax, refuseManyRepetitions(syntax.separators.repetition, caps.maxRepetitions))
    }
  }
}

function eachField(text: string, syntax: Syntax, check: (raw: string, where: string) => void): void {
  const segment = new Segment(text, text.slice(0, 3), 0, 1, syntax)
  // MSH-2 holds the repetition separator without repeating.
  for (let n = segment.name === 'MSH' ? 3 : 1; n <= segment.fieldCount; n++) {
    check(segment.rawField(n), `field ${segment.name}-${n}`)
  }
}

const refuseLongField =
  (cap: number) =>
  (raw: string, where: string): void =>
    refuseOver('bytes', Buffer.byteLength(raw), cap, where)

const refuseManyRepetitions =
  (separator: string, cap: number) =>
  (raw: string, where: string): void =>
    refuseOver('repetitions', countOf(raw, separator) + 1, cap, where)

function countOf(text: string, character: string): number {
  if (character === '') return 0
  let count = 0
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) count++
  return count
}

function toSegments(
  texts: readonly string[],
  syntax: Syntax,
): { segments: readonly Segment[]; byName: ReadonlyMap<string, readonly Segment[]> } {
  const byName = new Map<string, Segment[]>()
  const segments = texts.map((text, index) => {
    const name = nameOf(text, syntax.separators.field)
    const same = byName.get(name)
    const segment = new Segment(text, name, index, (same?.length ?? 0) + 1, syntax)
    if (same === undefined) byName.set(name, [segment])
    else same.push(segment)
    return segment
  })
  return { segments, byName }
}

function nameOf(text: string, fieldSeparator: string): string {
  const end = text.indexOf(fieldSeparator)
  return end < 0 ? text : text.slice(0, end)
}

const characterSetDoubts = (doubt: string | undefined): readonly Issue[] =>
  doubt === undefined ? [] : [{ severity: 'warning', code: 'structure', where: 'MSH-18', text: doubt }]

const joinDoubts = (lines: readonly number[]): readonly Issue[] =>
  lines.map((line) => ({
    severity: 'warning',
    code: 'structure',
    where: `line ${line}`,
    text: 'A line does not begin with a segment id and was read as the rest of the line before; escape line breaks as \\.br\\.',
  }))

/** Cuts the text of a message into the texts of its segments. */
import { Fault } from '../../terms/fault.js'

export interface SegmentTexts {
  readonly texts: readonly string[]
  /** Numbers (from 1) of lines that were read as the rest of the line before. */
  readonly joinedLines: readonly number[]
}

/** A segment ends at CR (HL7 v2.5.1 ch. 2.5.4); LF and CRLF are suppliers' habits. Line breaks also turn up inside
 *  free text, so a line that cannot be a segment belongs to the field before it: nothing the sender wrote is lost
 *  and no field moves. */
export function segmentTexts(
  text: string,
  start: number,
  separator: string,
  maxSegments: number,
): SegmentTexts {
  const texts: string[] = []
  const joinedLines: number[] = []
  const endOfLine = lineEnds(text)
  let segmentStart = start
  let segmentEnd = start
  let lineNumber = 0
  for (let lineStart = start; lineStart < text.length;) {
    const lineEnd = endOfLine(lineStart)
    lineNumber++
    if (lineStart === start || beginsSegment(text, lineStart, lineEnd, separator)) {
      if (lineStart > start) texts.push(text.slice(segmentStart, segmentEnd))
      if (texts.length >= maxSegments) throw tooManySegments(maxSegments)
      segmentStart = lineStart
      segmentEnd = lineEnd
    } else if (text.slice(lineStart, lineEnd).trim() !== '') {
      joinedLines.push(lineNumber)
      segmentEnd = lineEnd
    }
    lineStart = text.startsWith('\r\n', lineEnd) ? lineEnd + 2 : lineEnd + 1
  }
  texts.push(text.slice(segmentStart, segmentEnd))
  return { texts, joinedLines }
}

/** Next CR or LF at or after a place; asked in rising order, each character is looked at once. */
function lineEnds(text: string): (from: number) => number {
  const next = (character: string, from: number): number => {
    const at = text.indexOf(character, from)
    return at < 0 ? text.length : at
  }
  let cr = next('\r', 0)
  let lf = next('\n', 0)
  return (from) => {
    if (cr < from) cr = next('\r', from)
    if (lf < from) lf = next('\n', from)
    return Math.min(cr, lf)
  }
}

/** An id of word characters right before a field separator (`PID|`, `ZU1|`), or exactly three alone (`PID`).
 *  Longer ids are no HL7 but stay segments of their own, under their own name. */
function beginsSegment(text: string, start: number, end: number, separator: string): boolean {
  let at = start
  while (at < end && text[at] !== separator && isWordCode(text.charCodeAt(at))) at++
  if (at === end) return at - start === 3 && /^[A-Z]/.test(text[start] ?? '')
  return at > start && text[at] === separator
}

const isWordCode = (code: number): boolean =>
  (code >= 0x41 && code <= 0x5a) ||
  (code >= 0x30 && code <= 0x39) ||
  (code >= 0x61 && code <= 0x7a) ||
  code === 0x5f

const tooManySegments = (cap: number): Fault =>
  new Fault(
    'message-too-large',
    `The message has more than ${cap} segments; expected ${cap} at most. Split it, or agree a higher limit.`,
    'message',
  )

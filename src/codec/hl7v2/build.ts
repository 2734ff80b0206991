/** Data -> ER7 text, escaped for whatever separators are asked for. */
import { encodeEscapes } from './escape.js'
import { encodingCharacters, isHeaderSegment, type Separators } from './separators.js'

/** `undefined` or `''` writes nothing, `null` writes `""`. */
export type Text = string | null | undefined

/** A component, or its subcomponents. */
export type ComponentData = Text | readonly Text[]

/** One value, its components, its repetitions, or text that is ER7 already. */
export type FieldData = Text | readonly ComponentData[] | Repetitions | Raw

export interface Repetitions {
  readonly repetitions: readonly (Text | readonly ComponentData[])[]
}

/** ER7 text taken from a message with the same separators, written as it stands. */
export interface Raw {
  readonly raw: string
}

/** Fields by their number. MSH-1 and MSH-2 are written from the separators. */
export interface SegmentData {
  readonly name: string
  readonly fields: Readonly<Record<number, FieldData>>
}

/** Separators that can write any value: none of the four needed ones is missing. */
export function completeSeparators(separators: Separators): Separators {
  const used = Object.values(separators).join('')
  const spare = [...'^~\\&|!#$%*+;:=@'].filter((character) => !used.includes(character))
  const filled = (declared: string): string => declared || (spare.shift() ?? '')
  return {
    ...separators,
    repetition: filled(separators.repetition),
    escape: filled(separators.escape),
    subcomponent: filled(separators.subcomponent),
  }
}

/** Each segment ends with CR (HL7 v2.5.1 ch. 2.5.4). `separators` must declare all four encoding characters. */
export function writeMessage(segments: readonly SegmentData[], separators: Separators): string {
  return segments.map((segment) => writeSegment(segment, separators) + '\r').join('')
}

function writeSegment({ name, fields }: SegmentData, separators: Separators): string {
  const isHeader = isHeaderSegment(name)
  const first = isHeader ? 3 : 1
  const last = Math.max(0, ...Object.keys(fields).map(Number))
  const written: string[] = isHeader ? [name, encodingCharacters(separators)] : [name]
  for (let n = first; n <= last; n++) written.push(writeField(fields[n], separators))
  return trimmed(written, isHeader ? 2 : 1).join(separators.field)
}

function writeField(data: FieldData, separators: Separators): string {
  if (data === null || data === undefined || typeof data === 'string') return writeText(data, separators)
  if ('raw' in data) return withoutBreaks(data.raw, separators)
  if ('repetitions' in data) {
    const written = data.repetitions.map((one) => writeRepetition(one, separators))
    return written.join(separators.repetition)
  }
  return writeRepetition(data, separators)
}

function writeRepetition(data: Text | readonly ComponentData[], separators: Separators): string {
  if (data === null || data === undefined || typeof data === 'string') return writeText(data, separators)
  return trimmed(
    data.map((component) => writeComponent(component, separators)),
    0,
  ).join(separators.component)
}

function writeComponent(data: ComponentData, separators: Separators): string {
  if (data === null || data === undefined || typeof data === 'string') return writeText(data, separators)
  return trimmed(
    data.map((text) => writeText(text, separators)),
    0,
  ).join(separators.subcomponent)
}

function writeText(text: Text, separators: Separators): string {
  if (text === null) return '""'
  return text === undefined ? '' : encodeEscapes(text, separators)
}

/** Text taken over as it stands can still not end its segment. */
function withoutBreaks(raw: string, { escape }: Separators): string {
  return raw.replace(/[\x00-\x1f\x7f]/g, (character) => {
    const hex = character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')
    return `${escape}X${hex}${escape}`
  })
}

/** Empty parts at the end are not written. */
function trimmed(parts: readonly string[], keep: number): readonly string[] {
  let length = parts.length
  while (length > keep && parts[length - 1] === '') length--
  return parts.slice(0, length)
}

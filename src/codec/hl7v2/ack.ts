/** The answer to a message: MSH, MSA and ERR (HL7 v2.5.1 ch. 2.9.2 original mode, 2.9.3 enhanced mode). */
import type { Instant } from '../../terms/instant.js'
import { completeSeparators, writeMessage, type FieldData, type SegmentData } from './build.js'
import { encodeText } from './character-set.js'
import { errSegments, type AckError } from './err.js'
import type { Message } from './message.js'
import { parseMessage } from './parse.js'
import { STANDARD_SEPARATORS } from './separators.js'

/** HL7 table 0008: application answers AA AE AR, commit answers CA CE CR. */
export type AckCode = 'AA' | 'AE' | 'AR' | 'CA' | 'CE' | 'CR'

export type { AckError }

export interface AckRequest {
  /** What is answered, or its bytes when it could not be parsed; absent when there is nothing to go by. */
  readonly original?: Message | Uint8Array
  readonly code: AckCode
  /** MSH-10 of the answer. */
  readonly controlId: string
  readonly now: Instant
  /** MSA-3. */
  readonly text?: string
  readonly errors?: readonly AckError[]
}

/** The answer's bytes, in the character set and with the separators of the original. Never throws for an original
 *  that cannot be read: then MSH names no parties and MSA-2 is empty. */
export function buildAck(request: AckRequest): Uint8Array {
  const original = headerOf(request.original)
  const separators = completeSeparators(original?.separators ?? STANDARD_SEPARATORS)
  const segments = [
    mshOf(request, original),
    msaOf(request, original),
    ...errSegments(request.errors ?? [], original?.version),
  ]
  const text = writeMessage(segments, separators)
  return encodeAnswer(text, original)
}

function mshOf({ controlId, now }: AckRequest, original: Message | undefined): SegmentData {
  const echo = (n: number): FieldData => ({ raw: original?.segment('MSH')?.rawField(n) ?? '' })
  const event = original?.triggerEvent
  const fields: Record<number, FieldData> = {
    3: echo(5),
    4: echo(6),
    5: echo(3),
    6: echo(4),
    7: timestamp(now),
    9: event === undefined ? 'ACK' : ['ACK', event, 'ACK'],
    10: controlId,
    11: original?.processingId === undefined ? 'P' : echo(11),
    12: original?.version === undefined ? '2.5.1' : echo(12),
    18: echo(18),
  }
  return { name: 'MSH', fields }
}

/** MSA-2 is the sender's MSH-10 as it wrote it, so that the sender finds its message again. */
function msaOf({ code, text }: AckRequest, original: Message | undefined): SegmentData {
  const echoed: FieldData = { raw: original?.segment('MSH')?.rawField(10) ?? '' }
  return { name: 'MSA', fields: { 1: code, 2: echoed, 3: text } }
}

/** `20261121093000+0000`. */
const timestamp = (now: Instant): string => `${now.slice(0, 19).replace(/[-T:]/g, '')}+0000`

/** The header of what could not be parsed as a whole, when it has one. */
function headerOf(original: Message | Uint8Array | undefined): Message | undefined {
  if (original === undefined || !(original instanceof Uint8Array)) return original
  const start = Buffer.from(original.subarray(0, HEADER_BYTES))
  const header = /^(?:\xef\xbb\xbf)?[\r\n]*(MSH[^\r\n]+)/.exec(start.toString('latin1'))?.[1]
  if (header === undefined) return undefined
  try {
    return parseMessage(Buffer.from(header, 'latin1'))
  } catch {
    return undefined
  }
}

const HEADER_BYTES = 4096

/** A character the sender's set lacks becomes `?`: an answer with a damaged text beats no answer. */
function encodeAnswer(text: string, original: Message | undefined): Uint8Array {
  const characterSet = original?.characterSet ?? 'ASCII'
  const bom = characterSet.startsWith('UNICODE UTF-16') ? '\uFEFF' : ''
  try {
    return encodeText(bom + text, characterSet)
  } catch {
    return encodeText(text.replace(/[^\x00-\x7f]/g, '?'), characterSet)
  }
}

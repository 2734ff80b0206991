/** A batch file -> its messages (HL7 v2.5.1 ch. 2.10.3: FHS, BHS, messages, BTS, FTS). */
import { Fault } from '../../terms/fault.js'
import type { Issue } from '../../terms/issue.js'
import { encodeText, decodeText } from './character-set.js'

export interface BatchMessage {
  /** Exactly the bytes between this MSH and the next message, header or trailer. */
  readonly bytes: Uint8Array
  /** Where they begin in the file. */
  readonly byteOffset: number
  /** Line of its MSH, from 1. */
  readonly line: number
  /** Batch (BHS) it stands in, from 1; messages outside any batch are in batch 0. */
  readonly batch: number
  /** Place within that batch, from 1. */
  readonly place: number
}

export interface Batch {
  readonly messages: readonly BatchMessage[]
  /** Texts of FHS, BHS, BTS and FTS, in order. */
  readonly envelope: readonly string[]
  /** Counts that do not agree with BTS-1 or FTS-1, and lines that belong to nothing. */
  readonly issues: readonly Issue[]
}

/** A file or frame that is more than one message: it begins with FHS or BHS, or holds a second MSH. */
export function isBatch(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  const start = text.replace(/^\xef\xbb\xbf/, '').trimStart()
  return /^(?:FHS|BHS)/.test(start) || countOfHeaders(start) > 1
}

/** Cuts a batch into messages. Throws `msh-missing` when there is none, and the faults of the character set. */
export function splitBatch(bytes: Uint8Array): Batch {
  const { text, characterSet, bomLength } = decodeText(bytes)
  const reader = new BatchReader()
  let line = 0
  let byteOffset = bomLength
  for (const [whole] of text.matchAll(/[^\r\n]*(?:\r\n|\r|\n|$)/g)) {
    if (whole === '') break
    line++
    const size = encodeText(whole, characterSet).length
    reader.readLine(whole, line, byteOffset, size)
    byteOffset += size
  }
  return reader.finish(bytes)
}

const countOfHeaders = (text: string): number => [...text.matchAll(/(?:^|[\r\n])MSH[^A-Za-z0-9\s]/g)].length

interface Open {
  readonly byteOffset: number
  end: number
  readonly line: number
  readonly batch: number
  readonly place: number
}

class BatchReader {
  private readonly found: Open[] = []
  private readonly envelope: string[] = []
  private readonly issues: Issue[] = []
  private open: Open | undefined
  private batches = 0
  private inBatch = 0
  private place = 0

  readLine(whole: string, line: number, byteOffset: number, size: number): void {
    const text = whole.trimEnd()
    const kind = /^(MSH|FHS|BHS|BTS|FTS)(?![A-Za-z0-9])/.exec(text)?.[1]
    if (kind === 'MSH') {
      this.place++
      this.open = { byteOffset, end: byteOffset + size, line, batch: this.inBatch, place: this.place }
      this.found.push(this.open)
    } else if (kind !== undefined) {
      this.open = undefined
      this.envelope.push(text)
      this.readEnvelope(kind, text, line)
    } else if (this.open !== undefined) {
      this.open.end = byteOffset + size
    } else if (text.trim() !== '') {
      this.report(
        'structure',
        line,
        'A line stands outside every message and was not read; expected MSH before it.',
      )
    }
  }

  finish(bytes: Uint8Array): Batch {
    if (this.found.length === 0) {
      throw new Fault(
        'msh-missing',
        'The batch holds no message; expected at least one MSH segment.',
        'batch',
      )
    }
    return {
      messages: this.found.map(({ end, ...place }) => ({
        ...place,
        bytes: bytes.subarray(place.byteOffset, end),
      })),
      envelope: this.envelope,
      issues: this.issues,
    }
  }

  private readEnvelope(kind: string, text: string, line: number): void {
    if (kind === 'BHS') {
      this.batches++
      this.inBatch = this.batches
      this.place = 0
    } else if (kind === 'BTS') {
      this.compare('BTS-1', text, this.place, 'messages', line)
      this.inBatch = 0
      this.place = 0
    } else if (kind === 'FTS') {
      this.compare('FTS-1', text, this.batches, 'batches', line)
    }
  }

  /** BTS-1 and FTS-1 are optional; a count that is given must be right, or something was lost on the way. */
  private compare(where: string, text: string, found: number, what: string, line: number): void {
    const declared = /^[BF]TS[^A-Za-z0-9\s](\d+)/.exec(text)?.[1]
    if (declared === undefined || Number(declared) === found) return
    this.report(
      'value',
      line,
      `${where} says ${Number(declared)} ${what}, ${found} were found; ask the sender which is right.`,
    )
  }

  private report(code: string, line: number, text: string): void {
    this.issues.push({ severity: 'warning', code, where: `line ${line}`, text })
  }
}

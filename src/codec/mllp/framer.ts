/** Bytes of a connection -> MLLP blocks: `<VT> message <FS><CR>` (HL7 v2.5.1 appendix C; MLLP release 1).
 *
 *  What is done where senders break the rule:
 *  | found                                    | done                                                            |
 *  |------------------------------------------|-----------------------------------------------------------------|
 *  | CR and LF between blocks                 | ignored                                                         |
 *  | other bytes between blocks               | one `garbage` event per run; the next block is not touched      |
 *  | FS without CR inside a block             | content: a field may hold it by mistake, and cutting there would lose the rest unseen; the message reader refuses the character |
 *  | FS directly followed by the next VT      | end of block: the sender leaves out CR                          |
 *  | VT and then MSH, FHS or BHS in a block   | the block was never finished: `cut-off`, and the new one begins |
 *  | any other VT in a block                  | content, refused by the message reader                          |
 *  | VT right after VT                        | ignored                                                         |
 *  | more than `maxFrameBytes` in a block     | `too-large` with the first bytes at that byte; the rest is skipped to its end and not kept |
 *  | `<VT><ACK or NAK><FS><CR>` (release 2)   | `commit`: a transport acknowledgement, not a message            |
 *
 *  The same bytes give the same events however they are cut into chunks. */
import { Fault } from '../../terms/fault.js'
import { ByteBuffer } from './byte-buffer.js'
import { beginsMessage, CR, finder, FS, joined, LF, VT, type Finder } from './scan.js'

export interface FramerLimits {
  /** Bytes between VT and FS. */
  readonly maxFrameBytes: number
  /** Bytes outside blocks that are kept to show what came; more are counted, not kept. */
  readonly maxGarbageBytes: number
}

export type FrameEvent =
  | { readonly kind: 'message'; readonly bytes: Uint8Array }
  | { readonly kind: 'commit'; readonly positive: boolean }
  | { readonly kind: 'cut-off'; readonly bytes: Uint8Array }
  | { readonly kind: 'too-large'; readonly bytes: Uint8Array }
  | { readonly kind: 'garbage'; readonly bytes: Uint8Array; readonly total: number }

type State = 'between' | 'block' | 'skipping'

export class MllpFramer {
  private state: State = 'between'
  private readonly block = new ByteBuffer()
  private readonly garbage = new ByteBuffer()
  private garbageTotal = 0
  /** The end of the last chunk, when what it means depends on the bytes after it; at most 7 bytes. */
  private carry: Uint8Array = NOTHING
  private skipped = 0
  private begun = 0

  constructor(private readonly limits: FramerLimits) {}

  /** A block was begun and its end has not come. */
  get inBlock(): boolean {
    return this.state !== 'between'
  }

  /** Blocks begun so far: tells one unfinished block from the next. */
  get blocksBegun(): number {
    return this.begun
  }

  /** Bytes kept for a block or a run of garbage that has not ended. */
  get pendingBytes(): number {
    return this.block.length + this.garbage.length + this.carry.length
  }

  /** Bytes thrown away of a block that was too large and has not ended. */
  get skippedBytes(): number {
    return this.state === 'skipping' ? this.skipped : 0
  }

  /** Bytes outside blocks since the last block: how many, and the first of them. */
  get pendingGarbage(): { readonly total: number; readonly bytes: Uint8Array } {
    return { total: this.garbageTotal, bytes: this.garbage.view() }
  }

  /** True when all that is missing is the CR after FS. */
  get awaitsOnlyCr(): boolean {
    return this.state === 'block' && this.carry.length === 1 && this.carry[0] === FS
  }

  push(chunk: Uint8Array): FrameEvent[] {
    const data = this.carry.length === 0 ? chunk : joined(this.carry, chunk)
    this.carry = NOTHING
    const events: FrameEvent[] = []
    const find = finder(data)
    let at = 0
    while (at < data.length) {
      at =
        this.state === 'between'
          ? this.readBetween(data, at, find, events)
          : this.readBlock(data, at, find, events)
    }
    return events
  }

  /** The block so far as a message, for senders that leave out the CR. Only when `awaitsOnlyCr`. */
  endBlock(): FrameEvent {
    this.carry = NOTHING
    return this.finish()
  }

  /** No more bytes will come: what was left unfinished. */
  end(): FrameEvent[] {
    const events: FrameEvent[] = []
    if (this.state === 'block') this.keep(this.carry, events)
    this.carry = NOTHING
    if (this.state === 'block' && this.block.length > 0)
      events.push({ kind: 'cut-off', bytes: this.block.take() })
    this.state = 'between'
    this.flushGarbage(events)
    return events
  }

  private readBetween(data: Uint8Array, at: number, find: Finder, events: FrameEvent[]): number {
    const start = find.vt(at)
    this.addGarbage(data.subarray(at, start))
    if (start === data.length) return start
    this.flushGarbage(events)
    this.state = 'block'
    this.begun++
    return start + 1
  }

  private readBlock(data: Uint8Array, at: number, find: Finder, events: FrameEvent[]): number {
    const mark = Math.min(find.fs(at), find.vt(at))
    this.keep(data.subarray(at, mark), events)
    if (mark === data.length) return mark
    return data[mark] === FS ? this.readFs(data, mark, events) : this.readVt(data, mark, events)
  }

  private readFs(data: Uint8Array, mark: number, events: FrameEvent[]): number {
    const next = data[mark + 1]
    if (next === undefined) return this.wait(data, mark)
    if (next !== CR && next !== VT) {
      this.keep(data.subarray(mark, mark + 1), events)
      return mark + 1
    }
    if (this.state === 'block') events.push(this.finish())
    this.state = 'between'
    return next === CR ? mark + 2 : mark + 1
  }

  private readVt(data: Uint8Array, mark: number, events: FrameEvent[]): number {
    if (this.state === 'block' && this.block.length === 0) {
      let next = mark + 1
      while (data[next] === VT) next++
      return next
    }
    const begins = beginsMessage(data, mark + 1)
    if (begins === undefined) return this.wait(data, mark)
    if (!begins) {
      this.keep(data.subarray(mark, mark + 1), events)
      return mark + 1
    }
    if (this.state === 'block') events.push({ kind: 'cut-off', bytes: this.block.take() })
    this.state = 'block'
    this.begun++
    return mark + 1
  }

  private wait(data: Uint8Array, mark: number): number {
    this.carry = data.slice(mark)
    return data.length
  }

  private finish(): FrameEvent {
    this.state = 'between'
    const bytes = this.block.take()
    if (bytes.length === 1 && (bytes[0] === ACK || bytes[0] === NAK)) {
      return { kind: 'commit', positive: bytes[0] === ACK }
    }
    return { kind: 'message', bytes }
  }

  private keep(bytes: Uint8Array, events: FrameEvent[]): void {
    if (this.state === 'skipping') {
      this.skipped += bytes.length
      return
    }
    const room = this.limits.maxFrameBytes - this.block.length
    if (bytes.length <= room) {
      this.block.append(bytes)
      return
    }
    this.block.append(bytes.subarray(0, room))
    events.push({ kind: 'too-large', bytes: this.block.take() })
    this.state = 'skipping'
    this.skipped = bytes.length - room
  }

  private addGarbage(bytes: Uint8Array): void {
    let from = 0
    if (this.garbageTotal === 0) while (bytes[from] === CR || bytes[from] === LF) from++
    this.garbageTotal += bytes.length - from
    const room = this.limits.maxGarbageBytes - this.garbage.length
    this.garbage.append(bytes.subarray(from, from + Math.max(0, room)))
  }

  private flushGarbage(events: FrameEvent[]): void {
    if (this.garbageTotal === 0) return
    events.push({ kind: 'garbage', bytes: this.garbage.take(), total: this.garbageTotal })
    this.garbageTotal = 0
  }
}

/** Wraps a message for sending. Throws `characters-invalid` when it holds the end of a block. */
export function frame(message: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(message.length + 3)
  bytes[0] = VT
  bytes.set(message, 1)
  bytes[message.length + 1] = FS
  bytes[message.length + 2] = CR
  if (bytes.indexOf(END) === message.length + 1) return bytes
  throw new Fault(
    'characters-invalid',
    'The message holds FS CR, which ends an MLLP block; write such bytes as \\X1C\\.',
    `byte ${bytes.indexOf(END) - 1}`,
  )
}

const ACK = 0x06
const NAK = 0x15
const END = Buffer.from([FS, CR])
const NOTHING = new Uint8Array(0)

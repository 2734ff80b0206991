/** One connection of the MLLP server: reads blocks, hands them on, writes the answers in order, and holds back a
 *  sender that is faster than its messages are handled. */
import type { Socket } from 'node:net'
import { frame, MllpFramer, type FrameEvent } from '../codec/mllp/framer.js'
import { Fault } from '../terms/fault.js'
import { foreignProtocol, looksLikeHl7 } from './mllp-first-bytes.js'
import type { MllpServerLimits } from './mllp-limits.js'
import type { MllpPeer, MllpServerOptions } from './mllp-server.js'

/** How long a closed half waits for the peer to close its own. */
const LINGER_MS = 1_000

export class MllpConnection {
  private readonly framer: MllpFramer
  private readonly waiting: FrameEvent[] = []
  private inFlight = 0
  private settled = 0
  /** Answers are written one after another, in the order of their messages. */
  private writing: Promise<void> = Promise.resolve()
  private timer: NodeJS.Timeout | undefined
  private timerFor = ''
  private countedBytes = 0
  /** No more bytes are read: the peer has ended, or we are closing. */
  private ended = false

  constructor(
    private readonly socket: Socket,
    private readonly peer: MllpPeer,
    private readonly options: MllpServerOptions,
    private readonly limits: MllpServerLimits,
    /** Unfinished bytes of all connections of the server. */
    private readonly pending: { bytes: number },
  ) {
    this.framer = new MllpFramer(limits)
    socket.on('data', (chunk: Buffer) => this.read(chunk))
    socket.on('end', () => this.end(this.leftOver()))
    socket.on('error', (error) => options.onError?.(error, peer.address))
    socket.once('close', () => this.closed())
    this.watch()
  }

  /** Answers the messages that were read, then closes. What is unfinished goes unanswered, so its sender repeats it. */
  stop(): void {
    this.end([])
  }

  private destroy(): void {
    this.socket.destroy()
  }

  private read(chunk: Buffer): void {
    if (this.ended) return
    for (const event of this.framer.push(chunk)) this.waiting.push(event)
    this.countPending()
    if (this.pending.bytes > this.limits.maxPendingBytes) {
      this.options.onError?.(
        new Error('More unfinished bytes than maxPendingBytes; closed.'),
        this.peer.address,
      )
      this.destroy()
      return
    }
    this.startNext()
    const refused = this.hopeless()
    if (refused !== undefined) this.end(refused)
    else this.watch()
  }

  /** What to report before closing, when no good message can be expected any more. */
  private hopeless(): readonly FrameEvent[] | undefined {
    const { total, bytes } = this.framer.pendingGarbage
    const isForeign = this.framer.blocksBegun === 0 && foreignProtocol(bytes) !== undefined
    if (isForeign || total > this.limits.maxGarbageBytes) return [{ kind: 'garbage', bytes, total }]
    return this.framer.skippedBytes > this.limits.maxSkippedBytes ? [] : undefined
  }

  /** After the peer's last byte nothing can be missing but the CR, so a block that ends with FS is whole. */
  private leftOver(): readonly FrameEvent[] {
    return this.framer.awaitsOnlyCr ? [this.framer.endBlock()] : this.framer.end()
  }

  private end(last: readonly FrameEvent[]): void {
    if (this.ended) return
    this.ended = true
    this.waiting.push(...last)
    this.watch()
    this.startNext()
    this.closeWhenDone()
  }

  private startNext(): void {
    while (this.inFlight < this.limits.maxInFlight && this.waiting.length > 0) {
      const event = this.waiting.shift()
      if (event !== undefined) this.start(event)
    }
    if (this.ended) return
    if (this.waiting.length > 0) this.socket.pause()
    else if (this.socket.isPaused()) this.socket.resume()
  }

  private start(event: FrameEvent): void {
    this.inFlight++
    const answer = this.answerTo(event)
    this.writing = this.writing.then(async () => {
      try {
        const bytes = await answer
        if (bytes !== null) await this.write(frame(bytes))
      } catch (thrown) {
        this.options.onError?.(asError(thrown), this.peer.address)
        this.destroy()
      }
      this.inFlight--
      this.settled++
      this.startNext()
      this.watch()
      this.closeWhenDone()
    })
    // A rejection is met when its turn to be written comes; until then it must not count as unhandled.
    answer.catch(() => undefined)
  }

  private async answerTo(event: FrameEvent): Promise<Uint8Array | null> {
    switch (event.kind) {
      case 'message':
        if (looksLikeHl7(event.bytes)) return this.options.handle(event.bytes, this.peer)
        return this.reject(notHl7(event.bytes), event.bytes)
      case 'too-large':
        return this.reject(tooLarge(this.limits.maxFrameBytes), event.bytes)
      case 'cut-off': {
        const answer = await this.reject(incomplete(), event.bytes)
        // Before a new block the sender has given up on this one; at the end it may still be waiting.
        return this.ended ? answer : null
      }
      case 'garbage':
        await this.reject(outsideBlocks(event.bytes, event.total), event.bytes)
        return null
      case 'commit':
        return null
    }
  }

  private reject(fault: Fault, bytes: Uint8Array): Promise<Uint8Array | null> {
    return this.options.onReject({ fault, bytes, peer: this.peer })
  }

  /** Waits for the peer to take it, so that one who never reads cannot pile up answers. */
  private write(bytes: Uint8Array): Promise<void> {
    const { socket } = this
    return new Promise((resolve) => {
      if (socket.destroyed || socket.write(bytes)) {
        resolve()
        return
      }
      const late = setTimeout(() => this.destroy(), this.limits.writeTimeoutMs)
      const done = (): void => {
        clearTimeout(late)
        socket.off('drain', done).off('close', done)
        resolve()
      }
      socket.once('drain', done).once('close', done)
    })
  }

  private closeWhenDone(): void {
    if (!this.ended || this.inFlight > 0 || this.waiting.length > 0 || this.socket.destroyed) return
    if (this.socket.writableEnded) return
    this.socket.end()
    // Unread bytes would turn the close into a reset, and that can take the last answer with it.
    this.socket.resume()
    const late = setTimeout(() => this.destroy(), LINGER_MS)
    this.socket.once('close', () => clearTimeout(late))
  }

  /** One timer: for the block that is coming in, or for the silence between messages. Bytes that finish nothing do
   *  not start it anew, so dribbling holds nothing open. */
  private watch(): void {
    const held = this.ended || this.socket.isPaused() || this.socket.destroyed
    const isReading = this.framer.inBlock
    const what = isReading
      ? `block ${this.framer.blocksBegun}`
      : `idle ${this.settled} ${this.framer.blocksBegun}`
    const timerFor = held ? '' : what
    if (timerFor === this.timerFor) return
    this.timerFor = timerFor
    clearTimeout(this.timer)
    if (held) return
    const afterMs = isReading ? this.limits.frameTimeoutMs : this.limits.idleTimeoutMs
    this.timer = setTimeout(() => this.timedOut(isReading), afterMs)
  }

  private timedOut(wasReading: boolean): void {
    if (wasReading || this.inFlight === 0) {
      this.end(this.framer.end())
      return
    }
    this.timerFor = ''
    this.watch()
  }

  private countPending(): void {
    const bytes = this.socket.destroyed ? 0 : this.framer.pendingBytes
    this.pending.bytes += bytes - this.countedBytes
    this.countedBytes = bytes
  }

  private closed(): void {
    const last = this.ended ? [] : this.framer.end()
    this.ended = true
    this.watch()
    this.countPending()
    this.waiting.push(...last)
    this.startNext()
  }
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)))

const tooLarge = (cap: number): Fault =>
  new Fault(
    'frame-too-large',
    `The message is larger than ${cap} bytes, the limit here; split it, or agree a higher limit.`,
    `byte ${cap}`,
  )

const incomplete = (): Fault =>
  new Fault('frame-incomplete', 'The message stopped before its end (FS CR); send it whole again.', 'frame')

const notHl7 = (bytes: Uint8Array): Fault =>
  bytes.length === 0
    ? new Fault('frame-empty', 'The frame holds nothing; expected a message that begins with MSH.', 'frame')
    : new Fault('msh-missing', 'The frame does not begin with MSH; expected an HL7 v2 message.', 'line 1')

function outsideBlocks(bytes: Uint8Array, total: number): Fault {
  const protocol = foreignProtocol(bytes)
  const found = protocol === undefined ? `${total} bytes outside a frame` : `The beginning of ${protocol}`
  return new Fault('frame-missing', `${found} came in; expected VT, the message, FS CR.`, 'frame')
}

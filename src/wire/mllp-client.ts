/** MLLP client: one message at a time over a connection that is kept while it is used. Answers are matched by
 *  MSA-2 alone, so a late answer never settles another message. */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { parseMessage } from '../codec/hl7v2/parse.js'
import { frame, MllpFramer, type FrameEvent } from '../codec/mllp/framer.js'
import { Fault } from '../terms/fault.js'

export interface MllpClientOptions {
  readonly host: string
  readonly port: number
  readonly tls?: {
    readonly ca?: string | Buffer
    readonly key?: string | Buffer
    readonly cert?: string | Buffer
    /** The name the certificate must carry, where it is not `host`. */
    readonly servername?: string
  }
  readonly connectTimeoutMs?: number
  readonly answerTimeoutMs?: number
  /** An unused connection is closed after it. */
  readonly idleTimeoutMs?: number
  readonly maxAnswerBytes?: number
  /** An answer to a message that `send` has given up on, or a second answer (enhanced mode). */
  onLateAnswer?(controlId: string, bytes: Uint8Array): void
}

interface Waiting {
  readonly controlId: string
  readonly resolve: (answer: Uint8Array) => void
  readonly reject: (fault: Fault) => void
}

export class MllpClient {
  private readonly options: Required<Omit<MllpClientOptions, 'tls' | 'onLateAnswer'>> & MllpClientOptions
  private socket: Socket | undefined
  private waiting: Waiting | undefined
  private idleTimer: NodeJS.Timeout | undefined
  /** Sends wait for the one before. */
  private last: Promise<unknown> = Promise.resolve()
  /** Control ids that were sent and may still be answered, oldest first. */
  private readonly earlier = new Set<string>()
  private isClosed = false

  constructor(options: MllpClientOptions) {
    this.options = {
      connectTimeoutMs: 10_000,
      answerTimeoutMs: 30_000,
      idleTimeoutMs: 60_000,
      maxAnswerBytes: 1024 * 1024,
      ...options,
    }
  }

  /** Sends one message and gives the bytes of its answer, whatever MSA-1 says.
   *  Throws Fault: `receiver-refused-connection` (nothing was sent), `receiver-silent`, `receiver-cut-off`,
   *  `receiver-answer-unreadable` (it may have arrived). */
  send(message: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    const exchange = this.last.then(() => this.exchange(message, signal))
    this.last = exchange.catch(() => undefined)
    return exchange
  }

  /** Closes at once; a message that waits for its answer fails as `receiver-cut-off`. */
  close(): void {
    this.isClosed = true
    this.drop(this.socket)
  }

  private async exchange(message: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const controlId = parseMessage(message).controlId
    if (controlId === undefined) {
      throw new Fault('message-id-missing', 'MSH-10 is empty; an answer could not be matched.', 'MSH-10')
    }
    const bytes = frame(message)
    const socket = await this.connected(signal)
    clearTimeout(this.idleTimer)
    this.remember(controlId)
    try {
      return await this.answerTo(controlId, bytes, socket, signal)
    } finally {
      this.waiting = undefined
      this.idleTimer = setTimeout(() => this.drop(socket), this.options.idleTimeoutMs)
      this.idleTimer.unref()
    }
  }

  private answerTo(
    controlId: string,
    bytes: Uint8Array,
    socket: Socket,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    const { answerTimeoutMs } = this.options
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(late)
        signal?.removeEventListener('abort', abort)
      }
      const fail = (fault: Fault): void => {
        stop()
        reject(fault)
      }
      const abort = (): void => {
        fail(
          new Fault('receiver-cut-off', 'Waiting for the answer was called off; it may have arrived.', 'MSA'),
        )
        this.drop(socket)
      }
      const late = setTimeout(() => {
        fail(
          new Fault('receiver-silent', `No answer within ${answerTimeoutMs} ms; it may have arrived.`, 'MSA'),
        )
      }, answerTimeoutMs)
      signal?.addEventListener('abort', abort, { once: true })
      const settle = (answer: Uint8Array): void => {
        stop()
        resolve(answer)
      }
      this.waiting = { controlId, resolve: settle, reject: fail }
      socket.write(bytes)
    })
  }

  private async connected(signal: AbortSignal | undefined): Promise<Socket> {
    if (this.isClosed || signal?.aborted === true)
      throw refused('The client was closed or the send called off')
    const { socket } = this
    if (socket !== undefined && socket.writable && !socket.readableEnded) return socket
    const fresh = await this.open(signal)
    this.attach(fresh)
    return fresh
  }

  private open(signal: AbortSignal | undefined): Promise<Socket> {
    const { host, port, tls, connectTimeoutMs } = this.options
    return new Promise((resolve, reject) => {
      const socket =
        tls === undefined
          ? connectTcp({ host, port, noDelay: true })
          : connectTls({ host, port, minVersion: 'TLSv1.2', ...tls })
      const fail = (cause: unknown, found: string): void => {
        done()
        socket.destroy()
        reject(refused(found, cause))
      }
      const late = setTimeout(
        () => fail(undefined, `No connection within ${connectTimeoutMs} ms`),
        connectTimeoutMs,
      )
      const onError = (error: Error): void => fail(error, 'No connection could be made')
      const onAbort = (): void => fail(signal?.reason, 'The send was called off')
      const done = (): void => {
        clearTimeout(late)
        socket.off('error', onError)
        signal?.removeEventListener('abort', onAbort)
        // Whatever a given-up socket still reports has been answered for.
        socket.on('error', () => undefined)
      }
      socket.once('error', onError)
      signal?.addEventListener('abort', onAbort, { once: true })
      socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
        done()
        resolve(socket)
      })
    })
  }

  private attach(socket: Socket): void {
    this.socket = socket
    const framer = new MllpFramer({ maxFrameBytes: this.options.maxAnswerBytes, maxGarbageBytes: 1024 })
    let cause: unknown
    socket.on('data', (chunk: Buffer) => {
      for (const event of framer.push(chunk)) this.receive(event)
    })
    socket.on('error', (error) => (cause = error))
    socket.once('close', () => {
      if (this.socket !== socket) return
      this.socket = undefined
      this.waiting?.reject(
        new Fault('receiver-cut-off', 'The connection ended before the answer; it may have arrived.', 'MSA', {
          cause,
        }),
      )
    })
  }

  private receive(event: FrameEvent): void {
    if (event.kind === 'commit' || event.kind === 'garbage') return
    const controlId = event.kind === 'message' ? answeredId(event.bytes) : undefined
    if (controlId === undefined) {
      this.waiting?.reject(
        new Fault(
          'receiver-answer-unreadable',
          'The answer has no readable MSA-2; expected the control id of the message it answers.',
          'MSA-2',
        ),
      )
    } else if (controlId === this.waiting?.controlId) {
      this.waiting.resolve(event.bytes)
      this.waiting = undefined
    } else if (this.earlier.has(controlId)) {
      this.options.onLateAnswer?.(controlId, event.bytes)
    }
    // An answer to a message never sent here is nobody's.
  }

  private remember(controlId: string): void {
    this.earlier.add(controlId)
    const [oldest] = this.earlier
    if (this.earlier.size > MAX_REMEMBERED && oldest !== undefined) this.earlier.delete(oldest)
  }

  private drop(socket: Socket | undefined): void {
    clearTimeout(this.idleTimer)
    socket?.destroy()
  }
}

const MAX_REMEMBERED = 1_000

/** MSA-2, or undefined when the bytes are no acknowledgement. */
function answeredId(bytes: Uint8Array): string | undefined {
  try {
    return parseMessage(bytes).get('MSA-2') ?? undefined
  } catch {
    return undefined
  }
}

const refused = (found: string, cause?: unknown): Fault =>
  new Fault('receiver-refused-connection', `${found}; nothing was sent.`, 'connection', { cause })

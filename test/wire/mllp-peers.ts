/** A bare MLLP sender for tests: writes what it is told and collects what comes back. */
import { connect, type Socket } from 'node:net'
import { MllpFramer } from '../../src/codec/mllp/framer.js'
import { parseMessage } from '../../src/codec/hl7v2/parse.js'

export const message = (id: string, body = 'PID|1'): string =>
  `MSH|^~\\&|PAS|RWX|GW|LLR|20261121||REF^I12|${id}|P|2.4\r${body}\r`

export const framed = (text: string): string => `\x0b${text}\x1c\r`

export const answer = (id: string, code = 'AA'): Buffer =>
  Buffer.from(`MSH|^~\\&|GW|LLR|PAS|RWX|20261121||ACK|A${id}|P|2.4\rMSA|${code}|${id}\r`)

export const idOf = (bytes: Uint8Array): string => parseMessage(bytes).controlId ?? ''

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Waits until `holds`, for at most five seconds. */
export async function until(holds: () => boolean): Promise<void> {
  for (const start = Date.now(); !holds() && Date.now() - start < 5_000;) await sleep(5)
}

export class Sender {
  /** `AA C1`, `AR C2` in the order they came. */
  readonly answers: string[] = []
  ended = false
  private readonly framer = new MllpFramer({ maxFrameBytes: 1_000_000, maxGarbageBytes: 1_000 })

  constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      for (const event of this.framer.push(chunk)) {
        if (event.kind !== 'message') throw new Error(`unexpected ${event.kind} from the server`)
        const read = parseMessage(event.bytes)
        this.answers.push(`${read.get('MSA-1') ?? ''} ${read.get('MSA-2') ?? ''}`.trim())
      }
    })
    socket.on('error', () => undefined)
    socket.on('close', () => (this.ended = true))
  }

  static to(port: number): Promise<Sender> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => resolve(new Sender(socket)))
    })
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  async got(count: number): Promise<readonly string[]> {
    await until(() => this.answers.length >= count || this.ended)
    return this.answers
  }

  async closed(): Promise<boolean> {
    await until(() => this.ended)
    return this.ended
  }
}

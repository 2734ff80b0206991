/** Invented referrals and cancellations, and the MLLP client that sends them. */
import { connect, type Socket } from 'node:net'

/** Every referral id of these tests, wherever it turns up. */
export const REFERRAL_ID = /NG-[a-z0-9]+-\d+-\d+/

export const NEEDS = ['RAPID', 'WARD', 'CARE'] as const

const header = (type: string, controlId: string): string =>
  `MSH|^~\\&|NORTHPAS|NG|ONEDOOR|LLR|20261121093000+0000||${type}^REF_I12|${controlId}|P|2.5.1`

const PATIENT =
  'PID|1||9990000123^^^NHS^NH||Inventia^Hortense||19410302|F|||2 Nowhere Road^^Northgate^^LE2 2BB||^PRN^PH^^^0116^4960001'

const message = (...segments: string[]): string => `${segments.join('\r')}\r`

/** REF^I12: a new referral for one of NEEDS. */
export const referral = (controlId: string, referralId: string, need: string): string =>
  message(
    header('REF^I12', controlId),
    `RF1|P^Pending^HL70283|U^Urgent^HL70280|MED^Medical^HL70281||O|${referralId}^NG|20261121093000|||${need}^${need}^L`,
    'PRD|RP|Marchbank^Ottoline^^^Dr|1 High Street^^Northgate^^LE1 1AA||^WPN^PH^^^0116^4960000||C4012345^GMC',
    PATIENT,
    'DG1|1||217082002^Accidental fall^SCT|||A',
    'NTE|1||Fell this morning, daughter present',
  )

/** REF^I14: takes it back. */
export const cancellation = (controlId: string, referralId: string): string =>
  message(
    header('REF^I14', controlId),
    `RF1|R^Rejected^HL70283|U^Urgent^HL70280||||${referralId}^NG|20261121|||ADMITTED^Admitted instead^L`,
    PATIENT,
  )

/** A referral that no gateway can take: it names no patient. */
export const unusable = (controlId: string, referralId: string): string =>
  message(
    header('REF^I12', controlId),
    `RF1|P^Pending^HL70283|U^Urgent^HL70280|||O|${referralId}^NG|20261121093000|||RAPID^RAPID^L`,
  )

const START = 0x0b
const END = Buffer.from([0x1c, 0x0d])

export const frame = (text: string): Buffer => Buffer.concat([Buffer.from([START]), Buffer.from(text), END])

/** One connection, one message at a time. */
export class MllpClient {
  private readonly socket: Socket
  private received = Buffer.alloc(0)
  private isClosed = false
  private wake: () => void = () => undefined

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.setNoDelay(true)
    this.socket.on('data', (bytes) => {
      this.received = Buffer.concat([this.received, bytes])
      this.wake()
    })
    const close = (): void => {
      this.isClosed = true
      this.wake()
    }
    this.socket.on('close', close)
    this.socket.on('error', close)
  }

  /** Bytes as they are, whole frames or not; resolves when the kernel has them. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.socket.write(bytes, () => resolve()))
  }

  /** The next answer, or undefined when the connection ends or time runs out first. */
  async answer(timeoutMs: number): Promise<string | undefined> {
    return this.until(() => {
      const end = this.received.indexOf(END)
      if (end < 0) return undefined
      const text = this.received.subarray(this.received.indexOf(START) + 1, end).toString('utf8')
      this.received = this.received.subarray(end + END.length)
      return text
    }, timeoutMs)
  }

  /** The first bytes of the next answer, whole or not. */
  async firstBytes(timeoutMs: number): Promise<Buffer | undefined> {
    return this.until(() => (this.received.length === 0 ? undefined : this.received), timeoutMs)
  }

  close(): void {
    this.socket.destroy()
  }

  private async until<T>(look: () => T | undefined, timeoutMs: number): Promise<T | undefined> {
    const giveUpAt = Date.now() + timeoutMs
    for (;;) {
      const found = look()
      if (found !== undefined || this.isClosed || Date.now() >= giveUpAt) return found
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, giveUpAt - Date.now())
        this.wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
}

/** MSA-1 and MSA-2 of an answer. */
export function acknowledged(answer: string): { readonly code: string; readonly controlId: string } {
  const [, code = '', controlId = ''] =
    answer
      .split('\r')
      .find((segment) => segment.startsWith('MSA|'))
      ?.split('|') ?? []
  return { code, controlId }
}

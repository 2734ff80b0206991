/** Hospital systems that send: one message at a time, the same message again until it is answered, and a log of
 *  their own about what they sent and what they were told. */
import { setTimeout as sleep } from 'node:timers/promises'
import { cancellation, frame, MllpClient, NEEDS, referral } from './kill-messages.js'

/** One message as its sender remembers it. */
export interface Sent {
  readonly controlId: string
  readonly referralId: string
  readonly kind: 'referral' | 'cancellation' | 'unusable'
  readonly text: string
  /** Every answer that came, in order; empty while none has. */
  readonly answers: string[]
}

const ANSWER_TIMEOUT_MS = 4_000

/** The log of all senders, in the order in which messages were first sent. */
export class Senders {
  readonly sent: Sent[] = []
  /** When the first answer came after a moment: see `firstAnswerAfter`. */
  private lastAnswerAt = 0
  private isDone = false
  private running: Promise<void>[] = []
  private readonly run: string

  constructor(
    private readonly mllpPort: number,
    private readonly random: () => number = Math.random,
  ) {
    this.run = Date.now().toString(36)
  }

  /** A new message in the log, not yet sent. `of`: the referral that a cancellation takes back. */
  note(kind: Sent['kind'], text: (controlId: string, referralId: string) => string, of?: Sent): Sent {
    const n = this.sent.length
    const referralId = of?.referralId ?? `NG-${this.run}-${kind === 'unusable' ? 9 : 1}-${n}`
    const controlId = `${this.run}-${n}`
    const sent = { controlId, referralId, kind, text: text(controlId, referralId), answers: [] }
    this.sent.push(sent)
    return sent
  }

  newReferral(need: string = NEEDS[Math.floor(this.random() * NEEDS.length)] ?? 'RAPID'): Sent {
    return this.note('referral', (controlId, referralId) => referral(controlId, referralId, need))
  }

  newCancellation(of: Sent): Sent {
    return this.note('cancellation', cancellation, of)
  }

  /** Until it is answered, on as many connections as that takes. */
  async deliver(sent: Sent): Promise<string> {
    for (;;) {
      const client = new MllpClient(this.mllpPort)
      await client.write(frame(sent.text))
      const answer = await client.answer(ANSWER_TIMEOUT_MS)
      client.close()
      if (answer !== undefined) return this.hear(sent, answer)
      await sleep(30)
    }
  }

  hear(sent: Sent, answer: string): string {
    sent.answers.push(answer)
    this.lastAnswerAt = performance.now()
    return answer
  }

  /** Each sends without pause: new referrals, some taken back, some sent again although answered. */
  start(count: number): void {
    this.running = Array.from({ length: count }, () => this.keepSending())
  }

  /** Every message that was begun is answered when this resolves. */
  async finish(): Promise<void> {
    this.isDone = true
    await Promise.all(this.running)
  }

  /** How long after `since` (performance.now) an answer came. */
  async firstAnswerAfter(since: number): Promise<number> {
    while (this.lastAnswerAt <= since) await sleep(5)
    return this.lastAnswerAt - since
  }

  private async keepSending(): Promise<void> {
    const own: Sent[] = []
    let client = new MllpClient(this.mllpPort)
    const converse = async (sent: Sent): Promise<void> => {
      for (;;) {
        await client.write(frame(sent.text))
        const answer = await client.answer(ANSWER_TIMEOUT_MS)
        if (answer !== undefined) return void this.hear(sent, answer)
        client.close()
        await sleep(30)
        client = new MllpClient(this.mllpPort)
      }
    }
    while (!this.isDone) {
      const luck = this.random()
      const open = luck < 0.25 ? own.pop() : undefined
      const sent = open === undefined ? this.newReferral() : this.newCancellation(open)
      await converse(sent)
      // Some senders do not believe what they were told.
      if (this.random() < 0.05) await converse(sent)
      if (open === undefined) own.push(sent)
      await sleep(this.random() * 30)
    }
    client.close()
  }
}

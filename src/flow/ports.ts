/** What `flow` needs from the edges: `main` hands these in, so that the story reads without sockets. */
import type { Deployment, Partner, Receives } from '../directory/types.js'
import type { CaseRecord, Delivery, IncomingMessage, RenderedDelivery } from '../store/types.js'
import type { ServiceAnswer } from '../referral/answer.js'
import type { Instant } from '../terms/instant.js'

export type Clock = () => Instant
export type NewId = () => string

/** One way out: `publish/bars`, `publish/fhir`, `publish/hl7v2`. */
export interface Publisher {
  /** The `Receives.channel` it serves. */
  readonly channel: Receives['channel']
  /** True when repeating an attempt that may have arrived is safe with this receiver (same key, discarded there). */
  repeatsSafely(receives: Receives): boolean
  /** The bytes of the first attempt; every later attempt sends the same. Pure. Throws Fault class `never`. */
  render(delivery: Delivery, record: CaseRecord, context: RenderContext): RenderedDelivery
  /** Sends once. Throws Fault whose class says whether it may be sent again. */
  send(rendered: RenderedDelivery, receives: Receives, signal: AbortSignal): Promise<SendResult>
}

export interface RenderContext {
  readonly deployment: Deployment
  readonly receiver: Partner
  readonly now: Instant
  readonly newId: NewId
}

export interface SendResult {
  readonly httpStatus?: number
  readonly answer: Uint8Array
  /** What the synchronous answer means for the offer (BaRS category `referral`: `accepted`). */
  readonly says: ServiceAnswer
}

/** A service's answer to something we delivered, as a channel decoded it. */
export interface IncomingAnswer {
  /** With the reply the sender gets once it is committed (`message.answer`). */
  readonly message: IncomingMessage
  readonly from: Partner
  /** The correlation of the delivery it answers (BaRS MessageHeader.response.identifier, MSA-2). */
  readonly correlation: string
  /** The case the exchange belongs to, when the wire carries it (BaRS X-Correlation-Id): senders whose `correlation`
   *  names a later message of the same conversation are understood by it. */
  readonly conversation?: string
  readonly answer: ServiceAnswer
}

export type AnswerOutcome =
  | { readonly kind: 'recorded'; readonly caseId: string }
  /** The same message again: the reply it got the first time. */
  | { readonly kind: 'duplicate'; readonly reply: Uint8Array | null }
  /** Another body under the same id. */
  | { readonly kind: 'conflict' }

/** Records a service's answer; throws Fault (`case-unknown` when nothing was sent under that correlation). */
export type ReceiveAnswer = (answer: IncomingAnswer) => Promise<AnswerOutcome>

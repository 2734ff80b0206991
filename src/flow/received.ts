/** A decoded message on its way to a case, and what came of it. */
import type { Message } from '../codec/hl7v2/message.js'
import type { Partner } from '../directory/types.js'
import type { CommitOutcome, IncomingMessage } from '../store/types.js'
import { Fault } from '../terms/fault.js'
import type { Cause } from './change-case.js'

export interface Received {
  readonly message: Message
  readonly sender: Partner
  readonly incoming: IncomingMessage
  /** The application answer, when it follows by the outbox (enhanced mode). */
  readonly applicationAck?: Uint8Array
}

export type Processed =
  | { readonly kind: 'done'; readonly caseId: string }
  /** The same message again: its stored answer. */
  | { readonly kind: 'duplicate'; readonly caseId: string; readonly answer: Uint8Array | null }

export const causeOf = (event: string, { incoming, sender, applicationAck }: Received): Cause => ({
  event,
  actor: { partner: sender.id },
  now: incoming.receivedAt,
  message: incoming,
  ...(applicationAck === undefined ? {} : { applicationAck }),
})

/** Throws Fault for a message that must not be taken for processed. */
export function settle(outcome: CommitOutcome, caseId: string): Processed {
  switch (outcome.kind) {
    case 'committed':
      return { kind: 'done', caseId }
    case 'duplicate':
      return { kind: 'duplicate', caseId: outcome.caseId ?? caseId, answer: outcome.answer }
    case 'conflict':
      throw new Fault(
        'duplicate-conflict',
        'Another message with this control id was received from this sender; give the new one its own MSH-10.',
        'MSH-10',
      )
    default:
      throw new Fault('store-busy', 'The case is being changed by many at once; send the message again.')
  }
}

/** What can happen to a case, and what deciding about it gives. */
import type { FaultCode } from '../terms/fault.js'
import type { Instant } from '../terms/instant.js'
import type { Reason, ServiceAnswer } from './answer.js'
import type { CaseState } from './case.js'
import type { Effect } from './effects.js'

/** Where the case may go next, worked out by `routing` from the directory as it is now. */
export interface NextStep {
  /** The service to offer to; absent when a person must choose. */
  readonly service?: { readonly id: string; readonly partner: string; readonly answerWithinMs: number }
  readonly explanation: readonly string[]
}

export type CaseHappening =
  | { readonly kind: 'opened'; readonly next: NextStep }
  | { readonly kind: 'amended' }
  | { readonly kind: 'cancelled'; readonly reason?: Reason; readonly enteredInError: boolean }
  | {
      readonly kind: 'answered'
      readonly taskId: string
      readonly answer: ServiceAnswer
      readonly next: NextStep
    }
  /** A person at the access point chose a service. */
  | { readonly kind: 'chosen'; readonly next: NextStep }
  /** A person at the access point ended the case. */
  | { readonly kind: 'ended'; readonly as: 'rejected' | 'completed'; readonly reason?: Reason }
  | {
      readonly kind: 'undeliverable'
      readonly subject: string
      readonly fault: FaultCode
      readonly cause: string
    }
  | { readonly kind: 'answer-overdue'; readonly taskId: string }

export interface DecideContext {
  readonly now: Instant
  readonly newId: () => string
}

export interface Decision {
  readonly state: CaseState
  readonly effects: readonly Effect[]
}

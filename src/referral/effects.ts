/** What a decision asks the shell to do. Decisions return these; `apply` turns them into one commit. */
import type { ServiceRequest, Task } from 'fhir/r4.js'
import type { Instant } from '../terms/instant.js'
import type { FaultCode } from '../terms/fault.js'
import type { BusinessStatus } from './codes.js'
import type { Reason } from './answer.js'

/** Why a person is asked. */
export type PersonNeeded =
  'choose-service' | 'service-rejected' | 'no-answer' | 'given-back' | 'undeliverable' | 'late-answer'

export type Effect =
  | {
      readonly kind: 'create-offer'
      readonly taskId: string
      readonly service: string
      readonly partner: string
      /** Why this service, for the people who read the Task. */
      readonly explanation: readonly string[]
      readonly answerDue: Instant
    }
  | {
      readonly kind: 'set-task'
      readonly taskId: string
      readonly status: Task['status']
      readonly businessStatus: BusinessStatus
      readonly reason?: Reason
      readonly note?: string
      readonly outcome?: Reason
    }
  | { readonly kind: 'set-request'; readonly status: ServiceRequest['status'] }
  /** Tell a service what has changed since it got its offer. */
  | {
      readonly kind: 'update-offer'
      readonly taskId: string
      readonly partner: string
      readonly service: string
    }
  /** Tell a service that its offer is withdrawn. */
  | {
      readonly kind: 'withdraw-offer'
      readonly taskId: string
      readonly partner: string
      readonly service: string
      readonly reason?: Reason
      /** The request should never have been made, as against: it is no longer needed. */
      readonly mistake: boolean
    }
  | {
      readonly kind: 'tell-sender'
      readonly status: 'accepted' | 'pending' | 'rejected' | 'completed'
      readonly reason?: Reason
      /** The offer it is about. */
      readonly taskId?: string
    }
  | { readonly kind: 'stop-waiting'; readonly taskId: string }
  | {
      readonly kind: 'ask-person'
      readonly taskId: string
      readonly why: PersonNeeded
      readonly about: string
      readonly fault?: FaultCode
      readonly explanation: readonly string[]
    }
  | { readonly kind: 'pass-baton'; readonly from: string; readonly to: string }

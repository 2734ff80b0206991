/** What goes into and comes out of the store. Only this folder speaks SQL; everyone else speaks these types. */
import type { FhirResource } from 'fhir/r4.js'
import type { FaultClass, FaultCode } from '../terms/fault.js'
import type { Instant } from '../terms/instant.js'

/** Bytes that arrived, kept unchanged. */
export interface IncomingMessage {
  readonly id: string
  /** `mllp`, `bars`, `fhir` ... */
  readonly channel: string
  /** Partner id, or the wire's own name for a sender that is not registered. */
  readonly sender: string
  /** MSH-10, X-Request-Id+X-Correlation-Id, ...: unique per sender within `duplicateWindowMs`. */
  readonly messageId: string
  /** SHA-256 (hex) of the body without the fields a resend may change (MSH-7, MSH-8). */
  readonly bodyHash: string
  /** `REF^I12`, `servicerequest-response`, ... */
  readonly kind: string
  readonly raw: Uint8Array
  readonly receivedAt: Instant
  /** The answer this message gets, kept so that a resend gets the same bytes. */
  readonly answer: Uint8Array | null
  /** How long another body under the same id is a conflict; after it, it is a new message. */
  readonly duplicateWindowMs: number
}

export interface ResourceDraft {
  readonly resource: FhirResource & { id: string }
  /** Partner ids that may see it: the access filter. */
  readonly parties: readonly string[]
}

export interface Actor {
  readonly partner: string
  readonly role?: string
  readonly person?: string
}

/** One fact about a case. The store numbers it and chains its hash to the one before. */
export interface CaseEventDraft {
  readonly kind: string
  readonly at: Instant
  readonly actor: Actor
  readonly data: Readonly<Record<string, unknown>>
}

export interface CaseEvent extends CaseEventDraft {
  readonly caseId: string
  readonly seq: number
  /** SHA-256 (hex) over the previous hash and this event. */
  readonly hash: string
}

/** Something to be sent. What exactly is rendered on the first attempt and kept for every later one. */
export interface DeliveryDraft {
  readonly id: string
  /** Partner id of the receiver. */
  readonly receiver: string
  /** Which publisher sends it: `bars`, `fhir`, `hl7v2`. */
  readonly channel: string
  /** What it says: `offer`, `cancel`, `reply` ... */
  readonly kind: string
  /** The offer Task, or the case's own id. */
  readonly subject: string
  readonly notBefore?: Instant
  /** Facts the publisher needs that the case's resources do not hold. */
  readonly context: Readonly<Record<string, unknown>>
}

export type DeliveryState = 'queued' | 'sending' | 'delivered' | 'unsure' | 'refused' | 'dead' | 'withdrawn'

export interface Delivery extends DeliveryDraft {
  readonly caseId: string
  /** Order within the case. */
  readonly seq: number
  readonly state: DeliveryState
  /** Attempts begun, this one included. */
  readonly attempts: number
  readonly createdAt: Instant
  /** The bytes and headers of the first attempt; null before it. */
  readonly rendered: RenderedDelivery | null
  /** True when an earlier attempt may have arrived although its answer was lost. */
  readonly mayHaveArrived: boolean
  /** Fencing token of this claim: a settled or lost lease refuses late writers. */
  readonly lease: string
}

export interface RenderedDelivery {
  readonly body: Uint8Array
  readonly contentType: string
  readonly headers: Readonly<Record<string, string>>
  /** The key the receiver will answer under (BaRS Bundle.id, MSH-10, Task id); found again by `findDelivery`. */
  readonly correlation: string
}

/** What became of one attempt. */
export interface AttemptOutcome {
  readonly deliveryId: string
  readonly lease: string
  readonly at: Instant
  readonly state: 'delivered' | 'queued' | 'unsure' | 'refused' | 'dead' | 'withdrawn'
  /** For `queued`: when to try again. */
  readonly nextAttemptAt?: Instant
  readonly faultClass?: FaultClass
  readonly fault?: FaultCode
  /** True cause in words an engineer can act on; no patient data. */
  readonly cause?: string
  readonly httpStatus?: number
  readonly durationMs: number
  /** The receiver's answer as it came. */
  readonly answer?: Uint8Array
}

export interface DeadlineDraft {
  readonly id: string
  /** `answer-due`, ... */
  readonly kind: string
  readonly dueAt: Instant
  /** The offer Task it guards, or the case's id. */
  readonly subject: string
}

export interface Deadline extends DeadlineDraft {
  readonly caseId: string
  readonly lease: string
}

/** One commit: everything that one message or event changes, or nothing. */
export interface CaseCommit {
  readonly now: Instant
  readonly caseId: string
  /** 0 for a new case; otherwise the version that was read. */
  readonly expectedVersion: number
  readonly journeyId: string
  /** The folded state of the case (`referral` owns its shape). */
  readonly state: unknown
  readonly message?: IncomingMessage
  readonly resources: readonly ResourceDraft[]
  readonly events: readonly CaseEventDraft[]
  readonly deliveries: readonly DeliveryDraft[]
  readonly deadlines: readonly DeadlineDraft[]
  /** Subjects whose open deadlines are cleared. */
  readonly clearedDeadlines: readonly string[]
  /** Subjects whose waiting deliveries are withdrawn; never one that is being sent or may have arrived. */
  readonly withdrawnDeliveries: readonly string[]
  /** The attempt whose result this commit records, if any. */
  readonly attempt?: AttemptOutcome
  /** The deadline this commit acts on, if any. */
  readonly deadline?: { readonly id: string; readonly lease: string }
}

export type CommitOutcome =
  | { readonly kind: 'committed'; readonly version: number }
  /** The same message again: its stored answer, byte for byte. */
  | { readonly kind: 'duplicate'; readonly answer: Uint8Array | null; readonly caseId: string | null }
  /** Another body under the same id within the window. */
  | { readonly kind: 'conflict' }
  /** The case moved since it was read: read and decide again. */
  | { readonly kind: 'stale' }
  /** The lease of the attempt or deadline is no longer ours: someone else owns the work. */
  | { readonly kind: 'lease-lost' }

/** An input that made no case change: kept with its bytes, reason and the answer it got. */
export interface Quarantined {
  readonly id: string
  readonly channel: string
  readonly sender: string
  /** Null when the bytes gave none. */
  readonly messageId: string | null
  readonly receivedAt: Instant
  readonly raw: Uint8Array
  readonly fault: FaultCode
  readonly where: string
  readonly text: string
  readonly answer: Uint8Array | null
}

export interface CaseRecord {
  readonly caseId: string
  readonly journeyId: string
  readonly version: number
  readonly state: unknown
  /** Current version of every resource of the case but Provenance and AuditEvent: nothing is decided by those. */
  readonly resources: readonly FhirResource[]
}

export interface StoredResource {
  readonly resource: FhirResource & { id: string }
  readonly version: number
  readonly lastUpdated: Instant
  readonly caseId: string | null
}

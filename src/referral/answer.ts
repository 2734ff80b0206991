/** What a receiving service says about an offer, in the words every channel is translated to. */
import type { Coding } from 'fhir/r4.js'
import type { Instant } from '../terms/instant.js'

export type ServiceAnswer =
  /** It has the offer; nobody has decided yet. */
  | { readonly kind: 'received'; readonly reference?: ServiceReference }
  /** A clinician took it: the baton moves. */
  | { readonly kind: 'accepted'; readonly reference?: ServiceReference; readonly note?: string }
  | { readonly kind: 'rejected'; readonly reason: Reason; readonly note?: string }
  /** Accepted and under way. */
  | { readonly kind: 'started'; readonly reference?: ServiceReference; readonly note?: string }
  /** Finished: an outcome is known. */
  | { readonly kind: 'completed'; readonly outcome?: Reason; readonly note?: string }
  /** Accepted before, cannot be carried out now. */
  | { readonly kind: 'failed'; readonly reason: Reason; readonly note?: string }

/** Coded where the service coded it; `text` always says it in words. */
export interface Reason {
  readonly codings: readonly Coding[]
  readonly text: string
}

/** The service's own number for the case. */
export interface ServiceReference {
  readonly system?: string
  readonly value: string
}

export interface AnswerFrom {
  /** Partner that answered. */
  readonly partner: string
  readonly at: Instant
}

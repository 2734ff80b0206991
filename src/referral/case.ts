/** The state of one case, folded from its events: small enough to read at a glance, and all that `decide` needs. */
import type { Instant } from '../terms/instant.js'

/** FHIR Task.status of an offer, in the order a case moves through them. */
export type OfferStatus =
  'requested' | 'received' | 'accepted' | 'in-progress' | 'completed' | 'rejected' | 'failed' | 'cancelled'

export interface Offer {
  /** Id of its Task. */
  readonly taskId: string
  /** Id of the HealthcareService it was put to. */
  readonly service: string
  /** Partner that receives for that service. */
  readonly partner: string
  readonly status: OfferStatus
  readonly offeredAt: Instant
  /** The receiver's own id for it, needed to cancel it there. */
  readonly reference?: string
}

export interface CaseState {
  readonly phase: 'open' | 'closed'
  /** Partner that referred. */
  readonly sender: string
  /** Partner that is the single point of access. */
  readonly accessPoint: string
  /** Id of the coordinating Task. The case's own id is its ServiceRequest's. */
  readonly coordinator: string
  readonly patient: string
  /** Who is clinically responsible now: exactly one partner, at every instant. */
  readonly baton: { readonly holder: string; readonly since: Instant }
  readonly offers: readonly Offer[]
  /** What the sender's channel needs to answer under (for HL7 v2: MSH-10 and the names in MSH); opaque here. */
  readonly origin: Readonly<Record<string, string>>
}

const OPEN: readonly OfferStatus[] = ['requested', 'received', 'accepted', 'in-progress']
const TAKEN: readonly OfferStatus[] = ['accepted', 'in-progress', 'completed']

/** Still with the service: undecided or being carried out. */
export const isOpenOffer = (offer: Offer): boolean => OPEN.includes(offer.status)

/** The service took it. */
export const isTaken = (offer: Offer): boolean => TAKEN.includes(offer.status)

export const offerOf = (state: CaseState, taskId: string): Offer | undefined =>
  state.offers.find((offer) => offer.taskId === taskId)

export const withReference = (state: CaseState, taskId: string, reference: string): CaseState => ({
  ...state,
  offers: state.offers.map((offer) => (offer.taskId === taskId ? { ...offer, reference } : offer)),
})

export const withOffer = (state: CaseState, taskId: string, status: OfferStatus): CaseState => ({
  ...state,
  offers: state.offers.map((offer) => (offer.taskId === taskId ? { ...offer, status } : offer)),
})

/** Legal next states of an offer Task; everything else is refused by name.
 *  Source: FHIR R4 Task, state machine; `failed` after acceptance is "given back". */
export const OFFER_TRANSITIONS: Readonly<Record<OfferStatus, readonly OfferStatus[]>> = {
  requested: ['received', 'accepted', 'in-progress', 'completed', 'rejected', 'failed', 'cancelled'],
  received: ['accepted', 'in-progress', 'completed', 'rejected', 'failed', 'cancelled'],
  accepted: ['in-progress', 'completed', 'failed', 'cancelled'],
  'in-progress': ['completed', 'failed', 'cancelled'],
  completed: [],
  rejected: [],
  failed: [],
  cancelled: [],
}

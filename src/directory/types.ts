/** A deployment: who takes part, which services there are and how needs find them. All of it is data. */
import type { Endpoint, HealthcareService, Location, Organization } from 'fhir/r4.js'

export interface Deployment {
  readonly name: string
  /** IANA zone of the place, for hours and for senders that give none. */
  readonly timeZone: string
  /** Base URL under which `/FHIR/R4` and `/bars/FHIR/R4` are reached from outside; set at start when absent. */
  readonly publicUrl?: string
  /** The partner that is the single point of access itself: owner of every coordinating Task. */
  readonly accessPoint: string
  readonly partners: ReadonlyMap<string, Partner>
  readonly services: ReadonlyMap<string, Service>
  readonly pathways: readonly Pathway[]
  /** Organization, HealthcareService, Location, Endpoint as served by the API. */
  readonly resources: readonly DirectoryResource[]
}

export type DirectoryResource = (Organization | HealthcareService | Location | Endpoint) & { id: string }

export interface PartnerIdentifier {
  readonly system: string
  readonly value: string
}

export interface Partner {
  readonly id: string
  readonly name: string
  /** Id of its Organization in the directory. */
  readonly organization: string
  readonly identifiers: readonly PartnerIdentifier[]
  /** Zone of its times without an offset; the deployment's when absent. */
  readonly timeZone?: string
  readonly sends: PartnerSends
  readonly receives?: Receives
}

export interface PartnerSends {
  readonly hl7v2?: {
    /** MSH-3 and MSH-4 (first components) it signs with. An empty facility matches any. */
    readonly applications: readonly { readonly application: string; readonly facility: string }[]
    /** Processing ids (MSH-11) taken from it; `P` alone when absent. */
    readonly processingIds: readonly string[]
    /** How long another body under the same MSH-10 is a conflict. */
    readonly duplicateWindowMs: number
    /** Names of mapping overlays, applied in order. */
    readonly overlays: readonly string[]
    /** Message types it may send; all mapped ones when absent. */
    readonly messageTypes?: readonly string[]
  }
  readonly bars?: { readonly serviceIds: readonly string[] }
  readonly fhir?: Readonly<Record<string, never>>
}

export interface RetryPolicy {
  readonly firstDelayMs: number
  readonly maxDelayMs: number
  /** Attempts before the delivery goes before a person; `null` = never give up. */
  readonly maxAttempts: number | null
  /** Failures in a row that open the breaker, and how long it stays open. */
  readonly breakerFailures: number
  readonly breakerOpenMs: number
}

interface ReceivesBase {
  readonly timeoutMs: number
  readonly retry: RetryPolicy
}

export interface ReceivesBars extends ReceivesBase {
  readonly channel: 'bars'
  /** Base URL; `/$process-message` is appended. */
  readonly url: string
  /** DoS service id it answers for: destination and NHSD-Target-Identifier. */
  readonly serviceId: string
}

export interface ReceivesFhir extends ReceivesBase {
  readonly channel: 'fhir'
  readonly url: string
}

export interface ReceivesHl7v2 extends ReceivesBase {
  readonly channel: 'hl7v2'
  readonly host: string
  readonly port: number
  /** MSH-5 and MSH-6 it expects. */
  readonly application: string
  readonly facility: string
  readonly version: string
  /** True when it discards a repeated MSH-10, so an unanswered message may be repeated. */
  readonly discardsRepeats: boolean
}

export type Receives = ReceivesBars | ReceivesFhir | ReceivesHl7v2

/** A receiving service of the directory, as routing sees it. */
export interface Service {
  /** Id of its HealthcareService. */
  readonly id: string
  readonly name: string
  /** Partner that receives for it. */
  readonly partner: string
  /** Every name senders use for it (its own, PRD-7, PRD-2, PRD-4, service id): `system|value` or the bare
   *  value, as `normaliseName` writes them. */
  readonly aliases: readonly string[]
  /** Needs it serves: the pathways that list it, the fallback left out. */
  readonly needs: readonly string[]
  /** Patterns of the postcodes it covers, upper case without spaces: `?` is any one character, a last `*` any
   *  rest. An area written `LE1` where units have three characters is `LE1???`. Empty = everywhere. */
  readonly postcodes: readonly string[]
  readonly minAgeYears?: number
  readonly maxAgeYears?: number
  /** Opening hours in the deployment's zone; empty = always. */
  readonly hours: readonly OpeningHours[]
  /** Whole days it is closed in spite of its hours. */
  readonly closures?: readonly Closure[]
  /** `referral`: its synchronous 200 is acceptance. `validation`: it may accept or decline later. */
  readonly category: 'referral' | 'validation'
  /** BaRS use-case coding put on offers to it. */
  readonly useCase?: { readonly code: string; readonly display: string; readonly bilateral: boolean }
}

export interface OpeningHours {
  readonly days: readonly ('mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun')[]
  /** `HH:MM`, `from` before `to`; `to` may be `24:00`. */
  readonly from: string
  readonly to: string
}

export interface Closure {
  /** `YYYY-MM-DD` in the deployment's zone, both days included. */
  readonly from: string
  readonly to: string
  readonly reason: string
}

/** A need, how it is recognised, and which services may meet it in which order. */
export interface Pathway {
  readonly need: string
  readonly name: string
  /** Codes that show the need in the referral (ServiceRequest.category/code/reasonCode, Condition.code). */
  readonly codes: readonly PartnerCode[]
  /** True for the one taken when no other matches. */
  readonly fallback: boolean
  /** Services in order of preference. */
  readonly services: readonly string[]
  /** `automatic`: the first suitable service is offered at once and the next one after a rejection;
   *  `manual`: a person chooses from the shortlist. A service the sender named is always offered first. */
  readonly offer: 'automatic' | 'manual'
  /** An offer unanswered for this long goes back to the access point. */
  readonly answerWithinMs: number
}

export interface PartnerCode {
  readonly system?: string
  readonly code: string
}

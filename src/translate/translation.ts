/** What translating a message gives: the bundle, the fate of every source element, and what was noticed. */
import type { Bundle } from 'fhir/r4.js'
import type { Message } from '../codec/hl7v2/message.js'
import type { Instant } from '../terms/instant.js'
import type { Issue } from '../terms/issue.js'

/** Why a source element has no place in the bundle. `docs/mappings.md` explains each one. */
export const DROP_REASONS = [
  'sequence-only',
  'structure-only',
  'transport-only',
  'value-invalid',
  'null-on-create',
  'null-deletes',
  'blank',
] as const

export type DropReason = (typeof DROP_REASONS)[number]

export interface Drop {
  readonly path: string
  readonly reason: DropReason
}

/** `total = mapped + carried + dropped.length`, always. */
export interface Ledger {
  readonly total: number
  readonly mapped: number
  readonly carried: number
  readonly dropped: readonly Drop[]
}

/** What became of one source element. `to` is where its value stands, for example `Patient.name[0].family`. */
export type Fate =
  | { readonly kind: 'mapped'; readonly to: readonly string[] }
  | { readonly kind: 'carried'; readonly to: string }
  | { readonly kind: 'dropped'; readonly reason: DropReason }

export interface TranslateContext {
  /** Partner id, or MSH-3 and MSH-4 of a sender that is not registered: one namespace of local identifiers. */
  readonly sourceId: string
  /** IANA zone of times without an offset. */
  readonly timeZone: string
  /** Names of mapping overlays, applied in order. */
  readonly overlays: readonly string[]
  readonly receivedAt?: Instant
}

/** What a message does to a case: begins one, changes one, or ends one. */
export const CASE_ACTIONS = ['open', 'amend', 'cancel'] as const

export type CaseAction = (typeof CASE_ACTIONS)[number]

export interface Translation {
  readonly ok: boolean
  /** Null when it moves no case: a question, or a message that is only kept. */
  readonly action: CaseAction | null
  readonly channel: 'hl7v2'
  /** `REF^I12`. */
  readonly messageType: string
  /** Name of the mapping that was used; null when none could be chosen. */
  readonly mapping: string | null
  /** FHIR R4 message bundle; null when the message was refused. */
  readonly bundle: Bundle | null
  /** Null when the message was refused: then nothing left the raw bytes. */
  readonly ledger: Ledger | null
  /** A refusal's `code` is its fault code; a warning's is a FHIR IssueType. What the reader of the message had to
   *  guess is among them. */
  readonly issues: readonly Issue[]
  /** The fate of every source element by its path; worked out when asked for. */
  fates(): ReadonlyMap<string, Fate>
}

export interface Translator {
  /** Never throws for any parsed message: a message that cannot be mapped gives `ok: false` with its issues. */
  translate(message: Message, context: TranslateContext): Translation
  /** Names that `TranslateContext.overlays` may use. */
  readonly overlays: readonly string[]
  /** Message types with a mapping of their own, `REF^I12`. */
  readonly messageTypes: readonly string[]
}

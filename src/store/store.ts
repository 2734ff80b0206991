/** The store as the rest of the product sees it: one value, made by `openStore`, closed once. */
import type { FhirResource } from 'fhir/r4.js'
import type { Instant } from '../terms/instant.js'
import type { BreakerPolicy } from './attempts.js'
import type { SearchPage, SearchQuery } from './search-query.js'
import type {
  AttemptOutcome,
  CaseCommit,
  CaseEvent,
  CaseRecord,
  CommitOutcome,
  Deadline,
  Delivery,
  Quarantined,
  RenderedDelivery,
  StoredResource,
} from './types.js'

export interface Store {
  /** One statement, one transaction; resolves only after the durable commit. Throws Fault `store-busy` or
   *  `store-unavailable` when nothing was committed. */
  commitCase(commit: CaseCommit): Promise<CommitOutcome>

  /** Keeps a refused input; the same bytes refused again only raise the count of the first. */
  quarantine(input: Quarantined): Promise<void>

  readCase(caseId: string): Promise<CaseRecord | undefined>
  readEvents(caseId: string): Promise<readonly CaseEvent[]>
  /** Cases whose ServiceRequest carries this identifier, oldest first, at most 10. */
  findCasesByIdentifier(system: string, value: string): Promise<readonly string[]>
  /** The answer a message got, found before the work of decoding it again. */
  findAnswer(
    sender: string,
    messageId: string,
    bodyHash: string,
  ): Promise<{ readonly answer: Uint8Array | null; readonly caseId: string | null } | undefined>

  /** Takes up to `limit` deliveries that are due and first in line for their case and receiver; none for a
   *  receiver whose breaker is open. An attempt whose lease ran out comes back with `mayHaveArrived`. */
  claimDeliveries(options: {
    readonly limit: number
    readonly leaseMs: number
    readonly now: Instant
  }): Promise<readonly Delivery[]>
  /** Keeps the rendered bytes and marks the attempt as begun. False when the lease was lost. */
  beginAttempt(deliveryId: string, lease: string, rendered: RenderedDelivery): Promise<boolean>
  /** Records an attempt that changes nothing in the case (a retry). False when the lease was lost. */
  recordAttempt(outcome: AttemptOutcome): Promise<boolean>
  findDelivery(correlation: string): Promise<Delivery | undefined>
  readDeliveries(caseId: string): Promise<readonly (Delivery & { readonly lastCause: string | null })[]>
  /** Milliseconds until something can be claimed, a breaker or lease runs out; undefined when nothing waits. */
  nextDueInMs(now: Instant): Promise<number | undefined>

  /** Circuit breaker per receiver, shared by every gateway process. It opens at `breakerFailures` in a row for
   *  `breakerOpenMs`, then lets one delivery try. Without a policy it never opens. `opened` is true once per outage. */
  receiverFailed(
    receiver: string,
    now: Instant,
    policy: BreakerPolicy | undefined,
  ): Promise<{ readonly failures: number; readonly opened: boolean; readonly openUntil: Instant | null }>
  /** `closed`: this answer ended an outage. */
  receiverAnswered(receiver: string): Promise<{ readonly closed: boolean }>

  claimDeadlines(options: {
    readonly limit: number
    readonly leaseMs: number
    readonly now: Instant
  }): Promise<readonly Deadline[]>

  readResource(type: string, id: string): Promise<StoredResource | undefined>
  readVersion(type: string, id: string, version: number): Promise<StoredResource | undefined>
  readHistory(type: string, id: string, limit: number): Promise<readonly StoredResource[]>
  /** One page of the current resources; throws Fault `too-costly` past `query.timeoutMs`. */
  search(query: SearchQuery): Promise<SearchPage>
  /** Writes directory resources that differ from what is stored, as new versions. */
  putDirectory(resources: readonly (FhirResource & { id: string })[], now: Instant): Promise<number>

  /** Calls back (coalesced) when some process committed deliveries; returns how to stop. */
  onWork(callback: () => void): () => void
  counts(): Promise<Readonly<Record<string, number>>>
  /** When the delivery that has waited longest was committed; undefined when none waits. */
  oldestWaiting(): Promise<Instant | undefined>
  /** Resolves when a trivial query answers; throws Fault `store-unavailable`. */
  ping(): Promise<void>
  close(): Promise<void>
}

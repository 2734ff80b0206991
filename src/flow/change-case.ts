/** The only way a case changes: read it, decide, write everything in one commit; again if someone was faster. */
import type { FhirResource, Reference } from 'fhir/r4.js'
import { apply } from '../referral/apply.js'
import type { CaseState } from '../referral/case.js'
import { decide } from '../referral/decide.js'
import type { CaseHappening, Decision, NextStep } from '../referral/happening.js'
import { auditEventOf, provenanceOf } from '../referral/provenance.js'
import { route, type RoutingDecision } from '../referral/routing.js'
import { factsOf } from '../referral/routing-facts.js'
import type {
  Actor,
  AttemptOutcome,
  CaseCommit,
  CaseRecord,
  CommitOutcome,
  DeliveryDraft,
  IncomingMessage,
} from '../store/types.js'
import type { Deployment } from '../directory/types.js'
import { Fault } from '../terms/fault.js'
import type { Instant } from '../terms/instant.js'
import { accessPointOf, type Gateway } from './gateway.js'

/** What caused the change and what else its commit must record. */
export interface Cause {
  /** `referral-received`, `answer-received`, `delivered` ... */
  readonly event: string
  readonly actor: Actor
  readonly now: Instant
  readonly message?: IncomingMessage
  /** Sent to the sender's own listener after the commit (HL7 v2 enhanced mode). */
  readonly applicationAck?: Uint8Array
  readonly attempt?: AttemptOutcome
  readonly deadline?: { readonly id: string; readonly lease: string }
}

export interface NewCase {
  readonly caseId: string
  readonly journeyId: string
  readonly state: CaseState
  readonly resources: readonly (FhirResource & { id: string })[]
}

/** Tries to read and decide again before `store-busy` is answered. */
const MAX_DECISIONS = 5

/** First commit of a case. */
export async function openCase(opened: NewCase, cause: Cause, gateway: Gateway): Promise<CommitOutcome> {
  const next = nextStep(opened.resources, [], gateway.deployment, cause.now)
  const decision = decide(opened.state, { kind: 'opened', next }, { now: cause.now, newId: gateway.newId })
  const record = { ...opened, version: 0 }
  return gateway.store.commitCase(commitOf(record, opened.resources, decision, cause, gateway))
}

/** Any later commit. `happen` and `arrive` see the case as it is now; `arrive` gives the resources a message brought.
 *  `target`: the case's id, or the case as it was read before; should it have moved since, it is read again. */
export async function changeCase(
  target: string | CaseRecord,
  happen: (state: CaseState, record: CaseRecord) => CaseHappening,
  cause: Cause,
  gateway: Gateway,
  arrive: (record: CaseRecord) => readonly (FhirResource & { id: string })[] = () => [],
): Promise<CommitOutcome> {
  let known = typeof target === 'string' ? undefined : target
  const caseId = typeof target === 'string' ? target : target.caseId
  for (let tries = 0; tries < MAX_DECISIONS; tries++) {
    const record = known ?? (await gateway.store.readCase(caseId))
    if (record === undefined) throw new Fault('case-unknown', 'No such case; check the identifier.')
    const state = stateOf(record)
    const decision = decide(state, happen(state, record), { now: cause.now, newId: gateway.newId })
    const outcome = await gateway.store.commitCase(commitOf(record, arrive(record), decision, cause, gateway))
    if (outcome.kind !== 'stale') return outcome
    known = undefined
  }
  throw new Fault('store-busy', 'The case is being changed by many at once; send the message again.')
}

// Only this module writes states, so what is read back has this shape.
export const stateOf = (record: CaseRecord): CaseState => record.state as CaseState

/** Where the case may go next, by the directory as it is now. */
export function nextStep(
  resources: readonly FhirResource[],
  excluded: readonly string[],
  deployment: Deployment,
  now: Instant,
): NextStep {
  const routing = route(factsOf(resources, now, excluded), deployment, now)
  return stepOf(routing, deployment)
}

function stepOf(routing: RoutingDecision, deployment: Deployment): NextStep {
  const service = routing.chosen === undefined ? undefined : deployment.services.get(routing.chosen)
  if (service === undefined) return { explanation: routing.explanation }
  return {
    service: {
      id: service.id,
      partner: service.partner,
      answerWithinMs: routing.pathway.answerWithinMs,
    },
    explanation: routing.explanation,
  }
}

function commitOf(
  record: CaseRecord,
  arrived: readonly (FhirResource & { id: string })[],
  decision: Decision,
  cause: Cause,
  gateway: Gateway,
): CaseCommit {
  const { deployment, newId } = gateway
  const { caseId } = record
  const applied = apply(decision, {
    caseId,
    now: cause.now,
    newId,
    deployment,
    actor: cause.actor.partner,
    resources: [...arrived, ...record.resources],
  })
  const changed = new Map(arrived.map((resource) => [`${resource.resourceType}/${resource.id}`, resource]))
  for (const resource of applied.resources) changed.set(`${resource.resourceType}/${resource.id}`, resource)
  const written = [...changed.values(), ...evidence(record, [...changed.values()], cause, gateway)]
  const parties = partiesOf(decision.state)
  return {
    now: cause.now,
    caseId,
    expectedVersion: record.version,
    journeyId: record.journeyId,
    state: decision.state,
    ...(cause.message === undefined ? {} : { message: cause.message }),
    resources: written.map((resource) => ({ resource, parties })),
    events: [{ kind: cause.event, data: sourceOf(cause) }, ...applied.events].map(({ kind, data }) => ({
      kind,
      at: cause.now,
      actor: cause.actor,
      data,
    })),
    deliveries: [...acknowledgement(caseId, cause, gateway), ...applied.deliveries].flatMap((plan) => {
      // A sender without a way in of its own hears no replies; a service always has one, or is never chosen.
      const receives = deployment.partners.get(plan.receiver)?.receives
      return receives === undefined ? [] : [{ ...plan, channel: receives.channel }]
    }),
    deadlines: applied.deadlines,
    clearedDeadlines: applied.clearedDeadlines,
    withdrawnDeliveries: applied.withdrawnDeliveries,
    ...(cause.attempt === undefined ? {} : { attempt: cause.attempt }),
    ...(cause.deadline === undefined ? {} : { deadline: cause.deadline }),
  }
}

function acknowledgement(caseId: string, cause: Cause, gateway: Gateway): Omit<DeliveryDraft, 'channel'>[] {
  if (cause.applicationAck === undefined) return []
  const message = Buffer.from(cause.applicationAck).toString('base64')
  return [
    {
      id: gateway.newId(),
      receiver: cause.actor.partner,
      kind: 'ack',
      subject: caseId,
      context: { message },
    },
  ]
}

function sourceOf(cause: Cause): Readonly<Record<string, unknown>> {
  if (cause.message !== undefined) return { message: cause.message.id, kind: cause.message.kind }
  if (cause.attempt !== undefined) return { delivery: cause.attempt.deliveryId, state: cause.attempt.state }
  return {}
}

/** Provenance for what a message brought, and one AuditEvent for the commit. */
function evidence(
  record: CaseRecord,
  written: readonly FhirResource[],
  cause: Cause,
  gateway: Gateway,
): (FhirResource & { id: string })[] {
  const who = referenceTo(cause.actor.partner, gateway.deployment)
  const observer = referenceTo(accessPointOf(gateway.deployment).id, gateway.deployment)
  const audit = auditEventOf({
    id: gateway.newId(),
    at: cause.now,
    action: record.version === 0 ? 'C' : 'U',
    event: cause.event,
    agent: who,
    observer,
    entity: { reference: `ServiceRequest/${record.caseId}` },
  })
  if (cause.message === undefined || written.length === 0) return [audit]
  const source = {
    messageId: cause.message.id,
    kind: cause.message.kind,
    sender: who,
    receivedAt: cause.message.receivedAt,
  }
  return [provenanceOf(gateway.newId(), source, written), audit]
}

export function referenceTo(partnerId: string, deployment: Deployment): Reference {
  const partner = deployment.partners.get(partnerId)
  if (partner === undefined) return { display: partnerId }
  return { reference: `Organization/${partner.organization}`, display: partner.name }
}

function partiesOf(state: CaseState): string[] {
  return [...new Set([state.accessPoint, state.sender, ...state.offers.map((offer) => offer.partner)])]
}

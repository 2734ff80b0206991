/** Who said it and which bytes it came from: one Provenance per message, one AuditEvent per commit. */
import type { AuditEvent, FhirResource, Provenance, Reference } from 'fhir/r4.js'
import type { Instant } from '../terms/instant.js'
import { MESSAGE_ID } from './codes.js'

export interface MessageSource {
  /** Id of the stored message. */
  readonly messageId: string
  /** `REF^I12`, `servicerequest-response` ... */
  readonly kind: string
  readonly sender: Reference
  readonly receivedAt: Instant
}

/** Links every resource a message made to the stored bytes. Source: FHIR R4 Provenance. */
export function provenanceOf(
  id: string,
  source: MessageSource,
  targets: readonly FhirResource[],
): Provenance & { id: string } {
  return {
    resourceType: 'Provenance',
    id,
    target: targets.map((resource) => ({ reference: `${resource.resourceType}/${resource.id}` })),
    recorded: source.receivedAt,
    activity: { text: source.kind },
    agent: [{ who: source.sender }],
    entity: [{ role: 'source', what: { identifier: { system: MESSAGE_ID, value: source.messageId } } }],
  }
}

export interface AuditedAction {
  readonly id: string
  readonly at: Instant
  /** FHIR audit-event-action: create, read, update, delete, execute. */
  readonly action: 'C' | 'R' | 'U' | 'D' | 'E'
  /** What happened, in the case's own words: `referral-received`, `answer-received` ... */
  readonly event: string
  readonly agent: Reference
  readonly observer: Reference
  readonly entity: Reference
}

/** Source: FHIR R4 AuditEvent; type from the record lifecycle events of its value set. */
export function auditEventOf(action: AuditedAction): AuditEvent & { id: string } {
  return {
    resourceType: 'AuditEvent',
    id: action.id,
    type: { system: 'http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle', code: 'receive' },
    subtype: [{ system: 'https://onedoor.dev/fhir/CodeSystem/case-event', code: action.event }],
    action: action.action,
    recorded: action.at,
    outcome: '0',
    agent: [{ who: action.agent, requestor: true }],
    source: { observer: action.observer },
    entity: [{ what: action.entity }],
  }
}

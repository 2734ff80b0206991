/** Commits for tests of the store: an invented referral with the resources a real one has. */
import { randomUUID } from 'node:crypto'
import type { FhirResource } from 'fhir/r4.js'
import type { CaseCommit, DeliveryDraft, IncomingMessage } from '../../src/store/types.js'
import { parseInstant, type Instant } from '../../src/terms/instant.js'

export const at = (text: string): Instant => {
  const instant = parseInstant(text)
  if (instant === undefined) throw new Error(`${text} is no instant`)
  return instant
}

export const NOW = at('2026-11-21T09:30:00.000Z')

export function aMessage(changes: Partial<IncomingMessage> = {}): IncomingMessage {
  return {
    id: randomUUID(),
    channel: 'mllp',
    sender: 'northgate',
    messageId: randomUUID(),
    bodyHash: 'a'.repeat(64),
    kind: 'REF^I12',
    raw: Buffer.from('MSH|^~\\&|PAS|NORTHGATE|ONEDOOR|LLR|20261121093000||REF^I12|1|P|2.5.1\r'),
    receivedAt: NOW,
    answer: Buffer.from('MSH|^~\\&|ONEDOOR|LLR\rMSA|AA|1\r'),
    duplicateWindowMs: 24 * 3_600_000,
    ...changes,
  }
}

export function aDelivery(changes: Partial<DeliveryDraft> = {}): DeliveryDraft {
  return {
    id: randomUUID(),
    receiver: 'ucr',
    channel: 'fhir',
    kind: 'offer',
    subject: randomUUID(),
    context: {},
    ...changes,
  }
}

/** The first commit of a case: nothing but the case, unless `changes` say more. */
export function anOpening(changes: Partial<CaseCommit> = {}): CaseCommit {
  const caseId = changes.caseId ?? randomUUID()
  return {
    now: NOW,
    caseId,
    expectedVersion: 0,
    journeyId: `journey-${caseId}`,
    state: { kind: 'open' },
    resources: [],
    events: [{ kind: 'referral-received', at: NOW, actor: { partner: 'northgate' }, data: { n: 1 } }],
    deliveries: [],
    deadlines: [],
    clearedDeadlines: [],
    withdrawnDeliveries: [],
    ...changes,
  }
}

export const aChange = (
  caseId: string,
  expectedVersion: number,
  changes: Partial<CaseCommit> = {},
): CaseCommit => anOpening({ caseId, expectedVersion, ...changes })

export function aServiceRequest(id: string, identifier = id): FhirResource & { id: string } {
  return {
    resourceType: 'ServiceRequest',
    id,
    identifier: [{ system: 'https://northgate.example/referral', value: identifier }],
    status: 'active',
    intent: 'order',
    subject: { reference: `Patient/p-${id}` },
  }
}

/** A message about a case that exists: REF^I13 amends it, REF^I14 ends it. */
import type { Identifier, ServiceRequest } from 'fhir/r4.js'
import { ontoCase } from '../referral/amend.js'
import type { Reason } from '../referral/answer.js'
import { requestOf, type Draft } from '../referral/parts.js'
import type { CommitOutcome } from '../store/types.js'
import { Fault } from '../terms/fault.js'
import { changeCase, stateOf } from './change-case.js'
import type { Gateway } from './gateway.js'
import { causeOf, settle, type Processed, type Received } from './received.js'

/** REF^I13 and I14 find their case by the identifiers of RF1-6 and RF1-11, among the sender's own. */
export async function changeByMessage(
  action: 'amend' | 'cancel',
  resources: readonly Draft[],
  received: Received,
  gateway: Gateway,
): Promise<Processed> {
  const known = await answerGiven(received, gateway)
  if (known !== undefined) return known
  const caseId = await findCase(requestOf(resources).identifier ?? [], received, gateway)
  const act = action === 'cancel' ? cancel : amend
  try {
    return settle(await act(caseId, resources, received, gateway), caseId)
  } catch (thrown) {
    // A copy of this very message that was faster may be why the case refused it.
    const given = await answerGiven(received, gateway)
    if (given !== undefined) return given
    throw thrown
  }
}

async function answerGiven({ incoming }: Received, gateway: Gateway): Promise<Processed | undefined> {
  const before = await gateway.store.findAnswer(incoming.sender, incoming.messageId, incoming.bodyHash)
  if (before === undefined) return undefined
  return { kind: 'duplicate', caseId: before.caseId ?? '', answer: before.answer }
}

function cancel(
  caseId: string,
  resources: readonly Draft[],
  received: Received,
  gateway: Gateway,
): Promise<CommitOutcome> {
  const request = requestOf(resources)
  const reason = reasonOf(request)
  const happening = {
    kind: 'cancelled',
    enteredInError: request.status === 'entered-in-error',
    ...(reason === undefined ? {} : { reason }),
  } as const
  return changeCase(caseId, () => happening, causeOf('referral-cancelled', received), gateway)
}

function amend(
  caseId: string,
  resources: readonly Draft[],
  received: Received,
  gateway: Gateway,
): Promise<CommitOutcome> {
  return changeCase(
    caseId,
    () => ({ kind: 'amended' }),
    causeOf('referral-amended', received),
    gateway,
    (record) => ontoCase(resources, caseId, stateOf(record), record.resources),
  )
}

async function findCase(
  identifiers: readonly Identifier[],
  { sender }: Received,
  gateway: Gateway,
): Promise<string> {
  for (const { system, value } of identifiers) {
    if (value === undefined) continue
    const found: string[] = []
    for (const caseId of await gateway.store.findCasesByIdentifier(system ?? '', value)) {
      const record = await gateway.store.readCase(caseId)
      if (record !== undefined && stateOf(record).sender === sender.id) found.push(caseId)
    }
    const [only] = found
    if (only !== undefined && found.length === 1) return only
    if (found.length > 1) {
      throw new Fault(
        'case-ambiguous',
        `${found.length} cases of this sender carry the referral id; name one by its own id in RF1-11.`,
        'RF1-6',
      )
    }
  }
  throw new Fault(
    'case-unknown',
    'No case of this sender carries the referral id; send REF^I12 first or correct the id.',
    'RF1-6',
  )
}

function reasonOf(request: ServiceRequest): Reason | undefined {
  const [concept] = request.reasonCode ?? []
  const text = concept?.text ?? concept?.coding?.[0]?.display
  return text === undefined ? undefined : { codings: concept?.coding ?? [], text }
}

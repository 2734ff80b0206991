/** What a `servicerequest-response` says about an offer, in the words every channel is translated to. The table is
 *  BaRS's workflow matrix (section 8); where its sources disagree, both spellings are understood. */
import type { CarePlan, CodeableConcept, Coding, Encounter } from 'fhir/r4.js'
import { resourcesOf, responderEncounter, type BarsMessage } from '../../codec/bars/message.js'
import { SYSTEM } from '../../codec/bars/terms.js'
import type { Reason, ServiceAnswer, ServiceReference } from '../../referral/answer.js'
import { Fault } from '../../terms/fault.js'

/** Throws Fault `workflow-unknown` when the combination stands in no row of the matrix. */
export function answerOf(message: BarsMessage): ServiceAnswer {
  if (message.category === 'validation') return validationAnswer(message)
  if (message.category === 'referral') return referralAnswer(message)
  throw unknown(message, 'ServiceRequest.category')
}

/** Application 4: an interim answer has no CarePlan, a full one has, and says by its status who acts next. */
function validationAnswer(message: BarsMessage): ServiceAnswer {
  const encounter = responderEncounter(message)
  const plan = resourcesOf(message.bundle, 'CarePlan')[0]
  // The pseudo-code rejects with `triaged` and a revoked request, text and examples with `cancelled`.
  const revoked = message.serviceRequest?.status === 'revoked'
  if (encounter?.status === 'cancelled' || (revoked && plan === undefined)) return rejected(encounter)
  if (plan !== undefined) return outcomeOf(plan, encounter, message)
  if (encounter?.status === 'in-progress' && message.reason === 'new') {
    return { kind: 'accepted', ...referenceOf(encounter) }
  }
  throw unknown(message, 'Encounter.status')
}

/** Completed: nothing is left to do. Active: the case goes back to whoever asked, to act on it. */
function outcomeOf(plan: CarePlan, encounter: Encounter | undefined, message: BarsMessage): ServiceAnswer {
  const note = narrativeOf(plan)
  const outcome = planReason(plan)
  if (plan.status === 'completed')
    return { kind: 'completed', ...(outcome === undefined ? {} : { outcome }), ...note }
  if (plan.status === 'active' && encounter?.status !== 'in-progress') {
    const givenBack = {
      codings: [],
      text: 'Assessed by the service; further action by the requester is needed',
    }
    return { kind: 'failed', reason: outcome ?? givenBack, ...note }
  }
  throw unknown(message, 'CarePlan.status')
}

/** Referrals: a patient who did not attend (Applications 1 and 2), or a status of the receiver (Application 6). */
function referralAnswer(message: BarsMessage): ServiceAnswer {
  const appointment = resourcesOf(message.bundle, 'Appointment')[0]
  if (appointment?.status === 'noshow') {
    return { kind: 'failed', reason: { codings: [], text: 'The patient did not attend' } }
  }
  const encounter = responderEncounter(message)
  switch (encounter?.status) {
    case 'planned':
      return { kind: 'received' }
    case 'in-progress':
      return { kind: 'accepted', ...referenceOf(encounter) }
    case 'arrived':
      return { kind: 'started', ...referenceOf(encounter) }
    case 'finished':
      return { kind: 'completed', ...outcome(reasonOf(encounter.reasonCode ?? [])) }
    case 'cancelled':
      return rejected(encounter)
    default:
      throw unknown(message, 'Encounter.status')
  }
}

const outcome = (reason: Reason | undefined): { readonly outcome?: Reason } =>
  reason === undefined ? {} : { outcome: reason }

function rejected(encounter: Encounter | undefined): ServiceAnswer {
  const none: Reason = { codings: [], text: 'Rejected without a reason' }
  return { kind: 'rejected', reason: reasonOf(encounter?.reasonCode ?? []) ?? none }
}

/** The fixed code of a validation says what the Encounter is for, not how it ended. */
const saysNothing = (coding: Coding): boolean =>
  coding.system === SYSTEM.encounterReason && coding.code === 'validation-triage-outcome'

function reasonOf(concepts: readonly CodeableConcept[]): Reason | undefined {
  const codings = concepts.flatMap(({ coding }) => coding ?? []).filter((coding) => !saysNothing(coding))
  const spoken = concepts.map(({ text }) => text).find((text) => text !== undefined && text !== '')
  const named = codings.map(({ display, code }) => display ?? code).filter((each) => each !== undefined)
  const text = named.join(', ') || spoken
  if (text === undefined) return undefined
  // Both where both were given: the code's name and what the clinician wrote.
  const whole = spoken !== undefined && spoken !== text && codings.length > 0 ? `${text}: ${spoken}` : text
  return { codings, text: whole }
}

/** The codes of a plan; its account is the note, so only an uncoded plan is summed up by its first line. */
function planReason(plan: CarePlan): Reason | undefined {
  const concepts = plan.activity?.flatMap((each) => each.outcomeCodeableConcept ?? []) ?? []
  const coded = concepts.filter(({ coding }) => coding !== undefined)
  if (coded.length > 0) return reasonOf(coded.map(({ coding }) => (coding === undefined ? {} : { coding })))
  const text = concepts.map((concept) => concept.text).find((each) => each !== undefined)
  return text === undefined ? undefined : { codings: [], text: text.split('\n')[0] ?? text }
}

/** The words of the plan, all of them: a text beside no code is the clinician's own account. */
function narrativeOf(plan: CarePlan): { readonly note?: string } {
  const texts =
    plan.activity?.flatMap((each) => each.outcomeCodeableConcept ?? []).map(({ text }) => text) ?? []
  const words = [...texts, ...(plan.note ?? []).map(({ text }) => text)].filter((text) => text !== undefined)
  return words.length === 0 ? {} : { note: words.join('\n') }
}

/** The service's own number for the case. */
function referenceOf(encounter: Encounter): { readonly reference?: ServiceReference } {
  const identifier = encounter.identifier?.find(({ value }) => value !== undefined)
  if (identifier?.value === undefined) return {}
  const system = identifier.system === undefined ? {} : { system: identifier.system }
  return { reference: { ...system, value: identifier.value } }
}

function unknown(message: BarsMessage, where: string): Fault {
  const encounter = responderEncounter(message)?.status ?? 'none'
  const plan = resourcesOf(message.bundle, 'CarePlan')[0]?.status ?? 'none'
  const found =
    `event ${message.event}, reason ${message.reason ?? 'none'}, category ${message.category ?? 'none'}, ` +
    `ServiceRequest ${message.serviceRequest?.status ?? 'none'}, Encounter ${encounter}, CarePlan ${plan}`
  return new Fault('workflow-unknown', `No row of the BaRS workflow matrix fits: ${found}.`, where)
}

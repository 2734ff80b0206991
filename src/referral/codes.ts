/** OneDoor's own code systems, as `profiles/` publishes them, and how offers read in FHIR's words. */
import type { CodeableConcept, Task } from 'fhir/r4.js'

export const TASK_CODE = 'https://onedoor.dev/fhir/CodeSystem/task-code'
export const BUSINESS_STATUS = 'https://onedoor.dev/fhir/CodeSystem/business-status'
export const TASK_INPUT = 'https://onedoor.dev/fhir/CodeSystem/task-input'
/** Identifier system of the bytes that arrived, for Provenance and trace. */
export const MESSAGE_ID = 'https://onedoor.dev/fhir/Id/message'

/** `coordinate`: the access point's own Task; `offer`: put to one service; the others ask a person. */
export type TaskCode = 'coordinate' | 'offer' | 'decide' | 'undeliverable'

export type BusinessStatus =
  | 'received'
  | 'offered'
  | 'accepted'
  | 'in-progress'
  | 'completed'
  | 'rejected'
  | 'needs-decision'
  | 'no-answer'
  | 'undeliverable'
  | 'given-back'
  | 'cancelled'

const TASK_CODE_DISPLAY: Record<TaskCode, string> = {
  coordinate: 'Coordinate the referral',
  offer: 'Offer of the referral to a service',
  decide: 'Decide what happens next',
  undeliverable: 'Something could not be delivered',
}

export const taskCode = (code: TaskCode): CodeableConcept => ({
  coding: [{ system: TASK_CODE, code, display: TASK_CODE_DISPLAY[code] }],
})

/** OneDoor's word first; what others' code systems said before (HL7 table 0283 of the sender) stays behind it. */
export function businessStatus(code: BusinessStatus, before?: CodeableConcept): CodeableConcept {
  const others = (before?.coding ?? []).filter((coding) => coding.system !== BUSINESS_STATUS)
  return { coding: [{ system: BUSINESS_STATUS, code }, ...others] }
}

export const hasTaskCode = (task: Task, code: TaskCode): boolean =>
  task.code?.coding?.some((coding) => coding.system === TASK_CODE && coding.code === code) === true

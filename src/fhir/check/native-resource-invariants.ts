/** Invariants of the resources a referral is made of, keyed by the FHIRPath they replace. */
import {
  has,
  hasChoice,
  hasCoding,
  implies,
  listOf,
  mayPrecede,
  needs,
  notBoth,
  oneOf,
  type NativeInvariant,
} from './rule.js'
import { textOf, type JsonObject } from './run.js'

const CONDITION_STATUS = 'http://terminology.hl7.org/CodeSystem/condition-clinical'
const CONDITION_VERIFICATION = 'http://terminology.hl7.org/CodeSystem/condition-ver-status'

const REFERRAL: Readonly<Record<string, NativeInvariant>> = {
  // prr-1
  'orderDetail.empty() or code.exists()': needs('orderDetail', 'code'),
  // Task inv-1
  'lastModified.exists().not() or authoredOn.exists().not() or lastModified >= authoredOn': (node) =>
    mayPrecede(node['authoredOn'], node['lastModified']),
  // pat-1
  'name.exists() or telecom.exists() or address.exists() or organization.exists()': oneOf(
    'name',
    'telecom',
    'address',
    'organization',
  ),
  // org-1, ipn-1
  '(identifier.count() + name.count()) > 0': oneOf('identifier', 'name'),
  // org-2, org-3 run on one address or telecom
  "where(use = 'home').empty()": (node) => node['use'] !== 'home',
  // obs-3, obs-6
  'low.exists() or high.exists() or text.exists()': oneOf('low', 'high', 'text'),
  'dataAbsentReason.empty() or value.empty()': (node) =>
    !(has(node, 'dataAbsentReason') && hasChoice(node, 'value')),
  // obs-7
  'value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists()).empty()': (
    node,
  ) => {
    if (node['component'] === undefined || !hasChoice(node, 'value')) return true
    const own = new Set(listOf(node, 'code').flatMap(codingKeys))
    return listOf(node, 'component').every((c) =>
      listOf(c, 'code')
        .flatMap(codingKeys)
        .every((key) => !own.has(key)),
    )
  },
  // app-1 to app-4
  'type.exists() or actor.exists()': oneOf('type', 'actor'),
  'start.exists() = end.exists()': (node) => has(node, 'start') === has(node, 'end'),
  "(start.exists() and end.exists()) or (status in ('proposed' | 'cancelled' | 'waitlist'))": (node) =>
    (has(node, 'start') && has(node, 'end')) ||
    ['proposed', 'cancelled', 'waitlist'].includes(textOf(node['status'])),
  "Appointment.cancelationReason.exists() implies (Appointment.status='noshow' or Appointment.status='cancelled')":
    (node) =>
      implies(has(node, 'cancelationReason'), node['status'] === 'noshow' || node['status'] === 'cancelled'),
  // apr-1
  'participantType.exists() or actor.exists()': oneOf('participantType', 'actor'),
  // cpl-3
  'detail.empty() or reference.empty()': notBoth('detail', 'reference'),
  // cmp-1, cmp-2, lst-1
  'text.exists() or entry.exists() or section.exists()': oneOf('text', 'entry', 'section'),
  'emptyReason.empty() or entry.empty()': notBoth('emptyReason', 'entry'),
  // con-1 to con-5
  'summary.exists() or assessment.exists()': oneOf('summary', 'assessment'),
  'code.exists() or detail.exists()': oneOf('code', 'detail'),
  "abatement.empty() or clinicalStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-clinical' and (code='resolved' or code='remission' or code='inactive')).exists()":
    (node) =>
      !hasChoice(node, 'abatement') ||
      hasCoding(node, 'clinicalStatus', CONDITION_STATUS, ['resolved', 'remission', 'inactive']),
  "verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-ver-status' and code='entered-in-error').empty() or clinicalStatus.empty()":
    (node) =>
      !has(node, 'clinicalStatus') ||
      !hasCoding(node, 'verificationStatus', CONDITION_VERIFICATION, ['entered-in-error']),
  // ppc-1
  'policy.exists() or policyRule.exists()': oneOf('policy', 'policyRule'),
  // qrs-1
  '(answer.exists() and item.exists()).not()': notBoth('answer', 'item'),
  // ppc-2 to ppc-5, with the placeholder system R4 published
  ...Object.fromEntries(
    ['patient-privacy', 'research', 'adr', 'treatment'].map((code) => [
      `patient.exists() or scope.coding.where(system='something' and code='${code}').exists().not()`,
      (node: JsonObject) => has(node, 'patient') || !hasCoding(node, 'scope', 'something', [code]),
    ]),
  ),
  // ait-1, ait-2
  "verificationStatus.coding.where(system = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification' and code = 'entered-in-error').exists() or clinicalStatus.exists()":
    (node) => has(node, 'clinicalStatus') || isWrongAllergy(node),
  "verificationStatus.coding.where(system = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification' and code = 'entered-in-error').empty() or clinicalStatus.empty()":
    (node) => !has(node, 'clinicalStatus') || !isWrongAllergy(node),
  // mad-1, imm-1
  'dose.exists() or rate.exists()': (node) => has(node, 'dose') || hasChoice(node, 'rate'),
  'documentType.exists() or reference.exists()': oneOf('documentType', 'reference'),
  // md-1
  "max='*' or (max.toInteger() > 0)": (node) => node['max'] === '*' || Number(textOf(node['max'])) > 0,
  // Names of conformance resources, under a key of their own in each: que-0, msd-0, sdf-0 ...
  "name.matches('[A-Z]([A-Za-z0-9_]){0,254}')": (node) =>
    typeof node['name'] === 'string' && /[A-Z][A-Za-z0-9_]{0,254}/.test(node['name']),
  // Parameters inv-1
  '(part.exists() and value.empty() and resource.empty()) or (part.empty() and (value.exists() xor resource.exists()))':
    (node) => {
      const filled = [has(node, 'part'), hasChoice(node, 'value'), has(node, 'resource')]
      return filled.filter(Boolean).length === 1
    },
}

/** What makes two codings equal, so far as a rule needs it. */
const codingKeys = (concept: JsonObject): readonly string[] =>
  listOf(concept, 'coding').map(
    ({ system, version, code, display, userSelected }) =>
      [system, version, code, display].map(textOf).join('|') + (userSelected === true ? '|selected' : ''),
  )

const isWrongAllergy = (node: JsonObject): boolean =>
  hasCoding(
    node,
    'verificationStatus',
    'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification',
    ['entered-in-error'],
  )

/** Types of a Questionnaire item that may have options (que-5) or a maxLength (que-10). */
const WITH_OPTIONS = 'choice open-choice decimal integer date dateTime time string quantity'.split(' ')
const WITH_LENGTH = 'boolean decimal integer string text url open-choice'.split(' ')
const isType = (node: JsonObject, ...types: readonly string[]): boolean =>
  types.includes(textOf(node['type']))

function linkIds(item: JsonObject): readonly unknown[] {
  const own = item['linkId'] === undefined ? [] : [item['linkId']]
  return [...own, ...listOf(item, 'item').flatMap(linkIds)]
}

const QUESTIONNAIRE: Readonly<Record<string, NativeInvariant>> = {
  'descendants().linkId.isDistinct()': (node) => {
    const ids = linkIds(node)
    return new Set(ids).size === ids.length
  },
  // que-1 to que-13
  "(type='group' implies item.empty().not()) and (type.trace('type')='display' implies item.trace('item').empty())":
    (node) =>
      implies(isType(node, 'group'), has(node, 'item')) && !(isType(node, 'display') && has(node, 'item')),
  "type!='display' or code.empty()": (node) => !isType(node, 'display') || !has(node, 'code'),
  'answerOption.empty() or answerValueSet.empty()': notBoth('answerOption', 'answerValueSet'),
  "(type ='choice' or type = 'open-choice' or type = 'decimal' or type = 'integer' or type = 'date' or type = 'dateTime' or type = 'time' or type = 'string' or type = 'quantity') or (answerValueSet.empty() and answerOption.empty())":
    (node) => isType(node, ...WITH_OPTIONS) || !(has(node, 'answerValueSet') || has(node, 'answerOption')),
  "type!='display' or (required.empty() and repeats.empty())": (node) =>
    !isType(node, 'display') || !(has(node, 'required') || has(node, 'repeats')),
  "(type!='group' and type!='display') or initial.empty()": (node) =>
    !isType(node, 'group', 'display') || !has(node, 'initial'),
  "type!='display' or readOnly.empty()": (node) => !isType(node, 'display') || !has(node, 'readOnly'),
  "(type in ('boolean' | 'decimal' | 'integer' | 'string' | 'text' | 'url' | 'open-choice')) or maxLength.empty()":
    (node) => isType(node, ...WITH_LENGTH) || !has(node, 'maxLength'),
  'answerOption.empty() or initial.empty()': notBoth('answerOption', 'initial'),
  'enableWhen.count() > 2 implies enableBehavior.exists()': (node) =>
    implies(listOf(node, 'enableWhen').length > 2, has(node, 'enableBehavior')),
  'repeats=true or initial.count() <= 1': (node) =>
    node['repeats'] === true || listOf(node, 'initial').length <= 1,
  "operator = 'exists' implies (answer is Boolean)": (node) =>
    implies(node['operator'] === 'exists', has(node, 'answerBoolean')),
}

/** Names may hold letters of any script, but no punctuation that paths and slices use. */
const isPathName = (name: string): boolean => /^[^\s.,:;'"/|?!@#$%&*()[\]{}]{1,64}(\[x\])?(:\S+)?$/.test(name)

/** Two whose regular expressions the FHIRPath engine refuses. */
const DEFINITIONS: Readonly<Record<string, NativeInvariant>> = {
  // eld-19
  [String.raw`path.matches('[^\\s\\.,:;\\\'"\\/|?!@#$%&*()\\[\\]{}]{1,64}(\\.[^\\s\\.,:;\\\'"\\/|?!@#$%&*()\\[\\]{}]{1,64}(\\[x\\])?(\\:[^\\s\\.]+)?)*')`]:
    (node) => typeof node['path'] === 'string' && node['path'].split('.').every(isPathName),
  // eld-20
  [String.raw`path.matches('[A-Za-z][A-Za-z0-9]*(\\.[a-z][A-Za-z0-9]*(\\[x])?)*')`]: (node) =>
    /^[A-Za-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*(\[x])?)*$/.test(textOf(node['path'])),
}

export const RESOURCE_INVARIANTS: Readonly<Record<string, NativeInvariant>> = {
  ...REFERRAL,
  ...QUESTIONNAIRE,
  ...DEFINITIONS,
}

/** The Patient as BaRS wants it: identity only where its verification is known, telecom as ranked contacts. */
import type {
  ContactPoint,
  Identifier,
  Observation,
  Patient,
  PatientContact,
  RelatedPerson,
} from 'fhir/r4.js'
import { describe } from '../../codec/bars/narrative.js'
import { EXTENSION, SYSTEM } from '../../codec/bars/terms.js'
import { isNhsNumber } from '../../terms/nhs-number.js'

export interface PatientParts {
  readonly patient: Patient
  /** BaRS forbids the birth sex extension; it travels as an Observation. */
  readonly birthSex: Observation | undefined
  /** What the Patient may not carry, in words. */
  readonly lines: readonly string[]
}

/** The only two statuses with which an NHS number may be sent; NHS Data Dictionary codes 01 and 02 mean the same. */
const SENDABLE: Readonly<Record<string, { readonly code: string; readonly display: string }>> = {
  'number-present-and-verified': {
    code: 'number-present-and-verified',
    display: 'Number present and verified',
  },
  '01': { code: 'number-present-and-verified', display: 'Number present and verified' },
  'number-present-but-not-traced': {
    code: 'number-present-but-not-traced',
    display: 'Number present but not traced',
  },
  '02': { code: 'number-present-but-not-traced', display: 'Number present but not traced' },
}

export function barsPatient(source: Patient, relatives: readonly RelatedPerson[]): PatientParts {
  const { telecom, contact, identifier, generalPractitioner, link, extension, ...kept } = source
  const identities = (identifier ?? []).map(identity)
  const kin = relatives
    .map(contactOf)
    .filter((person) => !(contact ?? []).some((known) => same(known, person)))
  const practices = (generalPractitioner ?? []).filter(({ reference }) =>
    reference?.startsWith('Organization/'),
  )
  const others = (generalPractitioner ?? []).filter((gp) => !practices.includes(gp))
  const extensions = (extension ?? []).filter(({ url }) => url !== EXTENSION.birthSex)
  const identifiers = identities.flatMap(({ sent }) => (sent === undefined ? [] : [sent]))
  return {
    patient: {
      ...kept,
      ...(extensions.length > 0 ? { extension: extensions } : {}),
      ...(identifiers.length > 0 ? { identifier: identifiers } : {}),
      ...(practices.length > 0 ? { generalPractitioner: practices } : {}),
      name: officialFirst(source),
      contact: ranked(source, telecom ?? [], [...(contact ?? []), ...kin]),
    },
    birthSex: birthSexOf(source),
    lines: [
      ...identities.flatMap(({ line }) => (line === undefined ? [] : [line])),
      ...describe('Patient.generalPractitioner', others),
      ...describe('Patient.link', link),
    ],
  }
}

/** An NHS number goes with its verification status or not at all: a failed trace may be somebody else's number. */
function identity(identifier: Identifier): { readonly sent?: Identifier; readonly line?: string } {
  if (identifier.system !== SYSTEM.nhsNumber) return { sent: identifier }
  if (!isNhsNumber(identifier.value ?? '')) {
    return { line: 'An NHS number was given that fails its check digit; it is not sent as an identity.' }
  }
  const status = identifier.extension?.find(({ url }) => url === EXTENSION.nhsNumberStatus)
  const code = status?.valueCodeableConcept?.coding?.[0]?.code
  // Present and never traced by us: that is what the second status says.
  const sendable = SENDABLE[code ?? 'number-present-but-not-traced']
  if (sendable === undefined) {
    return {
      line: `An NHS number was given with verification status ${code}; BaRS does not allow sending it.`,
    }
  }
  const others = (identifier.extension ?? []).filter((extension) => extension !== status)
  const coding = { system: SYSTEM.nhsNumberStatus, ...sendable }
  const marked = { url: EXTENSION.nhsNumberStatus, valueCodeableConcept: { coding: [coding] } }
  return { sent: { ...identifier, extension: [...others, marked] } }
}

/** BaRS looks for exactly one official name. */
function officialFirst(patient: Patient): NonNullable<Patient['name']> {
  const names = patient.name ?? []
  const official = names.find(({ use }) => use === 'official') ?? names[0]
  if (official === undefined) return [{ use: 'official', text: 'Name not known' }]
  const { use: _use, ...content } = official
  return [{ use: 'official', ...content }, ...names.filter((name) => name !== official)]
}

const SELF = { system: SYSTEM.roleCode, code: 'ONESELF', display: 'self' }
const OTHER = { system: SYSTEM.contactRole, code: 'C', display: 'Emergency Contact' }

/** Each contact has a rank and exactly one has rank 1: the patient when they can be reached, else the first that can. */
function ranked(
  patient: Patient,
  telecom: readonly ContactPoint[],
  contacts: readonly PatientContact[],
): PatientContact[] {
  const name = patient.name?.[0]
  const self: PatientContact = {
    relationship: [{ coding: [SELF] }],
    ...(telecom.length > 0 ? { telecom: telecom.map(dialable) } : {}),
    // A contact without any way to reach it must at least have a name (pat-1).
    ...(telecom.length > 0 ? {} : { name: name ?? { text: 'Name not known' } }),
  }
  const others = contacts.map(withRole)
  const hasSelf = contacts.some(isSelf)
  const all = hasSelf && telecom.length === 0 ? others : [self, ...others]
  return [...all].sort((left, right) => reach(right) - reach(left)).map(withRank)
}

const reach = (contact: PatientContact): number =>
  (contact.telecom?.some(({ system }) => system === 'phone' || system === 'sms') ? 2 : 0) +
  (isSelf(contact) ? 1 : 0)

const isSelf = (contact: PatientContact): boolean =>
  contact.relationship?.some((role) => role.coding?.some(({ code }) => code === SELF.code)) ?? false

function withRole(contact: PatientContact): PatientContact {
  const coded = contact.relationship?.some((role) =>
    role.coding?.some(({ system }) => system === OTHER.system),
  )
  const telecom = contact.telecom?.map(dialable)
  return {
    ...contact,
    ...(telecom === undefined ? {} : { telecom }),
    relationship: [
      ...(contact.relationship ?? []),
      ...(coded === true || isSelf(contact) ? [] : [{ coding: [OTHER] }]),
    ],
  }
}

function withRank(contact: PatientContact, index: number): PatientContact {
  const others = (contact.extension ?? []).filter(({ url }) => url !== EXTENSION.contactRank)
  return { ...contact, extension: [...others, { url: EXTENSION.contactRank, valuePositiveInt: index + 1 }] }
}

/** Receivers test phone numbers against digits and spaces; what is no plain UK number stays as it came. */
function dialable(point: ContactPoint): ContactPoint {
  if (point.system !== 'phone' && point.system !== 'sms') return point
  const plain = (point.value ?? '').replace(/^\s*\+44\s*(\(0\))?\s*/, '0').replace(/[().-]/g, ' ')
  return /^[ 0-9]+$/.test(plain) ? { ...point, value: plain.replace(/ +/g, ' ').trim() } : point
}

function contactOf({ relationship, name, telecom, address, gender, period }: RelatedPerson): PatientContact {
  return {
    ...(relationship === undefined ? {} : { relationship }),
    ...(name?.[0] === undefined ? {} : { name: name[0] }),
    ...(telecom === undefined ? {} : { telecom }),
    ...(address?.[0] === undefined ? {} : { address: address[0] }),
    ...(gender === undefined ? {} : { gender }),
    ...(period === undefined ? {} : { period }),
  }
}

const same = (left: PatientContact, right: PatientContact): boolean =>
  JSON.stringify([left.name, left.telecom]) === JSON.stringify([right.name, right.telecom])

function birthSexOf(patient: Patient): Observation | undefined {
  const extension = patient.extension?.find(({ url }) => url === EXTENSION.birthSex)
  if (extension === undefined) return undefined
  const code = extension.valueCode ?? extension.valueCodeableConcept?.coding?.[0]?.code
  return {
    resourceType: 'Observation',
    status: 'final',
    code: {
      ...(code === undefined ? {} : { coding: [{ system: EXTENSION.birthSex, code }] }),
      text: `Birth sex${code === undefined ? '' : `: ${code}`}`,
    },
    subject: { reference: `Patient/${patient.id ?? ''}` },
  }
}

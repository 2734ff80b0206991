/** The MessageDefinitions OneDoor sends and reads: which resources a message may hold and how many of each
 *  (package uk.nhsdigital.bars.r4 1.41.0). A message that breaks these counts is refused by its receiver. */
import type { Bundle } from 'fhir/r4.js'
import type { BarsCategory } from './terms.js'

/** `max` undefined = any number. */
export interface Count {
  readonly min: number
  readonly max?: number
}

export interface Definition {
  readonly url: string
  /** MessageDefinition.version, which `Bundle.meta.versionId` repeats. */
  readonly version: string
  readonly event: 'servicerequest-request' | 'servicerequest-response'
  readonly counts: Readonly<Record<string, Count>>
}

const ONE: Count = { min: 1, max: 1 }
const TWO: Count = { min: 2, max: 2 }
const OPTIONAL: Count = { min: 0, max: 1 }
const ANY: Count = { min: 0 }
const SOME: Count = { min: 1 }
const PAIR: Count = { min: 2 }

const url = (name: string): string => `https://fhir.nhs.uk/MessageDefinition/bars-message-${name}`

const CLINICAL = { Observation: ANY, Flag: ANY, MedicationStatement: ANY, AllergyIntolerance: ANY }
const PEOPLE = { Organization: PAIR, Practitioner: SOME, PractitionerRole: SOME }
const CORE = { MessageHeader: ONE, ServiceRequest: ONE, Patient: ONE }
const REFERRAL_ONLY = {
  Questionnaire: ANY,
  QuestionnaireResponse: ANY,
  Condition: ANY,
  Task: ANY,
  Communication: ANY,
  Procedure: ANY,
  RelatedPerson: ANY,
}

export const REQUEST: Readonly<Record<BarsCategory, Definition>> = {
  referral: {
    url: url('servicerequest-request-referral'),
    version: '1.0.0-beta',
    event: 'servicerequest-request',
    counts: {
      ...CORE,
      Encounter: ONE,
      CarePlan: ONE,
      ...PEOPLE,
      Consent: SOME,
      HealthcareService: SOME,
      Location: ANY,
      ...CLINICAL,
      ...REFERRAL_ONLY,
      Device: OPTIONAL,
    },
  },
  validation: {
    url: url('servicerequest-request-validation'),
    version: '1.1.0',
    event: 'servicerequest-request',
    counts: {
      ...CORE,
      Encounter: ONE,
      CarePlan: ONE,
      Location: ONE,
      ...PEOPLE,
      Consent: SOME,
      HealthcareService: ONE,
      ...CLINICAL,
    },
  },
}

export const CANCELLED: Definition = {
  url: url('servicerequest-request-cancelled'),
  version: '1.0.0',
  event: 'servicerequest-request',
  counts: { ...CORE, Organization: PAIR },
}

const INTERIM: Definition = {
  url: url('servicerequest-response-validation-interim'),
  version: '1.1.0',
  event: 'servicerequest-response',
  counts: {
    ...CORE,
    Encounter: TWO,
    Organization: SOME,
    Practitioner: SOME,
    PractitionerRole: SOME,
    HealthcareService: ANY,
  },
}

const FULL: Definition = {
  url: url('servicerequest-response-validation-full'),
  version: '1.1.0',
  event: 'servicerequest-response',
  counts: {
    ...CORE,
    Encounter: { min: 2, max: 3 },
    CarePlan: ONE,
    Location: ONE,
    ...PEOPLE,
    Consent: SOME,
    HealthcareService: ONE,
    ...CLINICAL,
  },
}

const RESPONSE_REFERRAL: Definition = {
  url: url('servicerequest-response-referral'),
  version: '1.0.0-beta',
  event: 'servicerequest-response',
  counts: {
    ...CORE,
    Encounter: OPTIONAL,
    CarePlan: OPTIONAL,
    Location: OPTIONAL,
    Appointment: OPTIONAL,
    ...PEOPLE,
    Consent: SOME,
    HealthcareService: ONE,
    ...CLINICAL,
    ...REFERRAL_ONLY,
  },
}

const RESPONSE_SHORT: Definition = {
  url: url('servicerequest-response-referral-short'),
  version: '1.0.0-beta',
  event: 'servicerequest-response',
  counts: { ...CORE, Encounter: TWO, ...PEOPLE, HealthcareService: ANY },
}

export const RESPONSES = { INTERIM, FULL, RESPONSE_REFERRAL, RESPONSE_SHORT } as const

/** By canonical. The published examples of the short response carry another name for it; both are taken. */
const BY_URL = new Map<string, Definition>([
  ...[REQUEST.referral, REQUEST.validation, CANCELLED, ...Object.values(RESPONSES)].map(
    (definition) => [definition.url, definition] as const,
  ),
  [url('servicerequest-request-response-short'), RESPONSE_SHORT],
])

export const definitionOf = (canonical: string): Definition | undefined =>
  BY_URL.get(canonical.split('|')[0] ?? '')

/** One sentence per broken count, for example `Encounter: found 1, expected exactly 2`. */
export function brokenCounts(bundle: Bundle, definition: Definition): readonly string[] {
  const found = new Map<string, number>()
  for (const entry of bundle.entry ?? []) {
    const type = entry.resource?.resourceType
    if (type !== undefined) found.set(type, (found.get(type) ?? 0) + 1)
  }
  const types = new Set([...Object.keys(definition.counts), ...found.keys()])
  return [...types].flatMap((type) => {
    const count = definition.counts[type] ?? { min: 0, max: 0 }
    const number = found.get(type) ?? 0
    const fits = number >= count.min && number <= (count.max ?? Infinity)
    return fits ? [] : [`${type}: found ${number}, expected ${inWords(count)}`]
  })
}

function inWords({ min, max }: Count): string {
  if (max === 0) return 'none'
  if (max === undefined) return `at least ${min}`
  return min === max ? `exactly ${min}` : `${min} to ${max}`
}

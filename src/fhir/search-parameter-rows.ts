/** The rows of the table of search parameters: every type the API serves with what it is searched by. */
import type { SearchParameter } from './search-parameters.js'

type Details = Partial<Omit<SearchParameter, 'name' | 'kind'>>
/** A row before its type is known: the definition defaults to `<Type>-<name>`. */
export type Row = Omit<SearchParameter, 'definition'> & { readonly definition?: string }

export const R4 = 'http://hl7.org/fhir/SearchParameter/'

const token = (name: string, path = name, details: Details = {}): Row => ({
  name,
  kind: 'token',
  paths: [path],
  ...details,
})
const code = (name: string, valueSet: string, details: Details = {}): Row =>
  token(name, name, { system: `http://hl7.org/fhir/${valueSet}`, ...details })
const reference = (name: string, path: string, targets?: readonly string[], details: Details = {}): Row => ({
  name,
  kind: 'reference',
  paths: [path],
  ...(targets && { targets }),
  ...details,
})
const date = (name: string, path: string, column: 'authored' | 'born', details: Details = {}): Row => ({
  name,
  kind: 'date',
  paths: [path],
  column,
  ...details,
})
const words = (name: string, paths: readonly string[], details: Details = {}): Row => ({
  name,
  kind: 'string',
  paths,
  ...details,
})

const rare: Details = { rare: true }
/** Definitions that R4 shares between types (`clinical-patient`, `individual-family`). */
const shared = (name: string): Details => ({ definition: R4 + name })

const identifier = token('identifier', 'identifier', rare)
const active = token('active')
const patient = reference('patient', 'patient', ['Patient'], { ...rare, ...shared('clinical-patient') })
const patientOf = (indexedAs: string, details: Details = {}): Row =>
  reference('patient', indexedAs, ['Patient'], {
    indexedAs,
    ...rare,
    ...shared('clinical-patient'),
    ...details,
  })
const clinicalIdentifier = token('identifier', 'identifier', {
  ...rare,
  ...shared('clinical-identifier'),
})
const clinicalCode = token('code', 'code', shared('clinical-code'))
const clinicalSubject = reference('subject', 'subject', ['Patient', 'Group'], rare)
const personWords = [
  words('name', ['name.family', 'name.given', 'name.text']),
  words('family', ['name.family'], shared('individual-family')),
  words('given', ['name.given'], shared('individual-given')),
]
const gender = code('gender', 'administrative-gender', shared('individual-gender'))

const REQUESTERS = ['Practitioner', 'PractitionerRole', 'Organization', 'Patient', 'RelatedPerson', 'Device']
const PERFORMERS = [...REQUESTERS, 'HealthcareService', 'CareTeam']

export const ROWS = {
  ServiceRequest: [
    clinicalIdentifier,
    token('requisition', 'requisition', rare),
    code('status', 'request-status', { column: 'status' }),
    code('intent', 'request-intent'),
    code('priority', 'request-priority'),
    token('category'),
    clinicalCode,
    token('performer-type', 'performerType'),
    reference('subject', 'subject', ['Patient', 'Group', 'Device', 'Location'], rare),
    patientOf('subject'),
    reference('encounter', 'encounter', ['Encounter'], { ...rare, ...shared('clinical-encounter') }),
    reference('requester', 'requester', REQUESTERS),
    reference('performer', 'performer', PERFORMERS),
    reference('based-on', 'basedOn', ['ServiceRequest', 'CarePlan', 'MedicationRequest'], rare),
    reference('replaces', 'replaces', ['ServiceRequest'], rare),
    date('authored', 'authoredOn', 'authored'),
  ],
  Task: [
    identifier,
    token('group-identifier', 'groupIdentifier', rare),
    code('status', 'task-status', { column: 'status' }),
    token('business-status', 'businessStatus'),
    code('intent', 'task-intent'),
    code('priority', 'request-priority'),
    token('code'),
    token('performer', 'performerType'),
    reference('owner', 'owner', PERFORMERS, { column: 'owner' }),
    reference('requester', 'requester', REQUESTERS),
    reference('focus', 'focus', undefined, rare),
    reference('based-on', 'basedOn', undefined, rare),
    reference('part-of', 'partOf', ['Task'], rare),
    reference('encounter', 'encounter', ['Encounter'], rare),
    reference('subject', 'for', undefined, rare),
    reference('patient', 'for', ['Patient'], { indexedAs: 'subject', ...rare }),
    date('authored-on', 'authoredOn', 'authored'),
  ],
  Patient: [
    identifier,
    active,
    ...personWords,
    gender,
    date('birthdate', 'birthDate', 'born', shared('individual-birthdate')),
    reference('general-practitioner', 'generalPractitioner', [
      'Practitioner',
      'PractitionerRole',
      'Organization',
    ]),
    reference('organization', 'managingOrganization', ['Organization']),
  ],
  RelatedPerson: [
    identifier,
    active,
    words('name', ['name.family', 'name.given', 'name.text']),
    reference('patient', 'patient', ['Patient'], rare),
    token('relationship'),
  ],
  Organization: [
    identifier,
    active,
    token('type'),
    words('name', ['name', 'alias']),
    reference('partof', 'partOf', ['Organization']),
    reference('endpoint', 'endpoint', ['Endpoint']),
  ],
  HealthcareService: [
    identifier,
    active,
    words('name', ['name']),
    token('service-category', 'category'),
    token('service-type', 'type'),
    token('specialty'),
    token('characteristic'),
    token('program'),
    reference('organization', 'providedBy', ['Organization']),
    reference('location', 'location', ['Location']),
    reference('coverage-area', 'coverageArea', ['Location']),
    reference('endpoint', 'endpoint', ['Endpoint']),
  ],
  Practitioner: [identifier, active, ...personWords, gender],
  PractitionerRole: [
    identifier,
    active,
    token('role', 'code'),
    token('specialty'),
    reference('practitioner', 'practitioner', ['Practitioner']),
    reference('organization', 'organization', ['Organization']),
    reference('location', 'location', ['Location']),
    reference('service', 'healthcareService', ['HealthcareService']),
  ],
  Location: [
    identifier,
    code('status', 'location-status', { column: 'status' }),
    token('type'),
    words('name', ['name', 'alias']),
    reference('organization', 'managingOrganization', ['Organization']),
    reference('partof', 'partOf', ['Location']),
  ],
  Endpoint: [
    identifier,
    code('status', 'endpoint-status', { column: 'status' }),
    words('name', ['name']),
    token('connection-type', 'connectionType'),
    reference('organization', 'managingOrganization', ['Organization']),
  ],
  Condition: [
    clinicalIdentifier,
    clinicalCode,
    token('category'),
    token('clinical-status', 'clinicalStatus'),
    clinicalSubject,
    patientOf('subject'),
    reference('encounter', 'encounter', ['Encounter'], rare),
    date('recorded-date', 'recordedDate', 'authored'),
  ],
  Encounter: [
    clinicalIdentifier,
    code('status', 'encounter-status', { column: 'status' }),
    token('class'),
    reference('subject', 'subject', ['Patient', 'Group'], rare),
    patientOf('subject'),
    reference('based-on', 'basedOn', ['ServiceRequest'], rare),
    reference('service-provider', 'serviceProvider', ['Organization']),
  ],
  Observation: [
    clinicalIdentifier,
    clinicalCode,
    token('category'),
    code('status', 'observation-status', { column: 'status' }),
    reference('subject', 'subject', ['Patient', 'Group', 'Device', 'Location'], rare),
    patientOf('subject'),
  ],
  AllergyIntolerance: [
    clinicalIdentifier,
    token('clinical-status', 'clinicalStatus'),
    token('verification-status', 'verificationStatus'),
    patient,
    date('date', 'recordedDate', 'authored', shared('clinical-date')),
  ],
  DocumentReference: [
    token('identifier', 'identifier', {
      paths: ['masterIdentifier', 'identifier'],
      ...rare,
      ...shared('clinical-identifier'),
    }),
    code('status', 'document-reference-status', { column: 'status' }),
    token('type', 'type', shared('clinical-type')),
    token('category'),
    reference('subject', 'subject', ['Patient', 'Practitioner', 'Group', 'Device'], rare),
    patientOf('subject'),
    date('date', 'date', 'authored'),
  ],
  Procedure: [
    clinicalIdentifier,
    clinicalCode,
    code('status', 'event-status', { column: 'status' }),
    clinicalSubject,
    patientOf('subject'),
  ],
  DiagnosticReport: [
    clinicalIdentifier,
    clinicalCode,
    token('category'),
    code('status', 'diagnostic-report-status', { column: 'status' }),
    reference('subject', 'subject', ['Patient', 'Group', 'Device', 'Location'], rare),
    patientOf('subject'),
    date('issued', 'issued', 'authored'),
  ],
  MedicationStatement: [
    clinicalIdentifier,
    token('status', 'status', { column: 'status', definition: `${R4}medications-status` }),
    clinicalSubject,
    patientOf('subject'),
  ],
  CarePlan: [
    clinicalIdentifier,
    code('status', 'request-status', { column: 'status' }),
    clinicalSubject,
    patientOf('subject'),
    reference('based-on', 'basedOn', ['CarePlan'], rare),
  ],
  EpisodeOfCare: [
    clinicalIdentifier,
    code('status', 'episode-of-care-status', { column: 'status' }),
    patient,
    reference('organization', 'managingOrganization', ['Organization']),
  ],
  Communication: [
    identifier,
    code('status', 'event-status', { column: 'status' }),
    reference('subject', 'subject', ['Patient', 'Group'], rare),
    patientOf('subject', { definition: `${R4}Communication-patient` }),
    reference('based-on', 'basedOn', undefined, rare),
    date('sent', 'sent', 'authored'),
  ],
  Consent: [
    clinicalIdentifier,
    code('status', 'consent-state-codes', { column: 'status' }),
    patient,
    date('date', 'dateTime', 'authored', shared('clinical-date')),
  ],
  Flag: [identifier, clinicalSubject, patientOf('subject')],
  Coverage: [
    identifier,
    code('status', 'fm-status', { column: 'status' }),
    reference('beneficiary', 'beneficiary', ['Patient'], rare),
    patientOf('beneficiary', { definition: `${R4}Coverage-patient` }),
  ],
  QuestionnaireResponse: [
    identifier,
    code('status', 'questionnaire-answers-status', { column: 'status' }),
    reference('subject', 'subject', undefined, rare),
    patientOf('subject', { definition: `${R4}QuestionnaireResponse-patient` }),
    date('authored', 'authored', 'authored'),
  ],
  Device: [
    identifier,
    code('status', 'device-status', { column: 'status' }),
    token('type'),
    reference('patient', 'patient', ['Patient'], rare),
  ],
  Provenance: [
    reference('target', 'target', undefined, rare),
    patientOf('target', { definition: `${R4}Provenance-patient` }),
    reference('agent', 'agent.who', REQUESTERS),
    token('agent-type', 'agent.type'),
    reference('entity', 'entity.what', undefined, rare),
    date('recorded', 'recorded', 'authored'),
  ],
  AuditEvent: [
    token('type'),
    token('subtype'),
    token('action', 'action', { system: 'http://hl7.org/fhir/audit-event-action' }),
    token('outcome', 'outcome', { system: 'http://hl7.org/fhir/audit-event-outcome' }),
    reference('agent', 'agent.who', REQUESTERS),
    reference('source', 'source.observer', REQUESTERS),
    reference('entity', 'entity.what', undefined, rare),
    reference('patient', 'agent.who', ['Patient'], {
      paths: ['agent.who', 'entity.what'],
      narrows: true,
      ...rare,
    }),
    date('date', 'recorded', 'authored'),
  ],
} as const satisfies Record<string, readonly Row[]>

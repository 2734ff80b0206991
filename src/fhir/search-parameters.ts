/** The search parameters OneDoor serves: one table behind the index, the query parser and `/metadata`. */

export type SearchKind = 'token' | 'reference' | 'date' | 'string'

/** Columns of their own in the store; every other token and reference lives in `tokens`. */
export type SearchColumn = 'status' | 'owner' | 'authored' | 'born' | 'case'

export interface SearchParameter {
  readonly name: string
  readonly kind: SearchKind
  /** Elements below the resource, dotted; lists are flattened. */
  readonly paths: readonly string[]
  /** Canonical URL of its definition. */
  readonly definition: string
  readonly column?: SearchColumn
  /** Types a reference may point at; absent = any, so the value has to name its type. */
  readonly targets?: readonly string[]
  /** The parameter whose index entries it reads, when it only narrows that one (`patient` of `subject`). */
  readonly indexedAs?: string
  /** Indexes only references to `targets`, where one element serves several parameters. */
  readonly narrows?: true
  /** One value stands on a handful of resources (an identifier, a patient), so a search may start from it. */
  readonly rare?: true
  /** The code system a `code` element is bound to: its instances carry none. */
  readonly system?: string
}

type Details = Partial<Omit<SearchParameter, 'name' | 'kind'>>
/** A row before its type is known: the definition defaults to `<Type>-<name>`. */
type Row = Omit<SearchParameter, 'definition'> & { readonly definition?: string }

const R4 = 'http://hl7.org/fhir/SearchParameter/'
/** Our own parameters have definitions of our own. */
const OURS = 'https://onedoor.dev/fhir/SearchParameter/'

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

/** Which case a resource belongs to: the id of the case's ServiceRequest. */
const CASE: SearchParameter = {
  name: 'case',
  kind: 'token',
  paths: [],
  definition: `${OURS}case`,
  column: 'case',
}

const ROWS = {
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

/** Kept once for the whole deployment, so they belong to no case. */
const DIRECTORY = new Set(['Organization', 'HealthcareService', 'Location', 'Endpoint'])

const complete = (type: string, rows: readonly Row[]): ReadonlyMap<string, SearchParameter> => {
  const full = rows.map((row) => ({ ...row, definition: row.definition ?? `${R4}${type}-${row.name}` }))
  const all = DIRECTORY.has(type) ? full : [...full, CASE]
  return new Map(all.map((parameter) => [parameter.name, parameter]))
}

/** Type -> parameter name -> parameter. A Map, so that a name from outside never meets a prototype. */
export const SEARCH_PARAMETERS: ReadonlyMap<string, ReadonlyMap<string, SearchParameter>> = new Map(
  Object.entries(ROWS).map(([type, rows]) => [type, complete(type, rows)]),
)

/** Resource types the API reads and searches. */
export const SEARCHED_TYPES: readonly string[] = [...SEARCH_PARAMETERS.keys()]

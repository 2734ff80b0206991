/** An invented case with something in every corner, and the deployment it is offered in. */
import type { FhirResource } from 'fhir/r4.js'
import type { Deployment, Partner, Receives, Service } from '../../src/directory/types.js'
import type { CaseRecord, Delivery } from '../../src/store/types.js'
import type { Instant } from '../../src/terms/instant.js'

export const CASE_ID = '0191c5e0-6f00-7a11-8a11-000000000001'
export const OFFER_ID = '0191c5e0-6f00-7a11-8a11-000000000002'
export const JOURNEY_ID = '0191c5e0-6f00-7a11-8a11-00000000000a'
export const PUBLIC_URL = 'https://door.example.org'
export const OWN_SERVICE_ID = '2000000001'
export const THEIR_SERVICE_ID = '2000000042'

const ODS = 'https://fhir.nhs.uk/Id/ods-organization-code'
const DOS = 'https://fhir.nhs.uk/Id/dos-service-id'
const retry = { firstDelayMs: 10, maxDelayMs: 100, maxAttempts: 3, breakerFailures: 5, breakerOpenMs: 1000 }

export const accessPoint: Partner = {
  id: 'spoa',
  name: 'Example Single Point of Access',
  organization: 'org-spoa',
  identifiers: [
    { system: ODS, value: 'XSP01' },
    { system: DOS, value: OWN_SERVICE_ID },
  ],
  sends: {},
}

export const receiverOf = (receives: Receives): Partner => ({
  id: 'ucr',
  name: 'Example Urgent Community Response',
  organization: 'org-ucr',
  identifiers: [{ system: ODS, value: 'XUC01' }],
  sends: { bars: { serviceIds: [THEIR_SERVICE_ID] } },
  receives,
})

export const barsReceives = (url: string, timeoutMs = 2_000): Extract<Receives, { channel: 'bars' }> => ({
  channel: 'bars',
  url,
  serviceId: THEIR_SERVICE_ID,
  timeoutMs,
  retry,
})

export const fhirReceives = (url: string, timeoutMs = 2_000): Extract<Receives, { channel: 'fhir' }> => ({
  channel: 'fhir',
  url,
  timeoutMs,
  retry,
})

export const service = (over: Partial<Service> = {}): Service => ({
  id: 'svc-ucr',
  name: 'Two-hour community response',
  partner: 'ucr',
  aliases: [],
  needs: ['ucr'],
  postcodes: [],
  hours: [],
  category: 'validation',
  useCase: { code: 'a4t3', display: '999 to Community Services', bilateral: false },
  ...over,
})

export const deployment = (receiver: Partner, offered: Service): Deployment => ({
  name: 'example',
  timeZone: 'Europe/London',
  publicUrl: PUBLIC_URL,
  accessPoint: 'spoa',
  partners: new Map([accessPoint, receiver].map((partner) => [partner.id, partner])),
  services: new Map([[offered.id, offered]]),
  pathways: [
    {
      need: 'ucr',
      name: 'Urgent community response',
      codes: [],
      fallback: true,
      services: [offered.id],
      offer: 'automatic',
      answerWithinMs: 30 * 60_000,
    },
  ],
  resources: [
    {
      resourceType: 'Organization',
      id: 'org-spoa',
      name: 'Example Single Point of Access',
      identifier: [{ system: ODS, value: 'XSP01' }],
      telecom: [{ system: 'phone', value: '0116 496 0000' }],
    },
    {
      resourceType: 'Organization',
      id: 'org-ucr',
      name: 'Example Urgent Community Response',
      identifier: [{ system: ODS, value: 'XUC01' }],
    },
    {
      resourceType: 'HealthcareService',
      id: 'svc-ucr',
      name: 'Two-hour community response',
      providedBy: { reference: 'Organization/org-ucr' },
    },
  ],
})

const subject = { reference: 'Patient/p1' }

const patient: FhirResource = {
  resourceType: 'Patient',
  id: 'p1',
  extension: [
    { url: 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-BirthSex', valueCode: 'F' },
  ],
  identifier: [
    { system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9990000018' },
    { system: 'https://hospital.example.org/Id/mrn', value: 'MRN-7781' },
  ],
  name: [{ family: 'Thistlewood', given: ['Marigold'], prefix: ['Mrs'] }],
  telecom: [{ system: 'phone', value: '+44 1632 960123', use: 'home' }],
  gender: 'female',
  birthDate: '1941-03-09',
  address: [{ use: 'home', line: ['7 Invented Lane'], city: 'Leicester', postalCode: 'LE1 1AA' }],
  generalPractitioner: [
    { reference: 'Organization/org-gp' },
    { reference: 'Practitioner/gp1', display: 'Dr Usual' },
  ],
  contact: [
    {
      relationship: [{ text: 'daughter' }],
      name: { text: 'Petunia Thistlewood' },
      telecom: [{ system: 'phone', value: '01632 960456' }],
    },
  ],
}

export const resources: readonly FhirResource[] = [
  {
    resourceType: 'ServiceRequest',
    id: CASE_ID,
    identifier: [{ system: 'https://hospital.example.org/Id/referral', value: 'RF-2231' }],
    status: 'active',
    intent: 'order',
    priority: 'urgent',
    category: [{ coding: [{ system: 'https://onedoor.dev/fhir/CodeSystem/need', code: 'ucr' }] }],
    code: {
      coding: [{ system: 'http://snomed.info/sct', code: '3457005', display: 'Patient referral' }],
      text: 'Two-hour crisis response',
    },
    subject,
    encounter: { reference: 'Encounter/e1' },
    authoredOn: '2026-11-21T08:55:00+00:00',
    requester: { reference: 'PractitionerRole/r1' },
    reasonCode: [{ text: 'Fall from standing, unable to mobilise' }],
    reasonReference: [{ reference: 'Condition/c1' }],
    note: [{ text: 'Key safe by the side door' }],
    supportingInfo: [{ reference: 'DocumentReference/d1', display: 'Discharge summary' }],
    occurrenceDateTime: '2026-11-21T11:00:00+00:00',
  },
  patient,
  {
    resourceType: 'Encounter',
    id: 'e1',
    identifier: [{ system: 'https://hospital.example.org/Id/visit', value: 'V-90210' }],
    status: 'in-progress',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'IMP', display: 'inpatient' },
    subject,
    period: { start: '2026-11-20T22:10:00+00:00' },
    location: [{ location: { reference: 'Location/ward', display: 'Ward 24' } }],
  },
  { resourceType: 'Location', id: 'ward', name: 'Ward twenty-four' },
  {
    resourceType: 'Practitioner',
    id: 'gp1',
    name: [{ family: 'Usual' }],
  },
  {
    resourceType: 'Practitioner',
    id: 'doc1',
    identifier: [{ system: 'https://fhir.nhs.uk/Id/sds-user-id', value: '555000111' }],
    name: [{ family: 'Harebell', given: ['Asha'] }],
  },
  {
    resourceType: 'PractitionerRole',
    id: 'r1',
    practitioner: { reference: 'Practitioner/doc1' },
    organization: { reference: 'Organization/org-hospital' },
  },
  {
    resourceType: 'Organization',
    id: 'org-hospital',
    identifier: [{ system: ODS, value: 'XHO01' }],
    name: 'Example Hospital',
  },
  {
    resourceType: 'Organization',
    id: 'org-gp',
    identifier: [{ system: ODS, value: 'XGP01' }],
    name: 'Example Surgery',
  },
  {
    resourceType: 'Condition',
    id: 'c1',
    subject,
    code: {
      coding: [
        { system: 'http://hl7.org/fhir/sid/icd-10', code: 'S72.0', display: 'Fracture of neck of femur' },
      ],
    },
    onsetDateTime: '2026-11-20',
    note: [{ text: 'Non-operative management agreed' }],
  },
  {
    resourceType: 'Observation',
    id: 'o1',
    status: 'final',
    code: { text: 'Oxygen saturation' },
    subject,
    valueQuantity: { value: 93, unit: '%', system: 'http://unitsofmeasure.org', code: '%' },
  },
  {
    resourceType: 'Observation',
    id: 'o2',
    status: 'preliminary',
    code: { text: 'Blood culture' },
    subject,
    valueString: 'no growth so far',
  },
  {
    resourceType: 'AllergyIntolerance',
    id: 'a1',
    patient: subject,
    clinicalStatus: {
      coding: [
        { system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' },
      ],
    },
    code: { text: 'Penicillin' },
    reaction: [{ manifestation: [{ text: 'Urticaria' }] }],
  },
  {
    resourceType: 'MedicationStatement',
    id: 'm1',
    status: 'active',
    subject,
    medicationReference: { reference: 'Medication/med1' },
  },
  { resourceType: 'Medication', id: 'med1', code: { text: 'Apixaban 2.5 mg tablets' } },
  {
    resourceType: 'DocumentReference',
    id: 'd1',
    status: 'current',
    description: 'Discharge summary of the ward',
    content: [{ attachment: { contentType: 'application/pdf', url: 'Binary/b1', title: 'discharge.pdf' } }],
  },
  {
    resourceType: 'RelatedPerson',
    id: 'rp1',
    patient: subject,
    relationship: [{ text: 'neighbour' }],
    name: [{ text: 'Basil Fennel' }],
    telecom: [{ system: 'phone', value: '01632 960789' }],
  },
  {
    resourceType: 'Task',
    id: 'coordinating',
    status: 'in-progress',
    intent: 'order',
    code: { coding: [{ system: 'https://onedoor.dev/fhir/CodeSystem/task-code', code: 'coordinate' }] },
    focus: { reference: `ServiceRequest/${CASE_ID}` },
    for: subject,
    owner: { reference: 'Organization/org-spoa' },
  },
  {
    resourceType: 'Task',
    id: OFFER_ID,
    status: 'requested',
    intent: 'order',
    code: { coding: [{ system: 'https://onedoor.dev/fhir/CodeSystem/task-code', code: 'offer' }] },
    partOf: [{ reference: 'Task/coordinating' }],
    focus: { reference: `ServiceRequest/${CASE_ID}` },
    for: subject,
    owner: { reference: 'Organization/org-ucr' },
    input: [
      {
        type: { coding: [{ system: 'https://onedoor.dev/fhir/CodeSystem/task-input', code: 'service' }] },
        valueReference: { reference: 'HealthcareService/svc-ucr' },
      },
    ],
  },
]

export const record = (own: readonly FhirResource[] = resources): CaseRecord => ({
  caseId: CASE_ID,
  journeyId: JOURNEY_ID,
  version: 3,
  state: {},
  resources: own,
})

export const delivery = (over: Partial<Delivery> = {}): Delivery => ({
  id: '0191c5e0-6f00-7a11-8a11-0000000000d1',
  caseId: CASE_ID,
  seq: 1,
  receiver: 'ucr',
  channel: 'bars',
  kind: 'offer',
  subject: OFFER_ID,
  context: { serviceId: 'svc-ucr' },
  state: 'sending',
  attempts: 1,
  createdAt: '2026-11-21T09:00:00.123Z' as Instant,
  rendered: null,
  mayHaveArrived: false,
  lease: 'lease-1',
  ...over,
})

/** Invented FHIR resources to validate: a referral, and a message of twenty entries as BaRS sends them. */

const SUBJECT = { reference: 'Patient/p1', display: 'Petronella Ashgrove' }
const NARRATIVE = {
  status: 'generated',
  div: '<div xmlns="http://www.w3.org/1999/xhtml"><p>Pressure ulcer, <b>nursing at home</b> asked for.</p></div>',
}
const concept = (system: string, code: string, display: string) => ({
  coding: [{ system, code, display }],
  text: display,
})
const SNOMED = 'http://snomed.info/sct'

export const serviceRequest = () => ({
  resourceType: 'ServiceRequest',
  id: 'sr1',
  meta: { lastUpdated: '2026-11-20T20:15:00Z' },
  text: NARRATIVE,
  identifier: [{ system: 'https://harbour.example/referrals', value: 'HH-1' }],
  status: 'active',
  intent: 'order',
  category: [concept(SNOMED, '3457005', 'Patient referral')],
  priority: 'urgent',
  code: concept(SNOMED, '399912005', 'Pressure ulcer'),
  subject: SUBJECT,
  encounter: { reference: 'Encounter/e1' },
  occurrencePeriod: { start: '2026-11-20T20:15:00Z', end: '2026-11-21T08:00:00Z' },
  authoredOn: '2026-11-20T20:10:00Z',
  requester: { reference: 'PractitionerRole/pr1' },
  performer: [{ reference: 'HealthcareService/home-nursing' }],
  reasonCode: [concept(SNOMED, '399912005', 'Pressure ulcer')],
  supportingInfo: [{ reference: 'Observation/o1' }, { reference: 'Observation/o2' }],
  note: [{ time: '2026-11-20T20:10:00Z', text: 'Key safe by the side door; the dog is friendly.' }],
})

const patient = () => ({
  resourceType: 'Patient',
  id: 'p1',
  text: NARRATIVE,
  identifier: [{ use: 'official', system: 'https://harbour.example/patients', value: 'S1' }],
  active: true,
  name: [{ use: 'official', family: 'Ashgrove', given: ['Petronella', 'Wren'], prefix: ['Mrs'] }],
  telecom: [{ system: 'phone', value: '09 555 0142', use: 'home', rank: 1 }],
  gender: 'female',
  birthDate: '1943-05-17',
  address: [{ use: 'home', line: ['14 Imagined Crescent'], city: 'Harbour City', postalCode: '1010' }],
  contact: [
    { name: { family: 'Ashgrove', given: ['Lionel'] }, telecom: [{ system: 'phone', value: '09 555 0143' }] },
  ],
  managingOrganization: { reference: 'Organization/org1' },
})

const organization = (id: string, name: string) => ({
  resourceType: 'Organization',
  id,
  identifier: [{ system: 'https://harbour.example/organisations', value: id }],
  active: true,
  name,
})

const observation = (id: string, code: string, display: string, value: number, unit: string) => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  category: [
    concept('http://terminology.hl7.org/CodeSystem/observation-category', 'vital-signs', 'Vital Signs'),
  ],
  code: concept('http://loinc.org', code, display),
  subject: SUBJECT,
  effectiveDateTime: '2026-11-20T19:15:00Z',
  valueQuantity: { value, unit, system: 'http://unitsofmeasure.org', code: unit },
})

const condition = (id: string, code: string, display: string) => ({
  resourceType: 'Condition',
  id,
  clinicalStatus: concept('http://terminology.hl7.org/CodeSystem/condition-clinical', 'active', 'Active'),
  category: [
    concept(
      'http://terminology.hl7.org/CodeSystem/condition-category',
      'encounter-diagnosis',
      'Encounter Diagnosis',
    ),
  ],
  code: concept(SNOMED, code, display),
  subject: SUBJECT,
  recordedDate: '2026-11-20',
})

const encounter = () => ({
  resourceType: 'Encounter',
  id: 'e1',
  status: 'finished',
  class: {
    system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode',
    code: 'IMP',
    display: 'inpatient encounter',
  },
  subject: SUBJECT,
  participant: [{ individual: { reference: 'PractitionerRole/pr1' } }],
  period: { start: '2026-11-19T20:05:00Z', end: '2026-11-20T20:00:00Z' },
})

const carePlan = () => ({
  resourceType: 'CarePlan',
  id: 'c1',
  status: 'active',
  intent: 'plan',
  title: 'Dressing every other day',
  subject: SUBJECT,
  activity: [
    {
      detail: {
        kind: 'ServiceRequest',
        status: 'not-started',
        description: 'Change the dressing',
        doNotPerform: false,
      },
    },
  ],
})

const allergy = () => ({
  resourceType: 'AllergyIntolerance',
  id: 'a1',
  clinicalStatus: concept(
    'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical',
    'active',
    'Active',
  ),
  category: ['medication'],
  criticality: 'low',
  code: { text: 'Penicillin' },
  patient: SUBJECT,
  reaction: [{ manifestation: [concept(SNOMED, '271807003', 'Rash')], severity: 'moderate' }],
})

const flag = () => ({
  resourceType: 'Flag',
  id: 'f1',
  status: 'active',
  category: [concept('http://terminology.hl7.org/CodeSystem/flag-category', 'safety', 'Safety')],
  code: { text: 'Dog in the house' },
  subject: SUBJECT,
})

const practitioner = (id: string, family: string) => ({
  resourceType: 'Practitioner',
  id,
  identifier: [{ system: 'https://harbour.example/staff', value: id }],
  name: [{ family, given: ['Saoirse'], prefix: ['Dr'] }],
})

const practitionerRole = () => ({
  resourceType: 'PractitionerRole',
  id: 'pr1',
  practitioner: { reference: 'Practitioner/d1' },
  organization: { reference: 'Organization/org1' },
  telecom: [{ system: 'phone', value: '09 555 0100', use: 'work' }],
})

const location = () => ({
  resourceType: 'Location',
  id: 'l1',
  status: 'active',
  name: 'Ward 4',
  mode: 'instance',
  address: { line: ['Ward 4'], city: 'Harbour City' },
})

const healthcareService = () => ({
  resourceType: 'HealthcareService',
  id: 'home-nursing',
  active: true,
  providedBy: { reference: 'Organization/org2' },
  name: 'Home Nursing',
  availableTime: [
    { daysOfWeek: ['mon', 'tue'], availableStartTime: '07:00:00', availableEndTime: '23:00:00' },
  ],
})

const messageHeader = () => ({
  resourceType: 'MessageHeader',
  id: 'mh1',
  eventCoding: { system: 'https://harbour.example/message-events', code: 'servicerequest-request' },
  destination: [{ endpoint: 'https://nursing.example/fhir', receiver: { reference: 'Organization/org2' } }],
  sender: { reference: 'Organization/org1' },
  source: { name: 'OneDoor', endpoint: 'https://gateway.example/fhir' },
  reason: concept('https://harbour.example/reasons', 'new', 'New'),
  focus: [{ reference: 'ServiceRequest/sr1' }],
})

export const messageBundle = () => ({
  resourceType: 'Bundle',
  id: 'b1',
  identifier: { system: 'https://harbour.example/messages', value: 'M1' },
  type: 'message',
  timestamp: '2026-11-20T20:15:00Z',
  entry: [
    messageHeader(),
    serviceRequest(),
    carePlan(),
    encounter(),
    patient(),
    practitioner('d1', 'Lindqvist'),
    practitioner('d2', 'Tanoa'),
    practitionerRole(),
    organization('org1', 'Harbour Hospital'),
    organization('org2', 'Harbour Home Nursing Trust'),
    healthcareService(),
    location(),
    condition('co1', '399912005', 'Pressure ulcer'),
    condition('co2', '248279007', 'Frailty'),
    allergy(),
    flag(),
    observation('o1', '59408-5', 'Oxygen saturation', 95, '%'),
    observation('o2', '8867-4', 'Heart rate', 84, '/min'),
    observation('o3', '9279-1', 'Respiratory rate', 18, '/min'),
    observation('o4', '8310-5', 'Body temperature', 36.8, 'Cel'),
  ].map((resource) => ({
    fullUrl: `https://gateway.example/fhir/${resource.resourceType}/${resource.id}`,
    resource,
  })),
})

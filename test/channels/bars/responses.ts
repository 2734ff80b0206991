/** Answers of an invented service, written by hand after BaRS sections 6 to 9. */
import type { Bundle, CarePlan, Encounter, FhirResource, ServiceRequest } from 'fhir/r4.js'

export const REQUEST_BUNDLE_ID = '11111111-1111-4111-8111-111111111111'
const OURS = 'https://fhir.nhs.uk/Id/dos-service-id|2000000001'
const THEIRS = 'https://fhir.nhs.uk/Id/dos-service-id|2000000042'

const urn = (n: number): string => `urn:uuid:00000000-0000-4000-8000-0000000000${String(n).padStart(2, '0')}`

export interface ResponseParts {
  readonly kind: 'interim' | 'full' | 'referral'
  readonly reason?: 'new' | 'update'
  readonly category?: 'validation' | 'referral'
  readonly encounter?: Partial<Encounter>
  readonly plan?: Partial<CarePlan>
  readonly request?: Partial<ServiceRequest>
  readonly focusOnRequest?: boolean
  readonly version?: string
  readonly identifier?: string | null
}

export function response(parts: ResponseParts): Bundle {
  const { kind, category = kind === 'referral' ? 'referral' : 'validation' } = parts
  const subject = { reference: urn(5) }
  const resources: [number, FhirResource][] = [
    [
      1,
      {
        resourceType: 'MessageHeader',
        eventCoding: {
          system: 'https://fhir.nhs.uk/CodeSystem/message-events-bars',
          code: 'servicerequest-response',
        },
        destination: [{ endpoint: OURS, receiver: { reference: urn(6) } }],
        sender: { reference: urn(7) },
        source: { name: 'Example service', endpoint: THEIRS },
        reason: {
          coding: [
            { system: 'https://fhir.nhs.uk/CodeSystem/message-reason-bars', code: parts.reason ?? 'new' },
          ],
        },
        ...(parts.identifier === null
          ? {}
          : { response: { identifier: parts.identifier ?? REQUEST_BUNDLE_ID, code: 'ok' } }),
        focus: [{ reference: parts.focusOnRequest === true ? urn(2) : urn(4) }],
        definition: `https://fhir.nhs.uk/MessageDefinition/bars-message-servicerequest-response-${
          { interim: 'validation-interim', full: 'validation-full', referral: 'referral-short' }[kind]
        }`,
      },
    ],
    [
      2,
      {
        resourceType: 'ServiceRequest',
        status: 'active',
        intent: 'plan',
        category: [
          {
            coding: [
              {
                system: 'https://fhir.nhs.uk/CodeSystem/message-category-servicerequest',
                code: category,
              },
              { system: 'https://fhir.nhs.uk/CodeSystem/usecases-categories-bars', code: 'a4t3' },
            ],
          },
        ],
        subject,
        encounter: { reference: urn(3) },
        ...parts.request,
      },
    ],
    [3, encounter({ status: 'triaged', identifier: [{ value: 'ours-1' }] })],
    [
      4,
      encounter({
        identifier: [{ system: 'https://service.example.org/Id/case', value: 'UCR-88' }],
        ...parts.encounter,
      }),
    ],
    [5, { resourceType: 'Patient', name: [{ text: 'Invented Person' }] }],
    [6, { resourceType: 'Organization', name: 'Access point' }],
    [7, { resourceType: 'Organization', name: 'Example service' }],
    [8, { resourceType: 'Practitioner', name: [{ text: 'Nurse' }] }],
    [9, { resourceType: 'PractitionerRole', practitioner: { reference: urn(8) } }],
  ]
  if (kind === 'full') resources.push(...fullParts(subject, parts.plan))
  return {
    resourceType: 'Bundle',
    id: '22222222-2222-4222-8222-222222222222',
    meta: { versionId: parts.version ?? '1.1.0', lastUpdated: '2026-11-21T10:00:00.0000000+00:00' },
    type: 'message',
    timestamp: '2026-11-21T10:00:00Z',
    entry: resources.map(([n, resource]) => ({ fullUrl: urn(n), resource })),
  }
}

function encounter(over: Partial<Encounter>): Encounter {
  return {
    resourceType: 'Encounter',
    status: 'in-progress',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'EMER' },
    subject: { reference: urn(5) },
    ...over,
  }
}

const fullParts = (
  subject: { reference: string },
  plan: Partial<CarePlan> | undefined,
): [number, FhirResource][] => [
  [10, { resourceType: 'CarePlan', status: 'completed', intent: 'plan', subject, ...plan }],
  [11, { resourceType: 'Location', name: 'Home' }],
  [
    12,
    {
      resourceType: 'Consent',
      status: 'active',
      scope: { coding: [{ code: 'patient-privacy' }] },
      category: [{ coding: [{ code: 'DRC' }] }],
    },
  ],
  [13, { resourceType: 'HealthcareService', name: 'Example service' }],
]

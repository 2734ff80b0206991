/** What leaves as a BaRS request: complete by the MessageDefinition, and nothing of the case lost (R15, N6, N13). */
import { describe, expect, test } from '@jest/globals'
import type { Bundle, BundleEntry, FhirResource, Patient } from 'fhir/r4.js'
import fc from 'fast-check'
import { createBarsPublisher } from '../../../src/publish/bars/publisher.js'
import type { RenderedDelivery } from '../../../src/store/types.js'
import type { Delivery } from '../../../src/store/types.js'
import type { Service } from '../../../src/directory/types.js'
import type { Instant } from '../../../src/terms/instant.js'
import type { FhirClient } from '../../../src/wire/fhir-client.js'
import * as given from '../offered-case.js'

const noClient: FhirClient = {
  request: () => Promise.reject(new Error('render must not touch the network')),
  close: () => Promise.resolve(),
}

const LATER = '2026-11-21T09:30:00.000Z' as Instant

function render(
  over: {
    service?: Partial<Service>
    delivery?: Partial<Delivery>
    resources?: readonly FhirResource[]
    now?: Instant
  } = {},
): RenderedDelivery & { readonly bundle: Bundle } {
  const receiver = given.receiverOf(given.barsReceives('https://receiver.example.org/FHIR/R4'))
  const publisher = createBarsPublisher({ client: noClient, softwareVersion: '0.1.0' })
  const context = {
    deployment: given.deployment(receiver, given.service(over.service)),
    receiver,
    now: over.now ?? LATER,
    newId: () => 'not-used',
  }
  const rendered = publisher.render(given.delivery(over.delivery), given.record(over.resources), context)
  return { ...rendered, bundle: JSON.parse(Buffer.from(rendered.body).toString('utf8')) as Bundle }
}

const all = <T extends FhirResource['resourceType']>(bundle: Bundle, type: T) =>
  (bundle.entry ?? [])
    .map(({ resource }) => resource)
    .filter(
      (resource): resource is Extract<FhirResource, { resourceType: T }> => resource?.resourceType === type,
    )

const fullUrl = (bundle: Bundle, type: string): string =>
  bundle.entry?.find(({ resource }) => resource?.resourceType === type)?.fullUrl ?? 'none'

/** Written by hand from the MessageDefinitions (section 9): type, least, most. */
const VALIDATION: readonly (readonly [string, number, number])[] = [
  ['MessageHeader', 1, 1],
  ['ServiceRequest', 1, 1],
  ['Patient', 1, 1],
  ['Encounter', 1, 1],
  ['CarePlan', 1, 1],
  ['Location', 1, 1],
  ['Organization', 2, 99],
  ['Practitioner', 1, 99],
  ['PractitionerRole', 1, 99],
  ['Observation', 0, 99],
  ['Flag', 0, 99],
  ['Consent', 1, 99],
  ['MedicationStatement', 0, 99],
  ['AllergyIntolerance', 0, 99],
  ['HealthcareService', 1, 1],
]
const REFERRAL: readonly (readonly [string, number, number])[] = [
  ...VALIDATION.filter(([type]) => type !== 'Location' && type !== 'HealthcareService'),
  ['HealthcareService', 1, 99],
  ['Location', 0, 99],
  ['Device', 0, 1],
  ...['Questionnaire', 'QuestionnaireResponse', 'Condition', 'Task'].map((type) => [type, 0, 99] as const),
  ...['Communication', 'Procedure', 'RelatedPerson'].map((type) => [type, 0, 99] as const),
]
const CANCELLED = [
  ['MessageHeader', 1, 1],
  ['ServiceRequest', 1, 1],
  ['Patient', 1, 1],
  ['Organization', 2, 99],
] as const

function countsBroken(bundle: Bundle, table: readonly (readonly [string, number, number])[]): string[] {
  const allowed = new Map(table.map(([type, least, most]) => [type, { least, most }]))
  const types = new Set([
    ...allowed.keys(),
    ...(bundle.entry ?? []).map((e) => e.resource?.resourceType ?? ''),
  ])
  return [...types].filter((type) => {
    const number = (bundle.entry ?? []).filter(({ resource }) => resource?.resourceType === type).length
    const { least, most } = allowed.get(type) ?? { least: 0, most: 0 }
    return number < least || number > most
  })
}

const referral: Partial<Service> = {
  category: 'referral',
  useCase: { code: 'a1t5', display: '999 to ED', bilateral: false },
}

describe('a validation request (Application 4)', () => {
  const { bundle, headers, correlation, contentType } = render()
  const [header] = all(bundle, 'MessageHeader')
  const [request] = all(bundle, 'ServiceRequest')

  test('holds what its MessageDefinition asks for, no more and no less', () => {
    expect(countsBroken(bundle, VALIDATION)).toEqual([])
    expect(header?.definition).toBe(
      'https://fhir.nhs.uk/MessageDefinition/bars-message-servicerequest-request-validation',
    )
    expect(bundle.meta?.versionId).toBe('1.1.0')
  })

  test('says who asks whom', () => {
    expect(header?.eventCoding).toEqual({
      system: 'https://fhir.nhs.uk/CodeSystem/message-events-bars',
      code: 'servicerequest-request',
    })
    expect(header?.reason?.coding?.[0]).toEqual({
      system: 'https://fhir.nhs.uk/CodeSystem/message-reason-bars',
      code: 'new',
    })
    expect(header?.destination?.[0]?.endpoint).toBe('https://fhir.nhs.uk/Id/dos-service-id|2000000042')
    expect(header?.source.endpoint).toBe('https://fhir.nhs.uk/Id/dos-service-id|2000000001')
    expect(header?.focus?.[0]?.reference).toBe(fullUrl(bundle, 'ServiceRequest'))
  })

  test('asks as BaRS wants it asked', () => {
    expect(request).toMatchObject({
      status: 'active',
      intent: 'plan',
      category: [
        {
          coding: [
            {
              system: 'https://fhir.nhs.uk/CodeSystem/message-category-servicerequest',
              code: 'validation',
              display: 'For Validation',
            },
            { system: 'https://fhir.nhs.uk/CodeSystem/usecases-categories-bars', code: 'a4t3' },
          ],
        },
      ],
      // The pathway gives the service half an hour.
      occurrencePeriod: {
        start: '2026-11-21T09:00:00.1230000+00:00',
        end: '2026-11-21T09:30:00.1230000+00:00',
      },
      basedOn: [{ reference: fullUrl(bundle, 'CarePlan') }],
      encounter: { reference: fullUrl(bundle, 'Encounter') },
      locationReference: [{ reference: fullUrl(bundle, 'Location') }],
    })
    expect(request).not.toHaveProperty('code')
    expect(request).not.toHaveProperty('priority')
    expect(request).not.toHaveProperty('reasonCode')
  })

  test('the answer is due when the offer Task says so', () => {
    const due = { period: { end: '2026-11-21T10:00:00Z' } }
    const timed = given.resources.map((each) =>
      each.resourceType === 'Task' && each.id === given.OFFER_ID ? { ...each, restriction: due } : each,
    )
    const [asked] = all(render({ resources: timed }).bundle, 'ServiceRequest')
    expect(asked?.occurrencePeriod?.end).toBe('2026-11-21T10:00:00.0000000+00:00')
  })

  test('the encounter is the triaged contact of the sender, on the journey', () => {
    expect(all(bundle, 'Encounter')[0]).toMatchObject({
      status: 'triaged',
      class: { code: 'EMER' },
      episodeOfCare: [{ reference: `EpisodeOfCare/${given.JOURNEY_ID}` }],
      period: { start: '2026-11-20T22:10:00+00:00' },
    })
  })

  test('a received Journey ID goes on unchanged', () => {
    const journey = { reference: 'EpisodeOfCare/d877b820-0000-4000-8000-000000000001' }
    const joined = given.resources.map((each) =>
      each.resourceType === 'Encounter' ? { ...each, episodeOfCare: [journey] } : each,
    )
    expect(all(render({ resources: joined }).bundle, 'Encounter')[0]?.episodeOfCare).toEqual([journey])
  })

  test('the scene is said to be unknown, exactly once, about the location', () => {
    const flags = all(bundle, 'Flag')
    expect(flags).toHaveLength(1)
    expect(flags[0]?.code.coding?.[0]?.code).toBe('UNK')
    expect(flags[0]?.subject.reference).toBe(fullUrl(bundle, 'Location'))
    expect(all(bundle, 'Location')[0]?.address?.postalCode).toBe('LE1 1AA')
  })

  test('consent is implied for direct care', () => {
    expect(all(bundle, 'Consent')[0]).toMatchObject({
      status: 'active',
      scope: { coding: [{ code: 'patient-privacy' }] },
      category: [{ coding: [{ code: 'DRC' }] }],
      policyRule: { coding: [{ code: 'IMPLIED' }] },
    })
  })

  test('headers carry both ids, the target, the organisation, the software and the use context', () => {
    const decoded = (name: string): unknown =>
      JSON.parse(Buffer.from(headers[name] ?? '', 'base64').toString('utf8'))
    expect(headers['X-Correlation-Id']).toBe(given.CASE_ID)
    expect(headers['X-Request-Id']).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(decoded('NHSD-Target-Identifier')).toEqual({
      system: 'https://fhir.nhs.uk/Id/dos-service-id',
      value: '2000000042',
    })
    expect(decoded('NHSD-End-User-Organisation')).toEqual({
      resourceType: 'Organization',
      identifier: [{ system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: 'XSP01' }],
      name: 'Example Single Point of Access',
    })
    expect(decoded('NHSD-Requesting-Software')).toMatchObject({
      resourceType: 'Device',
      deviceName: [{ name: 'OneDoor', type: 'manufacturer-name' }],
      version: [{ value: '0.1.0' }],
    })
    expect(headers['Accept']).toMatch(/^application\/fhir\+json; version=1\.\d+\.\d+$/)
    expect(headers['use-context']).toMatch(
      /^a[0-9]t[0-9]\|(referral|validation)\|servicerequest(-request|-response)\|(new|update)$/,
    )
    expect(contentType).toBe('application/fhir+json')
    expect(correlation).toBe(bundle.id)
  })
})

describe('the patient', () => {
  const { bundle } = render()
  const [patient] = all(bundle, 'Patient')

  test('has contacts with ranks instead of telecom', () => {
    expect(patient).not.toHaveProperty('telecom')
    const ranks = patient?.contact?.map(
      ({ extension }) => extension?.find(({ url }) => url.endsWith('ContactRank'))?.valuePositiveInt,
    )
    expect(ranks).toEqual([1, 2, 3])
    expect(patient?.contact?.[0]).toMatchObject({
      relationship: [{ coding: [{ code: 'ONESELF' }] }],
      telecom: [{ system: 'phone', value: '01632 960123' }],
    })
  })

  test('has an NHS number with a verification status, and no birth sex extension', () => {
    const nhs = patient?.identifier?.find(({ system }) => system === 'https://fhir.nhs.uk/Id/nhs-number')
    expect(nhs?.value).toBe('9990000018')
    expect(nhs?.extension?.[0]?.valueCodeableConcept?.coding?.[0]?.code).toBe('number-present-but-not-traced')
    expect(JSON.stringify(patient)).not.toContain('BirthSex')
    expect(all(bundle, 'Observation').some(({ code }) => code.text === 'Birth sex: F')).toBe(true)
  })

  test.each([
    ['a failed trace', '9990000018', 'number-present-but-failed-trace'],
    ['a wrong check digit', '9990000019', 'number-present-and-verified'],
  ])('an NHS number with %s is not sent', (_name, value, code) => {
    const marked = given.resources.map((each): FhirResource => {
      if (each.resourceType !== 'Patient') return each
      const url = 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus'
      const extension = [{ url, valueCodeableConcept: { coding: [{ code }] } }]
      const other: Patient = { ...each }
      other.identifier = [{ extension, system: 'https://fhir.nhs.uk/Id/nhs-number', value }]
      return other
    })
    const text = JSON.stringify(render({ resources: marked }).bundle)
    expect(text).not.toContain(value)
    expect(text).toMatch(/An NHS number was given/)
  })

  test('without any telephone still has one contact of rank 1', () => {
    const silent = given.resources.flatMap((each): FhirResource[] => {
      if (each.resourceType === 'RelatedPerson') return []
      if (each.resourceType !== 'Patient') return [each]
      const { telecom: _telecom, contact: _contact, ...rest } = each
      return [rest]
    })
    const [person] = all(render({ resources: silent }).bundle, 'Patient')
    expect(person?.contact).toHaveLength(1)
    expect(person?.contact?.[0]?.name?.family).toBe('Thistlewood')
  })
})

describe('the whole message', () => {
  test.each([
    ['validation', {}],
    ['referral', referral],
  ] as const)(
    '%s: fullUrls are unique, references resolve, every instant has seven digits',
    (_name, service) => {
      const { bundle } = render({ service })
      const urls = (bundle.entry ?? []).map(({ fullUrl: url }) => url)
      expect(new Set(urls).size).toBe(urls.length)
      const text = JSON.stringify(bundle)
      for (const [, reference] of text.matchAll(/"reference":"([^"]*)"/g)) {
        const inside = urls.includes(reference)
        expect(inside || /^EpisodeOfCare\//.test(reference ?? '') ? 'ok' : reference).toBe('ok')
      }
      for (const { resource } of bundle.entry ?? ([] as BundleEntry[])) {
        expect(resource?.meta?.lastUpdated).toBe('2026-11-21T09:00:00.1230000+00:00')
        expect(resource?.id).toBeUndefined()
      }
    },
  )

  test('a referral keeps conditions and relatives as resources, its plan completed', () => {
    const { bundle, headers } = render({ service: referral })
    expect(countsBroken(bundle, REFERRAL)).toEqual([])
    expect(all(bundle, 'Condition')).toHaveLength(1)
    expect(all(bundle, 'RelatedPerson')).toHaveLength(1)
    expect(all(bundle, 'CarePlan')[0]?.status).toBe('completed')
    expect(headers['use-context']).toBe('a1t5|referral|servicerequest-request|new')
  })

  test('a use case two parties agreed is never passed off as a national one', () => {
    const { bundle } = render({
      service: { useCase: { code: 'vw1', display: 'Virtual ward', bilateral: true } },
    })
    const codings = all(bundle, 'ServiceRequest')[0]?.category?.[0]?.coding ?? []
    expect(codings.map(({ system }) => system)).toEqual([
      'https://fhir.nhs.uk/CodeSystem/message-category-servicerequest',
      'https://onedoor.dev/fhir/CodeSystem/bilateral-use-case',
    ])
    // The referrer's own class, since no national application fixes one.
    expect(all(bundle, 'Encounter')[0]?.class.code).toBe('IMP')
  })

  test('a case that names nobody is completed honestly', () => {
    const bare = given.resources.filter(({ resourceType }) =>
      ['ServiceRequest', 'Patient', 'Task'].includes(resourceType),
    )
    const { bundle } = render({ resources: bare })
    expect(countsBroken(bundle, VALIDATION)).toEqual([])
    expect(all(bundle, 'Practitioner')[0]?.name?.[0]?.text).toBe('Not named in the referral')
  })

  test('the same delivery renders the same bytes whenever it is rendered', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('2026-01-01'), max: new Date('2027-01-01'), noInvalidDate: true }),
        (now) => {
          const again = render({ now: now.toISOString() as Instant })
          const first = render()
          expect(again.body).toEqual(first.body)
          expect(again.headers).toEqual(first.headers)
        },
      ),
      { numRuns: 20 },
    )
  })
})

describe('nothing of the case is lost', () => {
  /** Every word and number the sender gave; ids, references and the gateway's own Tasks are plumbing. */
  function leaves(value: unknown, name = ''): string[] {
    if (Array.isArray(value)) return value.flatMap((item) => leaves(item, name))
    if (typeof value === 'object' && value !== null) {
      return Object.entries(value)
        .filter(([key]) => !['id', 'meta', 'reference', 'resourceType', 'intent'].includes(key))
        .flatMap(([key, inner]) => leaves(inner, key))
    }
    // Rewritten on purpose: a telephone number in national digits, statuses the standard fixes.
    if (String(value).startsWith('+44')) return []
    return [String(value)]
  }
  const told = given.resources.filter(({ resourceType }) => resourceType !== 'Task')

  test.each([
    ['validation', {}],
    ['referral', referral],
  ] as const)('in a %s', (_name, service) => {
    const text = JSON.stringify(render({ service }).bundle)
    const lost = told
      .flatMap((resource) => leaves(resource))
      .filter((leaf) => !text.includes(JSON.stringify(leaf).slice(1, -1)))
    // The extension became an Observation, coded with the same url.
    expect(lost).toEqual([])
  })

  test('whatever text stands in any element', () => {
    const words = fc.stringMatching(/^[A-Za-z][A-Za-z ]{8,20}[a-z]$/)
    fc.assert(
      fc.property(words, words, words, (first, second, third) => {
        const extra: FhirResource[] = [
          {
            resourceType: 'Procedure',
            id: 'x1',
            status: 'completed',
            subject: { reference: 'Patient/p1' },
            outcome: { text: first },
            note: [{ text: second }],
          },
          {
            resourceType: 'Coverage',
            id: 'x2',
            status: 'active',
            beneficiary: { reference: 'Patient/p1' },
            payor: [{ display: third }],
          },
        ]
        const text = JSON.stringify(render({ resources: [...given.resources, ...extra] }).bundle)
        expect([first, second, third].filter((word) => !text.includes(word))).toEqual([])
      }),
      { numRuns: 40 },
    )
  })
})

describe('a cancellation', () => {
  const context = {
    serviceId: 'svc-ucr',
    reason: 'Admitted to hospital',
    receiverServiceRequestId: 'their-id-1',
  }
  const { bundle, headers } = render({
    delivery: { kind: 'cancel', id: '0191c5e0-6f00-7a11-8a11-0000000000d2', context },
  })
  const [request] = all(bundle, 'ServiceRequest')

  test('is the reduced message, by the id the receiver gave', () => {
    expect(countsBroken(bundle, CANCELLED)).toEqual([])
    expect(request).toMatchObject({
      id: 'their-id-1',
      status: 'revoked',
      reasonCode: [{ text: 'Admitted to hospital' }],
    })
    const [header] = all(bundle, 'MessageHeader')
    expect(header?.reason?.coding?.[0]?.code).toBe('update')
    expect(header?.definition).toBe(
      'https://fhir.nhs.uk/MessageDefinition/bars-message-servicerequest-request-cancelled',
    )
  })

  test('is in the conversation of its case, as another request', () => {
    expect(headers['X-Correlation-Id']).toBe(given.CASE_ID)
    expect(headers['X-Request-Id']).not.toBe(render().headers['X-Request-Id'])
    expect(headers['use-context']).toBe('a4t3|validation|servicerequest-request|update')
  })

  test('of a mistake says entered-in-error', () => {
    const mistaken = render({
      delivery: { kind: 'cancel', context: { serviceId: 'svc-ucr', mistake: true } },
    })
    expect(all(mistaken.bundle, 'ServiceRequest')[0]?.status).toBe('entered-in-error')
  })
})

describe('an update', () => {
  const context = { serviceId: 'svc-ucr', receiverServiceRequestId: 'their-id-1' }
  const id = '0191c5e0-6f00-7a11-8a11-0000000000d3'
  const { bundle, headers } = render({ delivery: { kind: 'update', id, context } })

  test('is the whole request again, another message under the id the receiver gave', () => {
    expect(countsBroken(bundle, VALIDATION)).toEqual([])
    expect(all(bundle, 'ServiceRequest')[0]).toMatchObject({ id: 'their-id-1', status: 'active' })
    expect(all(bundle, 'MessageHeader')[0]?.reason?.coding?.[0]?.code).toBe('update')
    expect(headers['use-context']).toBe('a4t3|validation|servicerequest-request|update')
    expect(bundle.id).not.toBe(render().bundle.id)
  })

  test('keeps the fullUrls of the offer, by which a receiver merges it', () => {
    const urls = (from: Bundle): (string | undefined)[] => (from.entry ?? []).map(({ fullUrl }) => fullUrl)
    expect(urls(bundle)).toEqual(urls(render().bundle))
  })

  test('of a referral is for a person: BaRS has none', () => {
    const over = { service: referral, delivery: { kind: 'update', id, context } }
    expect(() => render(over)).toThrow(expect.objectContaining({ code: 'event-unsupported' }))
  })
})

describe('what cannot be rendered is for a person', () => {
  test.each([
    ['an unknown service', { delivery: { context: { serviceId: 'nowhere' } } }, 'deployment-invalid'],
    ['a case without patient', { resources: given.resources.slice(0, 1) }, 'required-missing'],
    ['another kind', { delivery: { kind: 'reply' } }, 'event-unsupported'],
  ] as const)('%s', (_name, over, code) => {
    expect(() => render(over)).toThrow(expect.objectContaining({ code }))
  })
})

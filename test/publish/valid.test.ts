/** What leaves is valid FHIR R4: of a case with everything in it, and of referrals as hospitals write them. */
import { describe, expect, test } from '@jest/globals'
import type { Bundle, FhirResource } from 'fhir/r4.js'
import { parseMessage } from '../../src/codec/hl7v2/parse.js'
import { REQUEST, brokenCounts } from '../../src/codec/bars/definitions.js'
import type { Service } from '../../src/directory/types.js'
import { loadTranslation } from '../../src/main/translation.js'
import { createBarsPublisher } from '../../src/publish/bars/publisher.js'
import { createFhirPublisher } from '../../src/publish/fhir/publisher.js'
import { echoOf, answerMessage, type Verdict } from '../../src/simulate/bars-answers.js'
import { referral } from '../../src/simulate/referral-morning.js'
import { localise } from '../../src/translate/localise.js'
import type { Instant } from '../../src/terms/instant.js'
import type { FhirClient } from '../../src/wire/fhir-client.js'
import * as given from './offered-case.js'

const { translator, validate } = loadTranslation()
const client: FhirClient = {
  request: () => Promise.reject(new Error('render must not touch the network')),
  close: () => Promise.resolve(),
}
const bars = createBarsPublisher({ client, softwareVersion: '0.1.0' })
const fhir = createFhirPublisher({ client })
const AT = '2026-11-21T09:00:00.000Z' as Instant

const REFERRAL: Partial<Service> = {
  category: 'referral',
  useCase: { code: 'a1t5', display: '999 to ED', bilateral: false },
}
const BILATERAL: Partial<Service> = { useCase: { code: 'vw', display: 'Virtual ward', bilateral: true } }

interface Case {
  readonly caseId: string
  readonly resources: readonly FhirResource[]
}

/** The translated resources with the offer Task of the example case. */
function translated(index: number): Case {
  const { bytes } = referral(index, 'VALID', new Date(AT), { application: 'UHLPAS', facility: 'RWE' })
  const message = parseMessage(bytes)
  const translation = translator.translate(message, {
    sourceId: 'uhl',
    timeZone: 'Europe/London',
    overlays: ['uk'],
    receivedAt: AT,
  })
  expect(translation.ok).toBe(true)
  const told = translation.bundle === null ? [] : localise(translation.bundle)
  const request = told.find(({ resourceType }) => resourceType === 'ServiceRequest')
  const task = given.resources.find(({ id }) => id === given.OFFER_ID)
  return { caseId: request?.id ?? '', resources: [...told, ...(task === undefined ? [] : [task])] }
}

function render(publisher: typeof bars, of: Case, over: Partial<Service>, kind: string): Bundle {
  const receiver = given.receiverOf(given.barsReceives('https://receiver.example.org'))
  const delivery = given.delivery({ kind, caseId: of.caseId })
  const record = { ...given.record(of.resources), caseId: of.caseId }
  const { body } = publisher.render(delivery, record, {
    deployment: given.deployment(receiver, given.service(over)),
    receiver,
    now: AT,
    newId: () => 'not-used',
  })
  return JSON.parse(Buffer.from(body).toString('utf8')) as Bundle
}

const errorsOf = (bundle: Bundle): readonly string[] =>
  validate(bundle)
    .filter(({ severity }) => severity === 'error' || severity === 'fatal')
    .map(({ where, text }) => `${where}: ${text}`)

const full: Case = { caseId: given.CASE_ID, resources: given.resources }
const cases: readonly (readonly [string, () => Case])[] = [
  ['the full case', () => full],
  ...Array.from({ length: 6 }, (_, index) => [`referral ${index + 1}`, () => translated(index)] as const),
]

describe.each(cases)('%s', (_name, caseOf) => {
  test.each([
    ['validation', {}],
    ['bilateral validation', BILATERAL],
    ['referral', REFERRAL],
  ] as const)('as a BaRS %s', (_category, service) => {
    const bundle = render(bars, caseOf(), service, 'offer')
    expect(errorsOf(bundle)).toEqual([])
    const definition = REQUEST['category' in service ? 'referral' : 'validation']
    expect(brokenCounts(bundle, definition)).toEqual([])
  })

  test('as a BaRS cancellation', () => {
    expect(errorsOf(render(bars, caseOf(), {}, 'cancel'))).toEqual([])
  })

  test('as a FHIR transaction', () => {
    expect(errorsOf(render(fhir, caseOf(), {}, 'offer'))).toEqual([])
  })
})

describe('what the BaRS twin says is valid too', () => {
  let ids = 0
  const answering = {
    newId: () => `00000000-0000-4000-8000-${String(ids++).padStart(12, '0')}`,
    now: AT,
    serviceId: given.THEIR_SERVICE_ID,
  }
  const echo = echoOf(render(bars, full, {}, 'offer'), 'SIM-1', answering)

  test('its echo', () => expect(errorsOf(echo)).toEqual([]))

  test.each<[Verdict]>([
    [{ kind: 'accept' }],
    [{ kind: 'reject', code: 'OTH', text: 'No capacity' }],
    [{ kind: 'complete', text: 'Seen at home' }],
  ])('%j', (verdict) => {
    expect(errorsOf(answerMessage(echo, verdict, answering))).toEqual([])
  })
})

/** Offers as FHIR transactions: idempotent, complete, answered at the gateway's own Task. */
import { afterAll, afterEach, describe, expect, test } from '@jest/globals'
import type { Bundle, Task } from 'fhir/r4.js'
import { createFhirPublisher } from '../../../src/publish/fhir/publisher.js'
import type { Delivery, RenderedDelivery } from '../../../src/store/types.js'
import type { Instant } from '../../../src/terms/instant.js'
import { createFhirClient } from '../../../src/wire/fhir-client.js'
import { startReceiver, type Behaviour, type Receiver } from '../../wire/receiver.js'
import * as given from '../offered-case.js'

const client = createFhirClient({ connectTimeoutMs: 300, maxAnswerBytes: 1_000_000 })
const publisher = createFhirPublisher({ client })
let receiver: Receiver | undefined

afterEach(async () => {
  await receiver?.close()
  receiver = undefined
})
afterAll(() => client.close())

function render(over: Partial<Delivery> = {}): RenderedDelivery {
  const partner = given.receiverOf(given.fhirReceives('https://receiver.example.org'))
  return publisher.render(given.delivery({ channel: 'fhir', ...over }), given.record(), {
    deployment: given.deployment(partner, given.service()),
    receiver: partner,
    now: '2026-11-21T09:00:00.000Z' as Instant,
    newId: () => 'not-used',
  })
}

const bundleOf = ({ body }: RenderedDelivery): Bundle =>
  JSON.parse(Buffer.from(body).toString('utf8')) as Bundle
const urlsOf = (bundle: Bundle): string[] => (bundle.entry ?? []).map(({ request }) => request?.url ?? '')

describe('an offer', () => {
  const rendered = render()
  const bundle = bundleOf(rendered)
  const task = bundle.entry
    ?.map(({ resource }) => resource)
    .find((each): each is Task => each?.resourceType === 'Task')

  test('puts every resource under its own id, so that a repeat changes nothing', () => {
    expect(bundle.type).toBe('transaction')
    expect(new Set(urlsOf(bundle)).size).toBe(urlsOf(bundle).length)
    for (const { request, resource } of bundle.entry ?? []) {
      expect(request).toEqual({ method: 'PUT', url: `${resource?.resourceType}/${resource?.id}` })
    }
    expect(render().body).toEqual(rendered.body)
    expect(publisher.repeatsSafely(given.fhirReceives('x'))).toBe(true)
  })

  test('holds the case, the directory entries it names, and only this offer of our Tasks', () => {
    const urls = urlsOf(bundle)
    const told = given.resources.filter(({ resourceType }) => resourceType !== 'Task')
    for (const { resourceType, id } of told) expect(urls).toContain(`${resourceType}/${id}`)
    expect(urls).toContain('Organization/org-ucr')
    expect(urls).toContain('HealthcareService/svc-ucr')
    expect(urls.filter((url) => url.startsWith('Task/'))).toEqual([`Task/${given.OFFER_ID}`])
  })

  test('tells the service where to report', () => {
    expect(task?.identifier).toContainEqual({
      system: 'urn:ietf:rfc:3986',
      value: `${given.PUBLIC_URL}/FHIR/R4/Task/${given.OFFER_ID}`,
    })
    expect(rendered.correlation).toBe(given.OFFER_ID)
  })

  test('refers to what it does not hold at the gateway', () => {
    expect(task?.partOf?.[0]?.reference).toBe(`${given.PUBLIC_URL}/FHIR/R4/Task/coordinating`)
    expect(JSON.stringify(bundle)).toContain(`"url":"${given.PUBLIC_URL}/FHIR/R4/Binary/b1"`)
  })
})

test('a cancellation changes the Task alone', () => {
  const bundle = bundleOf(render({ kind: 'cancel', context: { reason: 'Taken elsewhere' } }))
  expect(urlsOf(bundle)).toEqual([`Task/${given.OFFER_ID}`])
  expect(bundle.entry?.[0]?.resource).toMatchObject({
    status: 'cancelled',
    statusReason: { text: 'Taken elsewhere' },
  })
})

describe('sending', () => {
  const send = async (behave: Behaviour) => {
    receiver = await startReceiver(behave)
    return publisher.send(render(), given.fhirReceives(receiver.url, 400), new AbortController().signal)
  }
  const answering =
    (status: number, body: string): Behaviour =>
    (_request, response) =>
      response.writeHead(status).end(body)
  const responded = '{"resourceType":"Bundle","type":"transaction-response"}'

  test('a transaction-response means received', async () => {
    expect(await send(answering(200, responded))).toMatchObject({
      httpStatus: 200,
      says: { kind: 'received' },
    })
    expect(receiver?.received[0]).toMatchObject({ method: 'POST', url: '/FHIR/R4/' })
  })

  test.each([
    ['200 without a Bundle', answering(200, 'ok'), 'receiver-answer-unreadable'],
    ['429', answering(429, ''), 'receiver-busy'],
    ['503', answering(503, ''), 'receiver-busy'],
    ['500', answering(500, ''), 'receiver-silent'],
    ['400', answering(400, '{"resourceType":"OperationOutcome","issue":[]}'), 'receiver-rejected'],
    ['412', answering(412, ''), 'receiver-rejected'],
    ['silence', () => undefined, 'receiver-silent'],
    ['a cut', (_request, _response, socket) => socket.destroy(), 'receiver-cut-off'],
  ] satisfies [string, Behaviour, string][])('%s', async (_name, behave, code) => {
    await expect(send(behave)).rejects.toMatchObject({ code })
  })
})

/** What each answer of a BaRS receiver means for the next attempt (BaRS section 5), on real sockets. */
import { afterAll, afterEach, describe, expect, test } from '@jest/globals'
import type { OperationOutcomeIssue } from 'fhir/r4.js'
import type { ServerResponse } from 'node:http'
import { issuedServiceRequestId } from '../../../src/codec/bars/issued-ids.js'
import { createBarsPublisher } from '../../../src/publish/bars/publisher.js'
import type { Service } from '../../../src/directory/types.js'
import type { SendResult } from '../../../src/flow/ports.js'
import { Fault } from '../../../src/terms/fault.js'
import type { Instant } from '../../../src/terms/instant.js'
import { createFhirClient } from '../../../src/wire/fhir-client.js'
import { startReceiver, type Behaviour, type Received, type Receiver } from '../../wire/receiver.js'
import * as given from '../offered-case.js'

const client = createFhirClient({ connectTimeoutMs: 300, maxAnswerBytes: 1_000_000 })
const publisher = createBarsPublisher({ client, softwareVersion: '0.1.0' })
let receiver: Receiver | undefined

afterEach(async () => {
  await receiver?.close()
  receiver = undefined
})
afterAll(() => client.close())

async function send(behave: Behaviour, over: Partial<Service> = {}, kind = 'offer'): Promise<SendResult> {
  receiver = await startReceiver(behave)
  const receives = given.barsReceives(receiver.url, 400)
  const partner = given.receiverOf(receives)
  const rendered = publisher.render(given.delivery({ kind }), given.record(), {
    deployment: given.deployment(partner, given.service(over)),
    receiver: partner,
    now: '2026-11-21T09:00:00.000Z' as Instant,
    newId: () => 'not-used',
  })
  return publisher.send(rendered, receives, new AbortController().signal)
}

const ids = ({ headers }: Received): Record<string, string> => ({
  'X-Request-Id': String(headers['x-request-id']),
  'X-Correlation-Id': String(headers['x-correlation-id']),
})

const outcome = (code: string, issue: Partial<OperationOutcomeIssue> = {}): string =>
  JSON.stringify({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code, ...issue }] })

const answering =
  (
    status: number,
    body: string | ((request: Received) => string),
    extra: Record<string, string> = {},
  ): Behaviour =>
  (request, response: ServerResponse) => {
    response.writeHead(status, { ...ids(request), ...extra })
    response.end(typeof body === 'string' ? body : body(request))
  }

/** The request echoed with an id of the receiver's own. */
const echoed = ({ body }: Received): string =>
  body.replace('{"resourceType":"ServiceRequest"', '{"resourceType":"ServiceRequest","id":"their-own-id"')

const referral = {
  category: 'referral',
  useCase: { code: 'a1t5', display: '999 to ED', bilateral: false },
} as const

describe('accepted', () => {
  test('a validation is received: somebody still has to decide', async () => {
    const result = await send(answering(200, echoed))
    expect(result).toMatchObject({ httpStatus: 200, says: { kind: 'received' } })
    expect(receiver?.received[0]?.url).toBe('/FHIR/R4/$process-message')
    expect(issuedServiceRequestId(result.answer)).toBe('their-own-id')
  })

  test('a referral is accepted by its synchronous 200', async () => {
    expect((await send(answering(200, echoed), referral)).says).toEqual({
      kind: 'accepted',
      reference: { value: 'their-own-id' },
    })
  })

  test('a cancelled referral accepts nothing', async () => {
    expect((await send(answering(200, echoed), referral, 'cancel')).says.kind).toBe('received')
  })

  test('409 duplicate: an earlier attempt arrived', async () => {
    expect((await send(answering(409, outcome('duplicate')), referral)).says).toEqual({ kind: 'accepted' })
  })
})

const noIds: Behaviour = (request, response) => response.end(echoed(request))
const wrongIds: Behaviour = (request, response) => {
  response.writeHead(200, { ...ids(request), 'X-Request-Id': '00000000-0000-4000-8000-000000000000' })
  response.end(echoed(request))
}

describe('refused or lost', () => {
  test.each([
    ['425 too early', answering(425, outcome('duplicate')), 'receiver-busy', 'retry'],
    ['429 throttled', answering(429, outcome('throttled')), 'receiver-busy', 'retry'],
    ['503', answering(503, outcome('transient'), { 'Retry-After': '30' }), 'receiver-busy', 'retry'],
    ['503 of something in between', answering(503, 'no healthy upstream'), 'receiver-busy', 'retry'],
    ['500 transient', answering(500, outcome('transient')), 'receiver-busy', 'retry'],
    ['408', answering(408, outcome('timeout')), 'receiver-silent', 'unsure'],
    ['504', answering(504, ''), 'receiver-silent', 'unsure'],
    ['silence', () => undefined, 'receiver-silent', 'unsure'],
    ['a cut', (_request, _response, socket) => socket.destroy(), 'receiver-cut-off', 'unsure'],
    ['200 without ids', noIds, 'receiver-answer-unreadable', 'unsure'],
    ['200 with the ids of another request', wrongIds, 'receiver-answer-unreadable', 'unsure'],
    ['200 that is not JSON', answering(200, '<html>'), 'receiver-answer-unreadable', 'unsure'],
    [
      '200 with another resource',
      answering(200, outcome('informational')),
      'receiver-answer-unreadable',
      'unsure',
    ],
    ['500 without an OperationOutcome', answering(500, 'oops'), 'receiver-answer-unreadable', 'unsure'],
    ['500 exception', answering(500, outcome('exception')), 'receiver-rejected', 'never'],
    ['400', answering(400, outcome('invariant')), 'receiver-rejected', 'never'],
    ['401', answering(401, outcome('security')), 'receiver-rejected', 'never'],
    ['403', answering(403, outcome('forbidden')), 'receiver-rejected', 'never'],
    ['404', answering(404, outcome('not-found')), 'receiver-rejected', 'never'],
    ['409 conflict', answering(409, outcome('conflict')), 'receiver-rejected', 'never'],
    ['422', answering(422, outcome('not-supported')), 'receiver-rejected', 'never'],
    ['a redirect', answering(302, '', { Location: 'http://127.0.0.1:1/' }), 'receiver-rejected', 'never'],
  ] satisfies [string, Behaviour, string, string][])('%s', async (_name, behave, code, faultClass) => {
    const thrown: unknown = await send(behave).catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(Fault)
    expect(thrown).toMatchObject({ code, meaning: { class: faultClass } })
  })

  test('the cause is told without patient data', async () => {
    const details = { coding: [{ code: 'REC_UNPROCESSABLE_ENTITY' }] }
    const diagnostics = 'No such patient 999 000 0018 here'
    const thrown: unknown = await send(
      answering(422, outcome('not-supported', { details, diagnostics })),
    ).catch((error: unknown) => error)
    expect(thrown).toMatchObject({
      message:
        'The receiver answered HTTP 422 REC_UNPROCESSABLE_ENTITY / not-supported: No such patient [number] here.',
    })
  })

  test('a wait it asks for is told', async () => {
    const thrown: unknown = await send(answering(503, '', { 'Retry-After': '30' })).catch(
      (error: unknown) => error,
    )
    expect(thrown).toMatchObject({ retryAfterMs: 30_000 })
  })
})

test('a repeat is safe: BaRS receivers discard a known pair of ids', () => {
  expect(publisher.repeatsSafely(given.barsReceives('https://receiver.example.org'))).toBe(true)
})

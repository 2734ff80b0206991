/** The BaRS face on a real socket: every refusal of section 5, in the order of section 7. */
import { afterEach, describe, expect, test } from '@jest/globals'
import express from 'express'
import type { Bundle, MessageHeader, OperationOutcome } from 'fhir/r4.js'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { barsRouter, type BarsFace } from '../../../src/channels/bars/router.js'
import { resourcesOf } from '../../../src/codec/bars/message.js'
import type { AnswerOutcome, IncomingAnswer } from '../../../src/flow/ports.js'
import type { Quarantined } from '../../../src/store/types.js'
import { Fault } from '../../../src/terms/fault.js'
import type { Instant } from '../../../src/terms/instant.js'
import * as given from '../../publish/offered-case.js'
import { REQUEST_BUNDLE_ID, response, type ResponseParts } from './responses.js'

const IDS = {
  'X-Request-Id': '33333333-3333-4333-8333-333333333333',
  'X-Correlation-Id': '44444444-4444-4444-8444-444444444444',
}
const HEADERS = {
  ...IDS,
  Accept: 'application/fhir+json; version=1.5.0',
  'Content-Type': 'application/fhir+json',
}

let servers: Server[] = []
let answers: IncomingAnswer[] = []
let quarantined: Quarantined[] = []

afterEach(() => {
  for (const server of servers) {
    server.close()
    server.closeAllConnections()
  }
  servers = []
})

async function start(over: Partial<BarsFace> = {}): Promise<string> {
  answers = []
  quarantined = []
  let next = 0
  const app = express()
  app.disable('x-powered-by')
  app.use(
    '/bars/FHIR/R4',
    barsRouter({
      deployment: given.deployment(given.receiverOf(given.barsReceives('http://unused')), given.service()),
      receiveAnswer: (answer) => {
        answers.push(answer)
        return Promise.resolve({ kind: 'recorded', caseId: given.CASE_ID })
      },
      quarantine: (input) => {
        quarantined.push(input)
        return Promise.resolve()
      },
      now: () => '2026-11-21T10:00:00.000Z' as Instant,
      newId: () => `id-${next++}`,
      ...over,
    }),
  )
  const server = app.listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return `http://127.0.0.1:${port}/bars/FHIR/R4`
}

interface Posted {
  readonly parts?: ResponseParts
  readonly body?: string
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly face?: Partial<BarsFace>
}

async function post({ parts, body, headers, face }: Posted): Promise<Response> {
  const base = await start(face)
  const sent = Object.entries({ ...HEADERS, ...headers }).filter(
    (each): each is [string, string] => each[1] !== undefined,
  )
  return fetch(`${base}/$process-message`, {
    method: 'POST',
    headers: Object.fromEntries(sent),
    body: body ?? JSON.stringify(response(parts ?? { kind: 'interim' })),
  })
}

const outcomeOf = async (answer: Response): Promise<string> => {
  const outcome = (await answer.json()) as OperationOutcome
  expect(outcome.resourceType).toBe('OperationOutcome')
  const coding = outcome.issue[0]?.details?.coding?.[0]
  expect(coding?.system).toBe('https://fhir.nhs.uk/CodeSystem/http-error-codes')
  expect(coding?.display).toBe(`${answer.status} - ${coding?.code}`)
  return `${answer.status} ${coding?.code} ${outcome.issue[0]?.code}`
}

describe('an answer that is taken', () => {
  test('is echoed with ids where the sender left them to us, its own ids on the reply', async () => {
    const reply = await post({})
    expect(reply.status).toBe(200)
    expect(reply.headers.get('content-type')).toContain('application/fhir+json')
    expect(reply.headers.get('x-request-id')).toBe(IDS['X-Request-Id'])
    expect(reply.headers.get('x-correlation-id')).toBe(IDS['X-Correlation-Id'])
    const echoed = (await reply.json()) as Bundle
    expect(echoed.id).toBe(response({ kind: 'interim' }).id)
    expect(echoed.entry?.every(({ resource }) => resource?.id !== undefined)).toBe(true)
  })

  test('reaches the flow with its bytes, its sender and what it answers', async () => {
    const reply = await post({ parts: { kind: 'interim', encounter: { status: 'in-progress' } } })
    const text = await reply.text()
    expect(answers).toHaveLength(1)
    expect(answers[0]).toMatchObject({
      correlation: REQUEST_BUNDLE_ID,
      answer: { kind: 'accepted' },
      from: { id: 'ucr' },
      message: {
        channel: 'bars',
        sender: 'ucr',
        kind: 'servicerequest-response',
        messageId: `${IDS['X-Request-Id']}/${IDS['X-Correlation-Id']}`,
      },
    })
    expect(Buffer.from(answers[0]?.message.answer ?? []).toString()).toBe(text)
    expect(JSON.parse(Buffer.from(answers[0]?.message.raw ?? []).toString())).toHaveProperty(
      'type',
      'message',
    )
    expect(quarantined).toEqual([])
  })
})

const flow =
  (result: AnswerOutcome | Fault): BarsFace['receiveAnswer'] =>
  () =>
    result instanceof Fault ? Promise.reject(result) : Promise.resolve(result)

const edited = (edit: (bundle: Bundle) => void): string => {
  const bundle = response({ kind: 'interim' })
  edit(bundle)
  return JSON.stringify(bundle)
}
const header = (bundle: Bundle): MessageHeader => {
  const [found] = resourcesOf(bundle, 'MessageHeader')
  if (found === undefined) throw new Error('the message has a header')
  return found
}

describe('refused', () => {
  test.each<[string, Posted, string]>([
    ['no request id', { headers: { 'X-Request-Id': undefined } }, '400 REC_BAD_REQUEST invalid'],
    ['no correlation id', { headers: { 'X-Correlation-Id': undefined } }, '400 REC_BAD_REQUEST invalid'],
    ['a request id that is no UUID', { headers: { 'X-Request-Id': '12' } }, '400 REC_BAD_REQUEST value'],
    [
      'another major version',
      { headers: { Accept: 'application/fhir+json; version=2.0.0' } },
      '406 REC_NOT_ACCEPTABLE processing',
    ],
    ['another media type wanted', { headers: { Accept: 'text/html' } }, '406 REC_NOT_ACCEPTABLE processing'],
    [
      'another media type sent',
      { headers: { 'Content-Type': 'text/plain' } },
      '415 REC_UNSUPPORTED_MEDIA_TYPE not-supported',
    ],
    [
      'a target that is not Base64',
      { headers: { 'NHSD-Target-Identifier': '{"a":1}' } },
      '400 REC_BAD_REQUEST value',
    ],
    [
      'an organisation that is not JSON',
      { headers: { 'NHSD-End-User-Organisation': 'aGVsbG8=' } },
      '400 REC_BAD_REQUEST value',
    ],
    ['bad JSON', { body: '{"resourceType":' }, '400 REC_BAD_REQUEST structure'],
    ['JSON too deep', { body: '['.repeat(65) + ']'.repeat(65) }, '400 REC_BAD_REQUEST structure'],
    ['no message', { body: '{"resourceType":"Bundle","type":"batch"}' }, '400 REC_BAD_REQUEST structure'],
    [
      'no MessageHeader',
      { body: edited((bundle) => bundle.entry?.shift()) },
      '400 REC_BAD_REQUEST invariant',
    ],
    [
      'no versionId',
      { body: edited((bundle) => delete bundle.meta?.versionId) },
      '400 REC_BAD_REQUEST invariant',
    ],
    [
      'an unknown application version',
      { parts: { kind: 'interim', version: '9.0.0' } },
      '422 REC_UNPROCESSABLE_ENTITY not-supported',
    ],
    [
      'for another service',
      {
        body: edited(
          (b) => (header(b).destination = [{ endpoint: 'https://fhir.nhs.uk/Id/dos-service-id|1' }]),
        ),
      },
      '404 REC_NOT_FOUND not-found',
    ],
    [
      'routed to another service',
      { headers: { 'NHSD-Target-Identifier': Buffer.from('{"system":"x","value":"1"}').toString('base64') } },
      '404 REC_NOT_FOUND not-found',
    ],
    [
      'a request instead of an answer',
      {
        body: edited(
          (b) =>
            (header(b).eventCoding = {
              system: 'https://fhir.nhs.uk/CodeSystem/message-events-bars',
              code: 'servicerequest-request',
            }),
        ),
      },
      '422 REC_UNPROCESSABLE_ENTITY not-supported',
    ],
    [
      'a booking',
      {
        body: edited(
          (b) =>
            (header(b).eventCoding = {
              system: 'https://fhir.nhs.uk/CodeSystem/message-events-bars',
              code: 'booking-request',
            }),
        ),
      },
      '422 REC_UNPROCESSABLE_ENTITY not-supported',
    ],
    [
      'a booking response',
      {
        body: edited(
          (b) =>
            (header(b).eventCoding = {
              system: 'https://fhir.nhs.uk/CodeSystem/message-events-bars',
              code: 'booking-response',
            }),
        ),
      },
      '400 REC_BAD_REQUEST invariant',
    ],
    [
      'no response identifier',
      { parts: { kind: 'interim', identifier: null } },
      '400 REC_BAD_REQUEST invariant',
    ],
    [
      'a combination in no row',
      { parts: { kind: 'interim', encounter: { status: 'planned' } } },
      '400 REC_BAD_REQUEST invariant',
    ],
    [
      'a broken MessageDefinition',
      { body: edited((bundle) => bundle.entry?.pop()) },
      '400 REC_BAD_REQUEST invariant',
    ],
    [
      'an unknown MessageDefinition',
      { body: edited((b) => (header(b).definition = 'https://example.org/other')) },
      '422 REC_UNPROCESSABLE_ENTITY not-supported',
    ],
    [
      'an unknown sender',
      { body: edited((b) => (header(b).source.endpoint = 'https://fhir.nhs.uk/Id/dos-service-id|77')) },
      '401 REC_UNAUTHORIZED security',
    ],
    [
      'an unknown request',
      { face: { receiveAnswer: flow(new Fault('case-unknown', 'unknown')) } },
      '404 REC_NOT_FOUND not-found',
    ],
    [
      'a case that moved on',
      { face: { receiveAnswer: flow(new Fault('transition-refused', 'closed')) } },
      '409 REC_CONFLICT conflict',
    ],
    [
      'the same message again',
      { face: { receiveAnswer: flow({ kind: 'duplicate', reply: null }) } },
      '409 REC_CONFLICT duplicate',
    ],
    [
      'the same ids, another body',
      { face: { receiveAnswer: flow({ kind: 'conflict' }) } },
      '409 REC_CONFLICT conflict',
    ],
    [
      'a store that is busy',
      { face: { receiveAnswer: flow(new Fault('store-busy', 'busy')) } },
      '503 REC_UNAVAILABLE transient',
    ],
    [
      'anything unexpected',
      { face: { receiveAnswer: () => Promise.reject(new Error('secret')) } },
      '500 REC_SERVER_ERROR exception',
    ],
    [
      'work that takes too long',
      { face: { receiveAnswer: () => new Promise(() => undefined), limits: { answerWithinMs: 20 } } },
      '408 REC_TIMEOUT timeout',
    ],
  ])('%s', async (_name, posted, expected) => {
    const reply = await post(posted)
    const { headers = {} } = posted
    for (const name of ['X-Request-Id', 'X-Correlation-Id'] as const) {
      const sent = name in headers ? headers[name] : IDS[name]
      expect(reply.headers.get(name)).toBe(sent ?? null)
    }
    expect(await outcomeOf(reply)).toBe(expected)
    if (!expected.includes('409')) expect(answers).toEqual([])
  })

  test('its bytes, its reason and its answer are kept', async () => {
    const reply = await post({ body: '{"resourceType":' })
    const text = await reply.text()
    expect(quarantined).toHaveLength(1)
    expect(quarantined[0]).toMatchObject({
      channel: 'bars',
      fault: 'json-invalid',
      messageId: `${IDS['X-Request-Id']}/${IDS['X-Correlation-Id']}`,
    })
    expect(Buffer.from(quarantined[0]?.raw ?? []).toString()).toBe('{"resourceType":')
    expect(Buffer.from(quarantined[0]?.answer ?? []).toString()).toBe(text)
  })

  test('a repeat and a busy store are not refusals of the message', async () => {
    await post({ face: { receiveAnswer: flow({ kind: 'duplicate', reply: null }) } })
    expect(quarantined).toEqual([])
    await post({ face: { receiveAnswer: flow(new Fault('store-busy', 'busy')) } })
    expect(quarantined).toEqual([])
  })

  test('a body at the limit is read, one byte past it is not', async () => {
    const body = JSON.stringify(response({ kind: 'interim' }))
    const limit = Buffer.byteLength(body)
    expect((await post({ body, face: { limits: { maxBodyBytes: limit } } })).status).toBe(200)
    const over = await post({ body: `${body} `, face: { limits: { maxBodyBytes: limit } } })
    expect(await outcomeOf(over)).toBe('422 REC_UNPROCESSABLE_ENTITY too-long')
  })
})

describe('the rest of the face', () => {
  test.each(['GET', 'PUT', 'DELETE', 'PATCH'])('%s $process-message is 405 with Allow', async (method) => {
    const reply = await fetch(`${await start()}/$process-message`, { method, headers: IDS })
    expect(reply.headers.get('allow')).toBe('POST')
    expect(await outcomeOf(reply)).toBe('405 REC_METHOD_NOT_ALLOWED not-supported')
  })

  test.each(['Slot', 'Appointment', 'Appointment/1', 'ServiceRequest/1'])('%s is not built', async (path) => {
    const reply = await fetch(`${await start()}/${path}`, { headers: IDS })
    expect(await outcomeOf(reply)).toBe('501 REC_NOT_IMPLEMENTED not-supported')
  })

  test('another path is no endpoint', async () => {
    const reply = await fetch(`${await start()}/slot`, { headers: IDS })
    expect(await outcomeOf(reply)).toBe('404 REC_NOT_FOUND not-found')
  })

  test('metadata says what is sent and received, without asking for ids', async () => {
    const reply = await fetch(`${await start()}/metadata`)
    expect(reply.status).toBe(200)
    const statement = await reply.json()
    expect(statement).toMatchObject({
      resourceType: 'CapabilityStatement',
      version: '1.5.0',
      fhirVersion: '4.0.1',
      rest: [{ mode: 'server' }, { mode: 'client' }],
    })
    expect(statement.messaging[0].supportedMessage).toContainEqual({
      mode: 'receiver',
      definition:
        'https://fhir.nhs.uk/MessageDefinition/bars-message-servicerequest-response-validation-interim',
    })
  })

  const context = (value: string): string => `/MessageDefinition?context=${encodeURIComponent(value)}`
  const DOS = 'https://fhir.nhs.uk/Id/dos-service-id'

  test('MessageDefinition lists the answers our service takes', async () => {
    const useCase = encodeURIComponent('https://fhir.nhs.uk/CodeSystem/usecases-categories-bars|a4t3')
    const url = `${await start()}${context(`${DOS}|2000000001`)}&context=${useCase}`
    const bundle = (await (await fetch(url, { headers: IDS })).json()) as Bundle
    expect(bundle).toMatchObject({ type: 'searchset', total: 4 })
    expect(JSON.stringify(bundle.entry?.[0]?.resource)).toContain('"code":"2000000001"')
  })

  test.each([
    ['no context', '/MessageDefinition', '400 REC_BAD_REQUEST required'],
    ['another service', context(`${DOS}|1`), '404 REC_NOT_FOUND not-found'],
    ['a bare unknown value', context('nothing'), '404 REC_NOT_FOUND not-found'],
  ])('MessageDefinition: %s', async (_name, path, expected) => {
    expect(await outcomeOf(await fetch(`${await start()}${path}`, { headers: IDS }))).toBe(expected)
  })
})

/** The BaRS twin against the real publisher and the real BaRS face, all on real sockets. */
import { afterEach, describe, expect, test } from '@jest/globals'
import express from 'express'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { barsRouter } from '../../src/channels/bars/router.js'
import { issuedServiceRequestId } from '../../src/codec/bars/issued-ids.js'
import type { Service } from '../../src/directory/types.js'
import type { IncomingAnswer } from '../../src/flow/ports.js'
import { createBarsPublisher } from '../../src/publish/bars/publisher.js'
import { startBarsReceiver, type BarsReceiverOptions } from '../../src/simulate/bars-receiver.js'
import { createEmit } from '../../src/simulate/events.js'
import type { RenderedDelivery } from '../../src/store/types.js'
import { instantOf, type Instant } from '../../src/terms/instant.js'
import { createFhirClient } from '../../src/wire/fhir-client.js'
import * as given from '../publish/offered-case.js'

const stops: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

interface Event {
  readonly event: string
  readonly [name: string]: unknown
}

interface Scene {
  readonly events: Event[]
  readonly answers: IncomingAnswer[]
  readonly logFile: string
  readonly rendered: RenderedDelivery
  send(rendered?: RenderedDelivery, timeoutMs?: number): Promise<unknown>
}

async function scene(
  twinOver: Partial<BarsReceiverOptions> = {},
  offered: Partial<Service> = {},
): Promise<Scene> {
  const answers: IncomingAnswer[] = []
  const seen = new Set<string>()
  const service = given.service(offered)
  const app = express()
  app.use(
    '/bars/FHIR/R4',
    barsRouter({
      deployment: given.deployment(given.receiverOf(given.barsReceives('http://unused')), service),
      receiveAnswer: (answer) => {
        const isRepeat = seen.has(answer.message.messageId)
        seen.add(answer.message.messageId)
        if (isRepeat) return Promise.resolve({ kind: 'duplicate', reply: null })
        answers.push(answer)
        return Promise.resolve({ kind: 'recorded', caseId: given.CASE_ID })
      },
      quarantine: () => Promise.resolve(),
      now: () => instantOf(new Date()),
      newId: randomUUID,
    }),
  )
  const gateway = app.listen(0, '127.0.0.1')
  await once(gateway, 'listening')
  stops.push(() => {
    gateway.close()
    gateway.closeAllConnections()
  })
  const events: Event[] = []
  const logFile = join(mkdtempSync(join(tmpdir(), 'twin-')), 'received.log')
  const deps = {
    write: (line: string) => void events.push(JSON.parse(line) as Event),
    now: () => instantOf(new Date()),
    newId: randomUUID,
  }
  const options: BarsReceiverOptions = {
    port: 0,
    gateway: `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`,
    serviceId: given.THEIR_SERVICE_ID,
    decide: 'accept',
    delayMs: 5,
    downFirst: 0,
    misbehave: undefined,
    ...twinOver,
  }
  const twin = await startBarsReceiver(options, createEmit(deps, logFile), deps)
  stops.push(twin.close)
  const client = createFhirClient({ connectTimeoutMs: 500, maxAnswerBytes: 1_000_000 })
  stops.push(client.close)
  const publisher = createBarsPublisher({ client, softwareVersion: '0.1.0' })
  const receives = given.barsReceives(`http://127.0.0.1:${twin.port}`)
  const receiver = given.receiverOf(receives)
  const context = {
    deployment: given.deployment(receiver, service),
    receiver,
    now: '2026-11-21T09:00:00.000Z' as Instant,
    newId: randomUUID,
  }
  const render = (kind: string): RenderedDelivery =>
    publisher.render(given.delivery({ kind, id: randomUUID() }), given.record(), context)
  const rendered = render('offer')
  return {
    events,
    answers,
    logFile,
    rendered,
    send: (message = rendered, timeoutMs = 2_000) =>
      publisher.send(message, { ...receives, timeoutMs }, new AbortController().signal),
  }
}

async function until(isSo: () => boolean): Promise<void> {
  const end = Date.now() + 5_000
  while (!isSo()) {
    if (Date.now() > end) throw new Error('it did not happen within 5 s')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const answered = ({ events }: Scene): Event[] => events.filter(({ event }) => event === 'answered')
const referral: Partial<Service> = {
  category: 'referral',
  useCase: { code: 'a1t5', display: '999 to ED', bilateral: false },
}

describe('what it decides reaches the case', () => {
  test('accept: an interim answer', async () => {
    const scened = await scene()
    const sent = (await scened.send()) as { answer: Uint8Array }
    expect(issuedServiceRequestId(sent.answer)).toMatch(/^[0-9a-f-]{36}$/)
    await until(() => answered(scened).length === 1)
    expect(answered(scened)[0]).toMatchObject({ verdict: 'accept', status: 200 })
    expect(scened.answers[0]).toMatchObject({
      correlation: scened.rendered.correlation,
      from: { id: 'ucr' },
      answer: { kind: 'accepted', reference: { value: `SIM-${given.THEIR_SERVICE_ID}-1` } },
    })
  })

  test('complete: an interim, then a full answer', async () => {
    const scened = await scene({ decide: 'complete' })
    await scened.send()
    await until(() => answered(scened).length === 2)
    expect(answered(scened).map(({ status }) => status)).toEqual([200, 200])
    expect(scened.answers.map(({ answer }) => answer.kind)).toEqual(['accepted', 'completed'])
  })

  test('reject: an interim with a reason', async () => {
    const scened = await scene({ decide: 'reject' })
    await scened.send()
    await until(() => scened.answers.length === 1)
    expect(scened.answers[0]?.answer).toEqual({
      kind: 'rejected',
      reason: {
        codings: [{ system: 'https://fhir.nhs.uk/CodeSystem/rejected-reasons-bars', code: 'OTH' }],
        text: 'OTH: No capacity for this need today',
      },
    })
  })

  test('a referral is accepted at once and only its outcome follows', async () => {
    const scened = await scene({ decide: 'complete' }, referral)
    expect(await scened.send()).toMatchObject({ says: { kind: 'accepted' } })
    await until(() => answered(scened).length === 1)
    expect(answered(scened)[0]).toMatchObject({ status: 200 })
    expect(scened.answers.map(({ answer }) => answer.kind)).toEqual(['completed'])
  })
})

describe('it behaves as a receiver must', () => {
  test('a repeat is 409 duplicate, which the publisher takes for success, and is answered once', async () => {
    const scened = await scene()
    await scened.send()
    expect(await scened.send()).toMatchObject({ httpStatus: 409, says: { kind: 'received' } })
    await until(() => answered(scened).length === 1)
    expect(scened.events.map(({ event }) => event).sort()).toEqual(['answered', 'duplicate', 'received'])
  })

  test('what it received stands in its log', async () => {
    const scened = await scene({ decide: 'silent' })
    await scened.send()
    const lines = readFileSync(scened.logFile, 'utf8').trim().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as Event)['messageId'])).toEqual([
      scened.rendered.correlation,
    ])
  })

  test('another service’s message is refused', async () => {
    const scened = await scene({ serviceId: '1' })
    await expect(scened.send()).rejects.toMatchObject({ code: 'receiver-rejected' })
  })
})

describe('it goes wrong on demand', () => {
  test('down first, then up', async () => {
    const scened = await scene({ downFirst: 1, decide: 'silent' })
    await expect(scened.send()).rejects.toMatchObject({ code: 'receiver-busy' })
    expect(await scened.send()).toMatchObject({ httpStatus: 200 })
  })

  test.each([
    ['silent', 'receiver-silent'],
    ['error-500', 'receiver-rejected'],
    ['error-503', 'receiver-busy'],
    ['reject-422', 'receiver-rejected'],
    ['wrong-ids', 'receiver-answer-unreadable'],
  ] as const)('%s', async (misbehave, code) => {
    const scened = await scene({ misbehave })
    await expect(scened.send(undefined, 300)).rejects.toMatchObject({ code })
  })

  test('cut: it has the message all the same, as the repeat shows', async () => {
    const scened = await scene({ misbehave: 'cut' })
    await expect(scened.send()).rejects.toMatchObject({ code: 'receiver-cut-off' })
    expect(await scened.send()).toMatchObject({ httpStatus: 409, says: { kind: 'received' } })
  })

  test('slow: later than a patient sender waits', async () => {
    const scened = await scene({ misbehave: 'slow', decide: 'silent' })
    expect(await scened.send(undefined, 10_000)).toMatchObject({ httpStatus: 200 })
  })

  test('duplicate-answer: the gateway discards the second', async () => {
    const scened = await scene({ misbehave: 'duplicate-answer' })
    await scened.send()
    await until(() => answered(scened).length === 2)
    expect(answered(scened).map(({ status }) => status)).toEqual([200, 409])
    expect(scened.answers).toHaveLength(1)
  })
})

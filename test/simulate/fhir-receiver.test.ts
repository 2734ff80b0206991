/** The FHIR twin: takes the transaction, reports by updating the Task under the version it read. */
import { afterEach, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import type { Task } from 'fhir/r4.js'
import { createFhirPublisher } from '../../src/publish/fhir/publisher.js'
import type { ReceiverOptions } from '../../src/simulate/bars-receiver.js'
import { createEmit } from '../../src/simulate/events.js'
import { startFhirReceiver } from '../../src/simulate/fhir-receiver.js'
import { instantOf, type Instant } from '../../src/terms/instant.js'
import { createFhirClient } from '../../src/wire/fhir-client.js'
import * as given from '../publish/offered-case.js'
import { startReceiver, type Receiver } from '../wire/receiver.js'

const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

/** A gateway that keeps one Task, with versions. The first write meets somebody else's. */
async function taskServer(): Promise<{ gateway: Receiver; statuses: string[] }> {
  const statuses: string[] = []
  let version = 1
  let task: Task = { resourceType: 'Task', id: given.OFFER_ID, status: 'requested', intent: 'order' }
  let isContested = true
  const gateway = await startReceiver(({ method, headers, body }, response) => {
    if (method === 'PUT') {
      if (isContested) version += 1
      isContested = false
      if (headers['if-match'] !== `W/"${version}"`) {
        response.writeHead(412).end('{}')
        return
      }
      task = JSON.parse(body) as Task
      statuses.push(task.status)
      version += 1
    }
    response.writeHead(200, { ETag: `W/"${version}"` }).end(JSON.stringify(task))
  })
  stops.push(gateway.close)
  return { gateway, statuses }
}

async function twin(over: Partial<ReceiverOptions>) {
  const { gateway, statuses } = await taskServer()
  const events: { event: string }[] = []
  const deps = {
    write: (line: string) => void events.push(JSON.parse(line) as { event: string }),
    now: () => instantOf(new Date()),
    newId: randomUUID,
  }
  const options: ReceiverOptions = {
    port: 0,
    gateway: 'http://127.0.0.1:1',
    decide: 'complete',
    delayMs: 5,
    downFirst: 0,
    misbehave: undefined,
    ...over,
  }
  const started = await startFhirReceiver(options, createEmit(deps, undefined), deps)
  stops.push(started.close)
  const client = createFhirClient({ connectTimeoutMs: 500, maxAnswerBytes: 1_000_000 })
  stops.push(client.close)
  const publisher = createFhirPublisher({ client })
  const receives = given.fhirReceives(`http://127.0.0.1:${started.port}`)
  const partner = given.receiverOf(receives)
  const send = (kind: string) => {
    const rendered = publisher.render(given.delivery({ kind, channel: 'fhir' }), given.record(), {
      // The Task says where it lives: the test's own gateway.
      deployment: {
        ...given.deployment(partner, given.service()),
        publicUrl: gateway.url.replace('/FHIR/R4', ''),
      },
      receiver: partner,
      now: '2026-11-21T09:00:00.000Z' as Instant,
      newId: randomUUID,
    })
    return publisher.send(rendered, receives, new AbortController().signal)
  }
  return { events, statuses, send }
}

async function until(isSo: () => boolean): Promise<void> {
  const end = Date.now() + 5_000
  while (!isSo()) {
    if (Date.now() > end) throw new Error('it did not happen within 5 s')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('complete: accepted, in-progress, completed, whoever else writes the Task', async () => {
  const { statuses, send } = await twin({ decide: 'complete' })
  expect(await send('offer')).toMatchObject({ httpStatus: 200 })
  await until(() => statuses.length === 3)
  expect(statuses).toEqual(['accepted', 'in-progress', 'completed'])
})

test('reject: with a reason', async () => {
  const { statuses, send } = await twin({ decide: 'reject' })
  await send('offer')
  await until(() => statuses.length === 1)
  expect(statuses).toEqual(['rejected'])
})

test('a repeat changes nothing and is not reported twice', async () => {
  const { events, statuses, send } = await twin({ decide: 'accept' })
  await send('offer')
  await send('offer')
  await until(() => statuses.length === 1)
  expect(events.filter(({ event }) => event === 'received' || event === 'duplicate')).toMatchObject([
    { event: 'received', messageId: given.OFFER_ID },
    { event: 'duplicate', messageId: given.OFFER_ID },
  ])
})

test('a cancelled offer is not reported on', async () => {
  const { events, statuses, send } = await twin({ decide: 'accept', delayMs: 100 })
  await send('offer')
  await send('cancel')
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(statuses).toEqual([])
  expect(events.map(({ event }) => event)).toEqual(['received', 'cancelled'])
})

test.each([
  ['error-503', 'receiver-busy'],
  ['error-500', 'receiver-silent'],
  ['reject-422', 'receiver-rejected'],
  ['cut', 'receiver-cut-off'],
] as const)('%s', async (misbehave, code) => {
  const { send } = await twin({ misbehave })
  await expect(send('offer')).rejects.toMatchObject({ code })
})

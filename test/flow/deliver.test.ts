/** One outbox row at a time to receivers on real sockets: what a failure means, and what is sent again. */
import { afterEach, describe, expect, test } from '@jest/globals'
import type { Bundle, Task } from 'fhir/r4.js'
import { deliver } from '../../src/flow/deliver.js'
import type { Gateway } from '../../src/flow/gateway.js'
import { receive } from '../../src/flow/receive.js'
import { updateTask } from '../../src/flow/update-task.js'
import {
  aReferral,
  caseOf,
  deliverAll,
  marketTown,
  stateOf,
  tasksOf,
  withGateway,
  type ReferralOptions,
} from '../support/gateway.js'
import { closedUrl, startReceiver, type Behaviour, type Receiver } from '../wire/receiver.js'

const door = withGateway()
const receivers: Receiver[] = []

afterEach(async () => {
  // No test inherits another's queue or breaker.
  await door.query(`update delivery set state = 'withdrawn', settled_at = now() where settled_at is null`)
  await door.query('delete from receiver_state')
  for (const receiver of receivers.splice(0)) await receiver.close()
})

const OK = JSON.stringify({ resourceType: 'Bundle', type: 'transaction-response' })
const accepts: Behaviour = (_request, response) =>
  void response.writeHead(200, { 'content-type': 'application/fhir+json' }).end(OK)
const answers =
  (status: number, body = ''): Behaviour =>
  (_request, response) =>
    void response.writeHead(status, { 'content-type': 'application/fhir+json' }).end(body)

/** Nursing at a receiver that behaves so. */
async function nursing(behave: Behaviour): Promise<{ gateway: Gateway; receiver: Receiver }> {
  const receiver = await startReceiver(behave)
  receivers.push(receiver)
  return { receiver, gateway: door.with({ deployment: marketTown({ NURSING_URL: receiver.url }) }) }
}

/** The id of the case that this referral made. */
async function refer(options: ReferralOptions, gateway: Gateway): Promise<string> {
  await receive(aReferral(options), gateway)
  const [row] = await door.query<{ case_id: string }>('select case_id from message where message_id = $1', [
    options.id,
  ])
  if (row === undefined) throw new Error(`${options.id} made no case`)
  return row.case_id
}

const deliveriesOf = async (caseId: string): Promise<(string | number | null)[][]> =>
  (await door.store.readDeliveries(caseId)).map(({ kind, receiver, state, attempts }) => [
    kind,
    receiver,
    state,
    attempts,
  ])

const offerOf = async (caseId: string): Promise<Task & { id: string }> =>
  tasksOf(await caseOf(door.store, caseId), 'offer')[0] as Task & { id: string }

const firstTask = (body: string): Task =>
  (JSON.parse(body) as Bundle).entry
    ?.map(({ resource }) => resource)
    .find((resource): resource is Task => resource?.resourceType === 'Task') as Task

describe('an offer that arrives', () => {
  test('is delivered once, and says that the service has it: the baton stays', async () => {
    const { gateway, receiver } = await nursing(accepts)
    const caseId = await refer({ id: 'DL1' }, gateway)
    expect(await deliverAll(gateway)).toBe(1)
    expect(await deliverAll(gateway)).toBe(0)
    expect(receiver.received).toHaveLength(1)
    expect(await deliveriesOf(caseId)).toEqual([['offer', 'nursing', 'delivered', 1]])
    expect((await offerOf(caseId)).status).toBe('received')
    expect(stateOf(await caseOf(door.store, caseId)).baton.holder).toBe('northgate')
  })
})

describe('a receiver that provably did not take it', () => {
  test('is tried again, with the same bytes, after waits that double', async () => {
    let down = 2
    const { gateway, receiver } = await nursing((...exchange) =>
      down-- > 0 ? answers(503)(...exchange) : accepts(...exchange),
    )
    const caseId = await refer({ id: 'RT1' }, gateway)
    expect(await deliverAll(gateway)).toBe(1)
    // Half of a second (random() is 0), then half of two; nothing before.
    door.pass(499)
    expect(await deliverAll(gateway)).toBe(0)
    door.pass(1)
    expect(await deliverAll(gateway)).toBe(1)
    // Two failures in a row opened the breaker for 30 s.
    door.pass(29_999)
    expect(await deliverAll(gateway)).toBe(0)
    door.pass(1)
    expect(await deliverAll(gateway)).toBe(1)
    expect(await deliveriesOf(caseId)).toEqual([['offer', 'nursing', 'delivered', 3]])
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1)
  })

  test('holds up nothing of another receiver', async () => {
    const { gateway } = await nursing(answers(503))
    const other = await startReceiver(accepts)
    receivers.push(other)
    const both = {
      ...gateway,
      deployment: marketTown({ NURSING_URL: await closedUrl(), THERAPY_URL: other.url }),
    }
    for (const id of ['BR1', 'BR2', 'BR3']) await refer({ id }, both)
    const caseId = await refer({ id: 'BR4', service: 'THERAPISTS' }, both)
    await deliverAll(both)
    expect(await deliveriesOf(caseId)).toEqual([['offer', 'therapy', 'delivered', 1]])
    expect(await door.query('select failures >= 2 as open from receiver_state')).toEqual([{ open: true }])
    expect(door.told.filter(([event]) => event === 'receiver-down').length).toBeGreaterThan(0)
  })

  test('and never does: after the last attempt a person has it, with the cause', async () => {
    const { gateway } = await nursing(answers(503))
    const caseId = await refer({ id: 'DD1' }, gateway)
    for (let attempt = 1; attempt <= 3; attempt++) {
      expect(await deliverAll(gateway)).toBe(1)
      door.pass(60_000)
    }
    expect(await deliverAll(gateway)).toBe(0)
    expect(await deliveriesOf(caseId)).toEqual([['offer', 'nursing', 'dead', 3]])
    const record = await caseOf(door.store, caseId)
    expect((await offerOf(caseId)).status).toBe('failed')
    const [person] = tasksOf(record, 'undeliverable')
    expect(person).toMatchObject({
      status: 'requested',
      owner: { reference: 'Organization/door' },
      reasonReference: { reference: `Task/${(await offerOf(caseId)).id}` },
    })
    expect(person?.note?.[0]?.text).toContain('HTTP 503')
    expect(stateOf(record).baton.holder).toBe('northgate')
  })
})

describe('a receiver that refuses the message', () => {
  test('is not asked again: a person reads its own words, without the payload', async () => {
    const outcome = JSON.stringify({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: 'not-supported', details: { text: 'No home visits this week' } }],
    })
    const { gateway, receiver } = await nursing(answers(422, outcome))
    const caseId = await refer({ id: 'RF1' }, gateway)
    await deliverAll(gateway)
    door.pass(3_600_000)
    await deliverAll(gateway)
    expect(receiver.received).toHaveLength(1)
    expect(await deliveriesOf(caseId)).toEqual([['offer', 'nursing', 'refused', 1]])
    const [person] = tasksOf(await caseOf(door.store, caseId), 'undeliverable')
    expect(person?.reasonCode?.text).toBe('receiver-rejected')
    expect(person?.note?.[0]?.text).toMatch(/HTTP 422.*not-supported/)
    expect((await offerOf(caseId)).status).toBe('failed')
    expect(
      await door.query('select 1 from deadline where case_id = $1 and settled_at is null', [caseId]),
    ).toEqual([])
  })

  test('a partner the deployment cannot reach any more: a person too', async () => {
    const { gateway } = await nursing(accepts)
    const caseId = await refer({ id: 'RF2' }, gateway)
    await deliverAll({ ...gateway, publishers: new Map() })
    expect(await deliveriesOf(caseId)).toEqual([['offer', 'nursing', 'refused', 0]])
    const [person] = tasksOf(await caseOf(door.store, caseId), 'undeliverable')
    expect(person?.reasonCode?.text).toBe('receiver-unknown')
  })
})

describe('an attempt that may have arrived', () => {
  test('is repeated where the receiver puts under our ids', async () => {
    let isFirst = true
    const { gateway, receiver } = await nursing((request, response, socket) => {
      if (!isFirst) return accepts(request, response, socket)
      isFirst = false
      socket.destroy()
    })
    const caseId = await refer({ id: 'UN1' }, gateway)
    await deliverAll(gateway)
    door.pass(1000)
    await deliverAll(gateway)
    expect(receiver.received).toHaveLength(2)
    expect(await deliveriesOf(caseId)).toEqual([['offer', 'nursing', 'delivered', 2]])
  })

  test('a lease that ran out comes back as one that may have arrived; the late worker changes nothing', async () => {
    const { gateway, receiver } = await nursing(accepts)
    const caseId = await refer({ id: 'LL1' }, gateway)
    const [mine] = await door.store.claimDeliveries({ limit: 1, leaseMs: 0, now: gateway.clock() })
    const [theirs] = await door.store.claimDeliveries({ limit: 1, leaseMs: 10_000, now: gateway.clock() })
    expect(theirs?.id).toBe(mine?.id)
    await deliver(theirs!, gateway)
    await deliver(mine!, gateway)
    expect(receiver.received).toHaveLength(1)
    expect(await deliveriesOf(caseId)).toEqual([['offer', 'nursing', 'delivered', 1]])
    const events = await door.store.readEvents(caseId)
    expect(events.filter(({ kind }) => kind === 'delivered')).toHaveLength(1)
  })
})

describe('an offer that is taken back', () => {
  test('before it was sent: neither it nor a cancellation goes out', async () => {
    const { gateway, receiver } = await nursing(accepts)
    const caseId = await refer({ id: 'WD1', referral: 'R-WD1' }, gateway)
    await receive(aReferral({ id: 'WD2', event: 'I14', referral: 'R-WD1' }), gateway)
    await deliverAll(gateway)
    expect(receiver.received).toEqual([])
    expect(await deliveriesOf(caseId)).toEqual([
      ['offer', 'nursing', 'withdrawn', 0],
      ['cancel', 'nursing', 'withdrawn', 0],
    ])
  })

  test('after it was delivered: the receiver is told', async () => {
    const { gateway, receiver } = await nursing(accepts)
    const caseId = await refer({ id: 'WD3', referral: 'R-WD3' }, gateway)
    await deliverAll(gateway)
    await receive(aReferral({ id: 'WD4', event: 'I14', referral: 'R-WD3' }), gateway)
    await deliverAll(gateway)
    expect(receiver.received).toHaveLength(2)
    expect(firstTask(receiver.received[1]!.body)).toMatchObject({
      id: (await offerOf(caseId)).id,
      status: 'cancelled',
    })
    expect((await deliveriesOf(caseId)).map(([kind, , state]) => [kind, state])).toEqual([
      ['offer', 'delivered'],
      ['cancel', 'delivered'],
    ])
  })
})

describe('answers that cross', () => {
  const accepted = async (taskId: string, gateway: Gateway): Promise<void> => {
    const stored = await gateway.store.readResource('Task', taskId)
    const task: Task = { ...(stored?.resource as Task), status: 'accepted' }
    await updateTask({ id: taskId, task, actor: 'nursing' }, gateway)
  }

  test('an acceptance before our own record of the delivery is not undone by it', async () => {
    const late: { gateway?: Gateway } = {}
    const { gateway } = await nursing((request, response, socket) => {
      void accepted(firstTask(request.body).id ?? '', late.gateway!).then(() =>
        accepts(request, response, socket),
      )
    })
    late.gateway = gateway
    const caseId = await refer({ id: 'CR1' }, gateway)
    await deliverAll(gateway)
    expect((await offerOf(caseId)).status).toBe('accepted')
    expect((await deliveriesOf(caseId))[0]).toEqual(['offer', 'nursing', 'delivered', 1])
    const state = stateOf(await caseOf(door.store, caseId))
    expect(state.baton.holder).toBe('nursing')
    const passed = (await door.store.readEvents(caseId)).filter(({ kind }) => kind === 'baton-passed')
    expect(passed.map(({ data }) => data)).toEqual([{ from: 'northgate', to: 'nursing' }])
  })

  test('an acceptance after the cancellation: the baton does not move, a person knows, the service is told', async () => {
    const { gateway } = await nursing(accepts)
    const caseId = await refer({ id: 'CR2', referral: 'R-CR2' }, gateway)
    await deliverAll(gateway)
    await receive(aReferral({ id: 'CR3', event: 'I14', referral: 'R-CR2' }), gateway)
    const offer = await offerOf(caseId)
    // The service has not heard of the cancellation yet, and speaks of the Task as it had it.
    await expect(accepted(offer.id, gateway)).rejects.toMatchObject({ code: 'transition-refused' })
    expect(stateOf(await caseOf(door.store, caseId)).baton.holder).toBe('northgate')
  })

  test('the same answer twice changes the case once', async () => {
    const { gateway } = await nursing(accepts)
    const caseId = await refer({ id: 'CR4' }, gateway)
    await deliverAll(gateway)
    const { id } = await offerOf(caseId)
    await accepted(id, gateway)
    const before = await door.store.readEvents(caseId)
    await accepted(id, gateway)
    const after = await door.store.readEvents(caseId)
    expect(after.filter(({ kind }) => kind === 'baton-passed')).toHaveLength(1)
    expect(after.length - before.length).toBe(1)
    expect(after.at(-1)?.kind).toBe('task-updated')
  })
})

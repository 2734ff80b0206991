/** Tasks updated over FHIR: services report, the access point decides, illegal moves are refused by name. */
import { describe, expect, test } from '@jest/globals'
import type { Task } from 'fhir/r4.js'
import type { Gateway } from '../../src/flow/gateway.js'
import { receive } from '../../src/flow/receive.js'
import { updateTask } from '../../src/flow/update-task.js'
import type { Fault } from '../../src/terms/fault.js'
import { aReferral, caseOf, stateOf, tasksOf, withGateway, type ReferralOptions } from '../support/gateway.js'

const door = withGateway()
const TASK_INPUT = 'https://onedoor.dev/fhir/CodeSystem/task-input'

async function refer(options: ReferralOptions): Promise<string> {
  await receive(aReferral(options), door.gateway)
  const [row] = await door.query<{ case_id: string }>('select case_id from message where message_id = $1', [
    options.id,
  ])
  return row!.case_id
}

type Saved = Task & { id: string }
const taskOf = async (caseId: string, code: 'offer' | 'coordinate'): Promise<Saved> =>
  tasksOf(await caseOf(door.store, caseId), code).at(-1) as Saved
const readTask = async (id: string): Promise<Saved> =>
  (await door.store.readResource('Task', id))?.resource as Saved

async function update(
  id: string,
  changes: Partial<Task>,
  { ifMatch, actor = 'nursing' }: { ifMatch?: number; actor?: string } = {},
  gateway: Gateway = door.gateway,
): Promise<Task> {
  const task = { ...(await readTask(id)), ...changes }
  const said = { id, task, actor, ...(ifMatch === undefined ? {} : { ifMatch }) }
  return (await updateTask(said, gateway)).resource as Task
}

const refusal = (promise: Promise<unknown>): Promise<Fault> =>
  promise.then(
    () => Promise.reject(new Error('not refused')),
    (fault: Fault) => fault,
  )

describe('a service reports on its offer', () => {
  test('received, accepted, in progress, completed: the Task follows and the case closes', async () => {
    const caseId = await refer({ id: 'UT1' })
    const { id } = await taskOf(caseId, 'offer')
    for (const status of ['received', 'accepted', 'in-progress'] as const) {
      expect((await update(id, { status })).status).toBe(status)
    }
    const output = [{ type: { text: 'outcome' }, valueCodeableConcept: { text: 'Seen at home' } }]
    expect((await update(id, { status: 'completed', output })).status).toBe('completed')
    const record = await caseOf(door.store, caseId)
    expect(stateOf(record)).toMatchObject({ phase: 'closed', baton: { holder: 'nursing' } })
    expect((await readTask(id)).output?.[0]?.valueCodeableConcept?.text).toBe('Seen at home')
  })

  test('rejected needs to say why', async () => {
    const { id } = await taskOf(await refer({ id: 'UT2' }), 'offer')
    const fault = await refusal(update(id, { status: 'rejected' }))
    expect([fault.code, fault.where]).toEqual(['transition-refused', 'Task.statusReason'])
    expect((await update(id, { status: 'rejected', statusReason: { text: 'Full' } })).status).toBe('rejected')
  })

  test.each([
    ['accepted', 'rejected', 'in-progress, completed, failed, cancelled'],
    ['completed', 'accepted', 'nothing else'],
    ['requested', 'on-hold', 'received, accepted, in-progress, completed, rejected, failed, cancelled'],
  ] as const)('from %s to %s: refused, naming what is legal', async (from, to, legal) => {
    const { id } = await taskOf(await refer({ id: `UT3-${from}` }), 'offer')
    const statusReason = { text: 'because' }
    if (from !== 'requested') await update(id, { status: from, statusReason })
    const fault = await refusal(update(id, { status: to, statusReason }))
    expect([fault.code, fault.where]).toEqual(['transition-refused', 'Task.status'])
    expect(fault.message).toContain(legal)
    expect((await readTask(id)).status).toBe(from)
  })

  test('a Task that is not there', async () => {
    const task: Task = { resourceType: 'Task', status: 'accepted', intent: 'order' }
    const fault = await refusal(updateTask({ id: 'nowhere', task }, door.gateway))
    expect(fault.code).toBe('resource-unknown')
  })
})

describe('If-Match', () => {
  test('of an earlier version: version-conflict, nothing changes', async () => {
    const { id } = await taskOf(await refer({ id: 'IM1' }), 'offer')
    await update(id, { status: 'received' }, { ifMatch: 1 })
    const fault = await refusal(update(id, { status: 'accepted' }, { ifMatch: 1 }))
    expect([fault.code, fault.where]).toEqual(['version-conflict', 'If-Match'])
    expect((await readTask(id)).status).toBe('received')
    expect((await update(id, { status: 'accepted' }, { ifMatch: 2 })).status).toBe('accepted')
  })

  test('overtaken between reading and committing: version-conflict too, not a blind second try', async () => {
    const { id } = await taskOf(await refer({ id: 'IM2' }), 'offer')
    let isFirst = true
    const store: Gateway['store'] = {
      ...door.store,
      commitCase: async (commit) => {
        if (isFirst) {
          isFirst = false
          await update(id, { status: 'received' })
        }
        return door.store.commitCase(commit)
      },
    }
    const fault = await refusal(update(id, { status: 'accepted' }, { ifMatch: 1 }, door.with({ store })))
    expect(fault.code).toBe('version-conflict')
    expect((await readTask(id)).status).toBe('received')
  })
})

describe('the access point', () => {
  const service = (reference: string): Pick<Task, 'input'> => ({
    input: [{ type: { coding: [{ system: TASK_INPUT, code: 'service' }] }, valueReference: { reference } }],
  })
  const person = { actor: 'door' }

  test('chooses a service: it is offered', async () => {
    const caseId = await refer({ id: 'AP1', reason: 'SOMETHING' })
    const { id } = await taskOf(caseId, 'coordinate')
    await update(id, service('HealthcareService/home-therapy'), person)
    expect(await taskOf(caseId, 'offer')).toMatchObject({
      status: 'requested',
      owner: { reference: 'Organization/therapy' },
    })
    expect((await door.store.readDeliveries(caseId)).map(({ kind, receiver }) => [kind, receiver])).toEqual([
      ['offer', 'therapy'],
    ])
  })

  test('chooses what is not in the directory: refused', async () => {
    const { id } = await taskOf(await refer({ id: 'AP2', reason: 'SOMETHING' }), 'coordinate')
    const fault = await refusal(update(id, service('HealthcareService/nowhere'), person))
    expect([fault.code, fault.where]).toEqual(['transition-refused', 'Task.input'])
  })

  test('rejects the case: it closes, the waiting offer is taken back', async () => {
    const caseId = await refer({ id: 'AP3' })
    const { id } = await taskOf(caseId, 'coordinate')
    await update(id, { status: 'rejected', statusReason: { text: 'Not for us' } }, person)
    const record = await caseOf(door.store, caseId)
    expect(stateOf(record)).toMatchObject({ phase: 'closed', offers: [{ status: 'cancelled' }] })
    expect((await readTask(id)).statusReason?.text).toBe('Not for us')
  })

  test('may not do what means nothing there', async () => {
    const { id } = await taskOf(await refer({ id: 'AP4' }), 'coordinate')
    const fault = await refusal(update(id, { status: 'accepted' }, person))
    expect(fault.code).toBe('transition-refused')
    expect(fault.message).toContain('rejected, completed or cancelled')
  })
})

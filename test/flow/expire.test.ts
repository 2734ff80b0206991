/** A deadline that passes is acted on once. */
import { expect, test } from '@jest/globals'
import { expire } from '../../src/flow/expire.js'
import { receive } from '../../src/flow/receive.js'
import { updateTask } from '../../src/flow/update-task.js'
import type { Task } from 'fhir/r4.js'
import { aReferral, caseOf, stateOf, tasksOf, withGateway } from '../support/gateway.js'

const door = withGateway()
const MINUTE_MS = 60_000

async function refer(id: string): Promise<string> {
  await receive(aReferral({ id }), door.gateway)
  const [row] = await door.query<{ case_id: string }>('select case_id from message where message_id = $1', [
    id,
  ])
  return row!.case_id
}

const claim = (leaseMs = 10_000) =>
  door.store.claimDeadlines({ limit: 10, leaseMs, now: door.gateway.clock() })

async function tick(): Promise<number> {
  const due = await claim()
  for (const deadline of due) await expire(deadline, door.gateway)
  return due.length
}

test('an offer nobody answers: a person is asked after the hour, once, and the offer stays open', async () => {
  const caseId = await refer('EX1')
  door.pass(60 * MINUTE_MS - 1)
  expect(await tick()).toBe(0)
  door.pass(1)
  expect(await tick()).toBe(1)
  door.pass(24 * 60 * MINUTE_MS)
  expect(await tick()).toBe(0)

  const record = await caseOf(door.store, caseId)
  expect(tasksOf(record, 'decide')).toMatchObject([
    {
      status: 'requested',
      priority: 'urgent',
      owner: { reference: 'Organization/door' },
      description: 'The service has not answered in time: ring it, or choose another.',
      reasonReference: { reference: `Task/${tasksOf(record, 'offer')[0]?.id}` },
    },
  ])
  expect(tasksOf(record, 'offer')).toMatchObject([
    { status: 'requested', businessStatus: { coding: [{ code: 'no-answer' }] } },
  ])
  expect(stateOf(record).baton.holder).toBe('northgate')
})

test('an offer that is accepted in time: nobody is asked', async () => {
  const caseId = await refer('EX2')
  const [offer] = tasksOf(await caseOf(door.store, caseId), 'offer')
  const task: Task = { ...offer!, status: 'accepted' }
  await updateTask({ id: task.id!, task, actor: 'nursing' }, door.gateway)
  door.pass(61 * MINUTE_MS)
  expect(await tick()).toBe(0)
  expect(tasksOf(await caseOf(door.store, caseId), 'decide')).toEqual([])
})

test('two processes with one deadline: the one that lost its lease changes nothing', async () => {
  const caseId = await refer('EX3')
  door.pass(61 * MINUTE_MS)
  const [late] = await claim(0)
  const [fresh] = await claim()
  expect(fresh?.id).toBe(late?.id)
  await Promise.all([expire(fresh!, door.gateway), expire(late!, door.gateway)])
  expect(tasksOf(await caseOf(door.store, caseId), 'decide')).toHaveLength(1)
})

test('a deadline whose case was cancelled meanwhile is closed, and asks nobody', async () => {
  const caseId = await refer('EX4')
  door.pass(61 * MINUTE_MS)
  const [deadline] = await claim(0)
  await receive(aReferral({ id: 'EX5', event: 'I14', referral: 'R-EX4' }), door.gateway)
  await expect(expire(deadline!, door.gateway)).resolves.toBeUndefined()
  expect(tasksOf(await caseOf(door.store, caseId), 'decide')).toEqual([])
  door.pass(MINUTE_MS)
  expect(await tick()).toBe(0)
})

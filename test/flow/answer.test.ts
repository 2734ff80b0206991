/** What services say, and what the hospital that referred is told of it by its own listener. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import type { ServiceRequest, Task } from 'fhir/r4.js'
import { buildAck } from '../../src/codec/hl7v2/ack.js'
import type { Message } from '../../src/codec/hl7v2/message.js'
import { parseMessage } from '../../src/codec/hl7v2/parse.js'
import { receiveAnswer } from '../../src/flow/answer.js'
import type { Gateway } from '../../src/flow/gateway.js'
import type { AnswerOutcome } from '../../src/flow/ports.js'
import { receive } from '../../src/flow/receive.js'
import type { ServiceAnswer } from '../../src/referral/answer.js'
import { startMllpServer, type MllpServer } from '../../src/wire/mllp-server.js'
import { aMessage } from '../support/case-commit.js'
import {
  aReferral,
  caseOf,
  deliverAll,
  marketTown,
  ofType,
  stateOf,
  tasksOf,
  withGateway,
} from '../support/gateway.js'
import { startReceiver, type Receiver } from '../wire/receiver.js'

const door = withGateway()
const open: { hospital?: MllpServer; services?: Receiver; gateway?: Gateway } = {}
/** What the hospital's listener got, and how it answers. */
const heard: Message[] = []
let hospitalSays: 'AA' | 'AE' | 'silence' = 'AA'

beforeAll(async () => {
  open.hospital = await startMllpServer({
    host: '127.0.0.1',
    port: 0,
    handle: async (bytes) => {
      const original = parseMessage(bytes)
      heard.push(original)
      if (hospitalSays === 'silence') return null
      return buildAck({
        original,
        code: hospitalSays,
        controlId: randomUUID().slice(0, 20),
        now: door.gateway.clock(),
      })
    },
    onReject: async () => null,
  })
  open.services = await startReceiver((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/fhir+json' })
    response.end('{"resourceType":"Bundle","type":"transaction-response"}')
  })
  open.gateway = door.with({
    deployment: marketTown({
      SOUTHGATE_PORT: String(open.hospital.port),
      NURSING_URL: open.services.url,
      THERAPY_URL: open.services.url,
    }),
  })
})
afterAll(async () => {
  await open.hospital?.close(0)
  await open.services?.close()
})
beforeEach(() => {
  heard.length = 0
  hospitalSays = 'AA'
})

/** A referral from Southgate, offered and delivered. */
async function offered(id: string): Promise<string> {
  await receive(aReferral({ id, facility: 'SOUTHGATE' }), open.gateway!)
  const [row] = await door.query<{ case_id: string }>('select case_id from message where message_id = $1', [
    id,
  ])
  await deliverAll(open.gateway!)
  return row!.case_id
}

const offers = async (caseId: string): Promise<readonly (Task & { id: string })[]> =>
  tasksOf(await caseOf(door.store, caseId), 'offer') as (Task & { id: string })[]

/** `partner` answers what was sent as `correlation`. */
function answer(
  correlation: string,
  given: ServiceAnswer,
  { partner = 'nursing', messageId = String(randomUUID()) } = {},
): Promise<AnswerOutcome> {
  const from = open.gateway!.deployment.partners.get(partner)!
  const message = aMessage({ channel: 'bars', sender: partner, messageId, kind: 'servicerequest-response' })
  return receiveAnswer({ message, from, correlation, answer: given }, open.gateway!)
}

const offerStates = async (caseId: string): Promise<string[]> =>
  (await offers(caseId)).map(
    ({ owner, status }) => `${owner?.reference?.replace('Organization/', '')} ${status}`,
  )

describe('a service accepts', () => {
  test('the baton moves, the deadline ends, and the hospital gets an RRI about its own referral', async () => {
    const caseId = await offered('AN1')
    const [offer] = await offers(caseId)
    expect(await answer(offer!.id, { kind: 'accepted', note: 'On our way' })).toEqual({
      kind: 'recorded',
      caseId,
    })
    expect(await offerStates(caseId)).toEqual(['nursing accepted'])
    expect(stateOf(await caseOf(door.store, caseId)).baton.holder).toBe('nursing')
    expect(
      await door.query('select 1 from deadline where case_id = $1 and settled_at is null', [caseId]),
    ).toEqual([])

    await deliverAll(open.gateway!)
    const [reply, ...more] = heard
    expect(more).toEqual([])
    expect(reply?.messageType).toBe('RRI^I12')
    const told = [
      'MSH-3',
      'MSH-4',
      'MSH-5',
      'MSH-6',
      'MSH-11',
      'MSH-12',
      'MSA-1',
      'MSA-2',
      'RF1-1.1',
      'RF1-6.1',
      'RF1-6.2',
    ]
    expect(told.map((path) => reply?.get(path))).toEqual([
      'ONEDOOR',
      'TOWN',
      'PAS',
      'SOUTHGATE',
      'P',
      '2.5.1',
      'AA',
      'AN1',
      'A',
      'R-AN1',
      'SOUTHGATE',
    ])
    expect(reply?.all('RF1')).toHaveLength(1)
    expect(reply?.segment('RF1')?.field(6).repetitions).toHaveLength(1)
    expect(reply?.get('MSH-10')).not.toBe('AN1')
    expect(reply?.get('PRD-4.9')).toBe('Town Nursing')
    expect(reply?.get('PID-5.1')).toBe('Thistlewood')
  })

  test('twice in the same message: the first reply again, one change', async () => {
    const caseId = await offered('AN2')
    const [offer] = await offers(caseId)
    await answer(offer!.id, { kind: 'accepted' }, { messageId: 'ANSWER-2' })
    const { version } = await caseOf(door.store, caseId)
    const again = await answer(offer!.id, { kind: 'accepted' }, { messageId: 'ANSWER-2' })
    expect(again).toMatchObject({ kind: 'duplicate' })
    expect((await caseOf(door.store, caseId)).version).toBe(version)
  })

  test('twice in two messages: the hospital is told once', async () => {
    const caseId = await offered('AN3')
    const [offer] = await offers(caseId)
    await answer(offer!.id, { kind: 'accepted' })
    await answer(offer!.id, { kind: 'accepted' })
    await deliverAll(open.gateway!)
    const replies = heard.filter((reply) => reply.get('RF1-6.1') === 'R-AN3')
    expect(replies.map((reply) => reply.get('RF1-1.1'))).toEqual(['A'])
  })
})

describe('who may answer', () => {
  test('another partner: refused, nothing changes', async () => {
    const caseId = await offered('WH1')
    const [offer] = await offers(caseId)
    await expect(answer(offer!.id, { kind: 'accepted' }, { partner: 'therapy' })).rejects.toMatchObject({
      code: 'case-unknown',
    })
    expect(await offerStates(caseId)).toEqual(['nursing received'])
  })

  test('about something that was never sent: refused', async () => {
    await expect(answer('never-sent', { kind: 'accepted' })).rejects.toMatchObject({ code: 'case-unknown' })
  })
})

describe('a service rejects', () => {
  const reason = { codings: [], text: 'No capacity today' }

  test('the next service of the pathway is offered it; the hospital is not troubled yet', async () => {
    const caseId = await offered('RJ1')
    const [first] = await offers(caseId)
    await answer(first!.id, { kind: 'rejected', reason })
    expect((await offerStates(caseId)).sort()).toEqual(['nursing rejected', 'therapy requested'])
    expect(stateOf(await caseOf(door.store, caseId)).baton.holder).toBe('southgate')
    await deliverAll(open.gateway!)
    expect(heard).toEqual([])
    expect(await offerStates(caseId)).toContain('therapy received')
  })

  test('and the last one rejects too: a person is asked, and the hospital told that it is pending, and why', async () => {
    const caseId = await offered('RJ2')
    await answer((await offers(caseId))[0]!.id, { kind: 'rejected', reason })
    await deliverAll(open.gateway!)
    const second = (await offers(caseId)).find(({ status }) => status === 'received')
    await answer(second!.id, { kind: 'rejected', reason }, { partner: 'therapy' })
    const record = await caseOf(door.store, caseId)
    expect(tasksOf(record, 'decide')).toMatchObject([
      { status: 'requested', owner: { reference: 'Organization/door' } },
    ])
    expect(stateOf(record)).toMatchObject({ phase: 'open', baton: { holder: 'southgate' } })
    await deliverAll(open.gateway!)
    expect(heard.map((reply) => [reply.get('RF1-1.1'), reply.get('RF1-10.2')])).toEqual([
      ['P', 'No capacity today'],
    ])
  })
})

describe('a service that took it', () => {
  test('completes: the case closes, its outcome is kept and the hospital told', async () => {
    const caseId = await offered('CO1')
    const [offer] = await offers(caseId)
    await answer(offer!.id, { kind: 'accepted' })
    await answer(offer!.id, { kind: 'started' })
    await answer(offer!.id, { kind: 'completed', outcome: { codings: [], text: 'Seen at home' } })
    const record = await caseOf(door.store, caseId)
    expect(stateOf(record).phase).toBe('closed')
    expect(ofType<ServiceRequest>(record, 'ServiceRequest')[0]?.status).toBe('completed')
    expect(tasksOf(record, 'coordinate')[0]?.status).toBe('completed')
    expect((await offers(caseId))[0]?.output?.[0]?.valueCodeableConcept?.text).toBe('Seen at home')
    await deliverAll(open.gateway!)
    expect(heard).toHaveLength(2)
    expect(heard.at(-1)?.get('RF1-10.2')).toBe('Seen at home')
  })

  test('gives it back: the access point has the baton and a Task, the hospital is told', async () => {
    const caseId = await offered('GB1')
    const [offer] = await offers(caseId)
    await answer(offer!.id, { kind: 'accepted' })
    await answer(offer!.id, { kind: 'failed', reason: { codings: [], text: 'Nobody at home' } })
    const record = await caseOf(door.store, caseId)
    expect(stateOf(record)).toMatchObject({ phase: 'open', baton: { holder: 'door' } })
    expect(tasksOf(record, 'decide')).toMatchObject([{ owner: { reference: 'Organization/door' } }])
    const passed = (await door.store.readEvents(caseId)).filter(({ kind }) => kind === 'baton-passed')
    expect(passed.map(({ data }) => data)).toEqual([
      { from: 'southgate', to: 'nursing' },
      { from: 'nursing', to: 'door' },
    ])
    await deliverAll(open.gateway!)
    expect(heard.map((reply) => reply.get('RF1-1.1'))).toEqual(['A', 'P'])
  })

  test('answers after the hospital took the referral back: kept, shown to a person, cancelled there again', async () => {
    const caseId = await offered('LA1')
    const [offer] = await offers(caseId)
    const cancellation = aReferral({ id: 'LA2', event: 'I14', referral: 'R-LA1', facility: 'SOUTHGATE' })
    await receive(cancellation, open.gateway!)
    await answer(offer!.id, { kind: 'accepted' })
    const record = await caseOf(door.store, caseId)
    expect(stateOf(record)).toMatchObject({ phase: 'closed', baton: { holder: 'southgate' } })
    expect(tasksOf(record, 'decide')[0]?.description).toMatch(/after its offer had ended/)
    expect((await door.store.readDeliveries(caseId)).map(({ kind }) => kind)).toEqual([
      'offer',
      'cancel',
      'cancel',
    ])
  })
})

describe('the hospital does not take the reply', () => {
  test('AE: not sent again; a person has it', async () => {
    hospitalSays = 'AE'
    const caseId = await offered('HR1')
    await answer((await offers(caseId))[0]!.id, { kind: 'accepted' })
    await deliverAll(open.gateway!)
    const reply = (await door.store.readDeliveries(caseId)).find(({ kind }) => kind === 'reply')
    expect(reply).toMatchObject({ state: 'refused', attempts: 1 })
    const [person] = tasksOf(await caseOf(door.store, caseId), 'undeliverable')
    expect(person?.note?.[0]?.text).toMatch(/reply to southgate.*AE/)
    // The offer itself stands.
    expect(await offerStates(caseId)).toEqual(['nursing accepted'])
  })

  test('silence from a listener that does not discard repeats: never sent twice, a person has it', async () => {
    hospitalSays = 'silence'
    const caseId = await offered('HR2')
    await answer((await offers(caseId))[0]!.id, { kind: 'accepted' })
    await deliverAll(open.gateway!)
    door.pass(3_600_000)
    await deliverAll(open.gateway!)
    expect(heard).toHaveLength(1)
    const reply = (await door.store.readDeliveries(caseId)).find(({ kind }) => kind === 'reply')
    expect(reply).toMatchObject({ state: 'unsure', attempts: 1 })
    expect(tasksOf(await caseOf(door.store, caseId), 'undeliverable')).toHaveLength(1)
  })
})

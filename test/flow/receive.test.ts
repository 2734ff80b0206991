/** HL7 v2 in over a real socket: one commit, then the answer. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { AuditEvent, Provenance, ServiceRequest } from 'fhir/r4.js'
import { startMllpListener } from '../../src/channels/mllp/listener.js'
import { parseMessage } from '../../src/codec/hl7v2/parse.js'
import { receive } from '../../src/flow/receive.js'
import { verifyChain } from '../../src/store/event-chain.js'
import type { CaseCommit } from '../../src/store/types.js'
import { Fault } from '../../src/terms/fault.js'
import { MllpClient } from '../../src/wire/mllp-client.js'
import type { MllpServer } from '../../src/wire/mllp-server.js'
import { aReferral, caseOf, ofType, stateOf, tasksOf, withGateway } from '../support/gateway.js'

const HOUR_MS = 3_600_000
const door = withGateway()
const open: { server?: MllpServer; client?: MllpClient } = {}

beforeAll(async () => {
  const server = await startMllpListener({ host: '127.0.0.1', port: 0 }, door.gateway)
  open.server = server
  open.client = new MllpClient({ host: '127.0.0.1', port: server.port })
})
afterAll(async () => {
  open.client?.close()
  await open.server?.close(0)
})

const send = (message: Uint8Array): Promise<Uint8Array> => open.client!.send(message)

/** `AA C1`, `AE C2 duplicate key ...`. */
async function ask(message: Uint8Array): Promise<string> {
  const answer = parseMessage(await send(message))
  return `${answer.get('MSA-1') ?? ''} ${answer.get('MSA-2') ?? ''}`
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

async function casesOf(messageId: string): Promise<string[]> {
  const rows = await door.query<{ case_id: string }>(
    'select case_id from message where message_id = $1 order by generation',
    [messageId],
  )
  return rows.map((row) => row.case_id)
}

async function onlyCase(messageId: string): Promise<string> {
  const cases = await casesOf(messageId)
  expect(cases).toHaveLength(1)
  return cases[0]!
}

interface Kept {
  readonly fault: string
  readonly place: string
  readonly reason: string
  readonly sender: string
  readonly message_id: string | null
  readonly raw: Buffer
  readonly answer: Buffer
  readonly times: number
}

const quarantined = (raw: Uint8Array): Promise<Kept[]> =>
  door.query<Kept>(
    'select fault, place, reason, sender, message_id, raw, answer, times from quarantine where raw = $1',
    [Buffer.from(raw)],
  )

describe('a referral that is taken', () => {
  const message = aReferral({ id: 'TAKEN1', note: 'Key safe by the side door' })

  test('AA, and the case with everything that belongs to it', async () => {
    expect(await ask(message)).toBe('AA TAKEN1')
    const caseId = await onlyCase('TAKEN1')
    const record = await caseOf(door.store, caseId)
    const [request] = ofType<ServiceRequest>(record, 'ServiceRequest')
    expect(request).toMatchObject({ id: caseId, status: 'active', priority: 'asap' })
    expect(request?.identifier?.map(({ value }) => value)).toEqual(['R-TAKEN1'])
    expect(ofType(record, 'Patient')).toHaveLength(1)

    const [coordinating, ...more] = tasksOf(record, 'coordinate')
    expect(more).toEqual([])
    expect(coordinating).toMatchObject({
      owner: { reference: 'Organization/door' },
      focus: { reference: `ServiceRequest/${caseId}` },
    })
    const [offer, ...others] = tasksOf(record, 'offer')
    expect(others).toEqual([])
    expect(offer).toMatchObject({
      status: 'requested',
      owner: { reference: 'Organization/nursing' },
      partOf: [{ reference: `Task/${coordinating?.id}` }],
      focus: { reference: `ServiceRequest/${caseId}` },
      input: [{ valueReference: { reference: 'HealthcareService/home-nursing' } }],
      restriction: { period: { start: '2026-11-21T09:30:00.000Z', end: '2026-11-21T10:30:00.000Z' } },
    })
    expect(stateOf(record)).toMatchObject({
      phase: 'open',
      sender: 'northgate',
      baton: { holder: 'northgate', since: '2026-11-21T09:30:00.000Z' },
    })
  })

  test('its delivery, its deadline, its evidence and its chained events', async () => {
    const caseId = await onlyCase('TAKEN1')
    const [offer] = tasksOf(await caseOf(door.store, caseId), 'offer')
    expect(await door.store.readDeliveries(caseId)).toMatchObject([
      {
        receiver: 'nursing',
        channel: 'fhir',
        kind: 'offer',
        subject: offer?.id,
        state: 'queued',
        attempts: 0,
      },
    ])
    expect(
      await door.query('select kind, due_at, subject, settled_at from deadline where case_id = $1', [caseId]),
    ).toEqual([
      {
        kind: 'answer-due',
        due_at: new Date('2026-11-21T10:30:00Z'),
        subject: offer?.id,
        settled_at: null,
      },
    ])
    const evidence = await door.query<{ content: Provenance | AuditEvent; parties: string[] }>(
      `select content, parties from resource where case_id = $1 and type in ('Provenance', 'AuditEvent')
       order by type desc`,
      [caseId],
    )
    const [stored] = await door.query<{ id: string }>('select id from message where case_id = $1', [caseId])
    expect(evidence.map(({ content }) => content)).toMatchObject([
      {
        resourceType: 'Provenance',
        activity: { text: 'REF^I12' },
        agent: [{ who: { reference: 'Organization/northgate' } }],
        entity: [{ what: { identifier: { value: stored?.id } } }],
      },
      { resourceType: 'AuditEvent', action: 'C', subtype: [{ code: 'referral-received' }] },
    ])
    const targets = (evidence[0]?.content as Provenance).target.map(({ reference }) => reference)
    expect(targets).toContain(`ServiceRequest/${caseId}`)
    expect(evidence[0]?.parties.sort()).toEqual(['door', 'northgate', 'nursing'])

    const events = await door.store.readEvents(caseId)
    expect(events.map(({ kind }) => kind)).toEqual(['referral-received', 'task-changed', 'offered'])
    expect(verifyChain(events)).toBeUndefined()
  })

  test('the bytes are kept as they came, with the answer they got', async () => {
    const [kept] = await door.query<{ raw: Buffer; answer: Buffer; kind: string; sender: string }>(
      'select raw, answer, kind, sender from message where message_id = $1',
      ['TAKEN1'],
    )
    expect(kept?.raw.equals(message)).toBe(true)
    expect(kept).toMatchObject({ kind: 'REF^I12', sender: 'northgate' })
    expect(parseMessage(kept!.answer).get('MSA-1')).toBe('AA')
  })

  test('a need that no rule may decide goes before a person', async () => {
    expect(await ask(aReferral({ id: 'UNCLEAR1', reason: 'SOMETHING' }))).toBe('AA UNCLEAR1')
    const record = await caseOf(door.store, await onlyCase('UNCLEAR1'))
    expect(tasksOf(record, 'offer')).toEqual([])
    expect(tasksOf(record, 'decide')).toMatchObject([
      { status: 'requested', owner: { reference: 'Organization/door' }, priority: 'urgent' },
    ])
  })

  test('a service that the sender names is offered it, whatever the pathway prefers', async () => {
    expect(await ask(aReferral({ id: 'NAMED1', service: 'THERAPISTS' }))).toBe('AA NAMED1')
    const [offer] = tasksOf(await caseOf(door.store, await onlyCase('NAMED1')), 'offer')
    expect(offer?.owner?.reference).toBe('Organization/therapy')
  })
})

describe('the answer leaves only after the commit', () => {
  test('the case is in the store when the store says so, and the answer comes after that', async () => {
    const order: string[] = []
    const store = {
      ...door.store,
      commitCase: async (commit: CaseCommit) => {
        const outcome = await door.store.commitCase(commit)
        order.push(`commit ${(await casesOf('ORDER1')).length}`)
        return outcome
      },
    }
    await receive(aReferral({ id: 'ORDER1' }), door.with({ store })).then(() => order.push('answer'))
    expect(order).toEqual(['commit 1', 'answer'])
  })

  test('a store that fails: AE, nothing kept, and the same bytes are taken later', async () => {
    const message = aReferral({ id: 'DOWN1' })
    const down = () =>
      Promise.reject(new Fault('store-unavailable', 'The database does not answer; send again.'))
    const store = { ...door.store, commitCase: down, quarantine: down }
    const refused = parseMessage(await receive(message, door.with({ store })))
    expect([refused.get('MSA-1'), refused.get('MSA-2')]).toEqual(['AE', 'DOWN1'])
    expect(await casesOf('DOWN1')).toEqual([])
    expect(await quarantined(message)).toEqual([])
    expect(await ask(message)).toBe('AA DOWN1')
    await onlyCase('DOWN1')
  })

  test('a store that cannot even keep a refusal: AE, for the sender to send again', async () => {
    const down = () => Promise.reject(new Fault('store-busy', 'Too much at once; send again.'))
    const bad = Buffer.from('MSH|^~\\&|PAS|NORTHGATE|||2026||REF^I12|DOWN2|P|9.9\r')
    const answer = parseMessage(await receive(bad, door.with({ store: { ...door.store, quarantine: down } })))
    expect([answer.get('MSA-1'), answer.get('ERR-3.1')]).toEqual(['AE', '206'])
  })
})

describe('duplicates', () => {
  test('the same bytes get the same answer, byte for byte, and make one case', async () => {
    const message = aReferral({ id: 'DUP1' })
    const first = await send(message)
    door.pass(1000)
    const again = await send(message)
    expect(textOf(again)).toBe(textOf(first))
    await onlyCase('DUP1')
    expect((await door.store.readEvents(await onlyCase('DUP1'))).length).toBe(3)
  })

  test('a resend with another MSH-7 is the same message', async () => {
    const first = await send(aReferral({ id: 'DUP2' }))
    const again = await send(aReferral({ id: 'DUP2', at: '20261121093502+0000' }))
    expect(textOf(again)).toBe(textOf(first))
    await onlyCase('DUP2')
  })

  test('many copies at once make one case and one answer', async () => {
    const message = aReferral({ id: 'DUP3' })
    const answers = await Promise.all(Array.from({ length: 8 }, () => receive(message, door.gateway)))
    expect(new Set(answers.map(textOf)).size).toBe(1)
    await onlyCase('DUP3')
  })

  test('another body under the same id is refused and kept', async () => {
    expect(await ask(aReferral({ id: 'DUP4' }))).toBe('AA DUP4')
    const other = aReferral({ id: 'DUP4', note: 'Something else' })
    const answer = parseMessage(await send(other))
    expect([answer.get('MSA-1'), answer.get('MSA-2')]).toEqual(['AE', 'DUP4'])
    expect([answer.get('ERR-2.1'), answer.get('ERR-2.3'), answer.get('ERR-3.1')]).toEqual([
      'MSH',
      '10',
      '205',
    ])
    expect(await quarantined(other)).toMatchObject([{ fault: 'duplicate-conflict', place: 'MSH-10' }])
    await onlyCase('DUP4')
  })

  test('the same id from another sender is another message', async () => {
    expect(await ask(aReferral({ id: 'DUP5' }))).toBe('AA DUP5')
    expect(await ask(aReferral({ id: 'DUP5', facility: 'SOUTHGATE' }))).toBe('AA DUP5')
    expect(await casesOf('DUP5')).toHaveLength(2)
  })

  test('after the window another body is a new message; the old bytes still get their old answer', async () => {
    const old = aReferral({ id: 'DUP6', referral: 'R-OLD' })
    const first = await send(old)
    door.pass(24 * HOUR_MS)
    expect(await ask(aReferral({ id: 'DUP6', referral: 'R-NEW' }))).toBe('AA DUP6')
    expect(new Set(await casesOf('DUP6')).size).toBe(2)
    expect(textOf(await send(old))).toBe(textOf(first))
    expect(await casesOf('DUP6')).toHaveLength(2)
  })
})

describe('refused before the content is looked at', () => {
  const line = (fields: string): Buffer => Buffer.from(`MSH|^~\\&|${fields}\rRF1|P|A||||R-X^N\rPID|1||S1\r`)
  test.each([
    ['a stranger', 'AR', 'sender-unknown', 'MSH-3', line('WHO|KNOWS|||2026||REF^I12|REF1|P|2.5.1')],
    [
      'a training message',
      'AR',
      'processing-id-refused',
      'MSH-11',
      line('PAS|NORTHGATE|||2026||REF^I12|REF2|T|2.5.1'),
    ],
    [
      'a debugging message',
      'AR',
      'processing-id-refused',
      'MSH-11',
      line('PAS|NORTHGATE|||2026||REF^I12|REF3|D|2.5.1'),
    ],
    [
      'an unknown version',
      'AR',
      'version-unsupported',
      'MSH-12',
      line('PAS|NORTHGATE|||2026||REF^I12|REF4|P|9.9'),
    ],
    [
      'an unknown message type',
      'AR',
      'message-type-unsupported',
      'MSH-9',
      line('PAS|NORTHGATE|||2026||ZZZ^Z99|REF5|P|2.5.1'),
    ],
    [
      'an event that starts no case',
      'AR',
      'event-unsupported',
      'MSH-9',
      line('PAS|NORTHGATE|||2026||REF^I15|REF6|P|2.5.1'),
    ],
  ])('%s: %s %s, at %s', async (_what, code, fault, place, message) => {
    const raw = await send(message)
    const answer = parseMessage(raw)
    const id = parseMessage(message).controlId ?? ''
    expect([answer.get('MSA-1'), answer.get('MSA-2')]).toEqual([code, id])
    expect(`${answer.get('ERR-2.1') ?? ''}-${answer.get('ERR-2.3') ?? ''}`).toBe(place)
    expect(answer.get('ERR-4')).toBe('E')
    const [kept, ...more] = await quarantined(message)
    expect(more).toEqual([])
    expect(kept).toMatchObject({ fault, place, message_id: id, times: 1 })
    expect(kept?.raw.equals(message)).toBe(true)
    expect(kept?.answer.equals(Buffer.from(raw))).toBe(true)
    expect(kept?.reason).not.toBe('')
    expect(await casesOf(id)).toEqual([])
  })

  test('the same refused bytes again only raise the count', async () => {
    const message = line('WHO|KNOWS|||2026||REF^I12|REF1|P|2.5.1')
    await send(message)
    expect(await quarantined(message)).toMatchObject([{ times: 2 }])
  })

  test('a stranger is taken where strangers are', async () => {
    const message = aReferral({ id: 'STRANGE1', facility: 'ELSEWHERE' })
    const answer = parseMessage(await receive(message, door.with({ acceptUnregistered: true })))
    expect(answer.get('MSA-1')).toBe('AA')
    const state = stateOf(await caseOf(door.store, await onlyCase('STRANGE1')))
    expect(state.sender).toBe('unregistered:PAS|ELSEWHERE')
  })

  test.each([
    ['a batch file', `FHS|^~\\&|PAS\rBHS|^~\\&|PAS\r${aReferral({ id: 'B1' }).toString()}BTS|1\rFTS|1\r`],
    [
      'two messages in one frame',
      `${aReferral({ id: 'B2' }).toString()}${aReferral({ id: 'B3' }).toString()}`,
    ],
  ])('%s: AR batch-refused', async (_what, text) => {
    const raw = Buffer.from(text)
    const answer = parseMessage(await receive(raw, door.gateway))
    expect(answer.get('MSA-1')).toBe('AR')
    expect(await quarantined(raw)).toMatchObject([{ fault: 'batch-refused' }])
    for (const id of ['B1', 'B2', 'B3']) expect(await casesOf(id)).toEqual([])
  })

  test('a type the partner is not registered for: AR event-unsupported', async () => {
    const { deployment } = door.gateway
    const northgate = deployment.partners.get('northgate')!
    const sends = { hl7v2: { ...northgate.sends.hl7v2!, messageTypes: ['REF^I13'] } }
    const partners = new Map(deployment.partners).set('northgate', { ...northgate, sends })
    const limited = door.with({ deployment: { ...deployment, partners } })
    const answer = parseMessage(await receive(aReferral({ id: 'TYPE1' }), limited))
    expect([answer.get('MSA-1'), answer.get('ERR-3.1')]).toEqual(['AR', '201'])
  })

  test('two patients: AE that names the second PID', async () => {
    const message = Buffer.concat([
      aReferral({ id: 'TWO1' }),
      Buffer.from('PID|2||S2^^^NORTHGATE^MR||Other\r'),
    ])
    const answer = parseMessage(await send(message))
    expect(answer.get('MSA-1')).toBe('AE')
    expect([answer.get('ERR-2.1'), answer.get('ERR-2.2')]).toEqual(['PID', '2'])
    expect(await quarantined(message)).toMatchObject([{ fault: 'patient-ambiguous', place: 'PID[2]' }])
  })

  test('a version before 2.5 is told in its own ERR-1', async () => {
    const answer = parseMessage(
      await send(Buffer.from('MSH|^~\\&|PAS|NORTHGATE|||2026||REF^I12|OLD1|T|2.4\rPID|1||S1\r')),
    )
    expect(answer.get('MSA-1')).toBe('AR')
    expect([answer.get('ERR-1.1'), answer.get('ERR-1.3'), answer.get('ERR-1.4.1')]).toEqual([
      'MSH',
      '11',
      '202',
    ])
  })
})

/** REF^I13 changes the sender's own case, REF^I14 ends it; neither ever touches another's. */
import { describe, expect, test } from '@jest/globals'
import type { Patient, ServiceRequest } from 'fhir/r4.js'
import { parseMessage } from '../../src/codec/hl7v2/parse.js'
import { receive } from '../../src/flow/receive.js'
import { verifyChain } from '../../src/store/event-chain.js'
import type { CaseCommit } from '../../src/store/types.js'
import {
  aReferral,
  caseOf,
  ofType,
  stateOf,
  tasksOf,
  withGateway,
  type ReferralOptions,
} from '../support/gateway.js'

const door = withGateway()

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

/** `AA`, or `AE RF1-6 204`: MSA-1, the place and the code of ERR. */
async function send(message: Uint8Array): Promise<string> {
  const answer = parseMessage(await receive(message, door.gateway))
  const place = [answer.get('ERR-2.1'), answer.get('ERR-2.3')].filter((part) => part).join('-')
  return [answer.get('MSA-1'), place, answer.get('ERR-3.1')].filter((part) => part).join(' ')
}

const refer = (options: ReferralOptions): Promise<string> => send(aReferral(options))

async function caseFrom(messageId: string): Promise<string> {
  const [row] = await door.query<{ case_id: string }>('select case_id from message where message_id = $1', [
    messageId,
  ])
  if (row === undefined) throw new Error(`${messageId} made no case`)
  return row.case_id
}

const requestOf = async (caseId: string): Promise<ServiceRequest> =>
  ofType<ServiceRequest>(await caseOf(door.store, caseId), 'ServiceRequest')[0]!

describe('REF^I13', () => {
  test('amends the same case: a new version, the old one kept, what was left out unchanged', async () => {
    await refer({ id: 'AM1', referral: 'R-AM' })
    const caseId = await caseFrom('AM1')
    const before = await requestOf(caseId)
    const offersBefore = tasksOf(await caseOf(door.store, caseId), 'offer')
    door.pass(60_000)
    // No reason this time, another family name.
    expect(
      await refer({ id: 'AM2', event: 'I13', referral: 'R-AM', reason: null, family: 'Thistlewood-Smith' }),
    ).toBe('AA')
    expect(await caseFrom('AM2')).toBe(caseId)

    const record = await caseOf(door.store, caseId)
    const after = await requestOf(caseId)
    expect(after.reasonCode).toEqual(before.reasonCode)
    expect(after.status).toBe('active')
    const [patient, ...others] = ofType<Patient>(record, 'Patient')
    expect(others).toEqual([])
    expect(patient?.name?.[0]?.family).toBe('Thistlewood-Smith')
    expect(patient?.id).toBe(before.subject.reference?.replace('Patient/', ''))
    const history = await door.store.readHistory('Patient', patient!.id!, 10)
    expect(history.map(({ resource }) => (resource as Patient).name?.[0]?.family)).toEqual([
      'Thistlewood-Smith',
      'Thistlewood',
    ])
    expect(tasksOf(record, 'offer')).toEqual(offersBefore)
    expect(tasksOf(record, 'coordinate')).toHaveLength(1)
    const events = await door.store.readEvents(caseId)
    expect(events.at(-1)).toMatchObject({ kind: 'referral-amended', actor: { partner: 'northgate' } })
    expect(verifyChain(events)).toBeUndefined()
  })

  test('two at once: neither undoes what only the other said', async () => {
    await refer({ id: 'AM3', referral: 'R-AM3' })
    const caseId = await caseFrom('AM3')
    const priority = aReferral({ id: 'AM4', event: 'I13', referral: 'R-AM3', reason: null })
    const urgent = Buffer.from(priority.toString().replace('RF1|P|A|', 'RF1|P|S|'))
    const reason = Buffer.from(
      aReferral({ id: 'AM5', event: 'I13', referral: 'R-AM3', reason: 'THERAPY' })
        .toString()
        .replace('RF1|P|A|', 'RF1|P||'),
    )
    let isFirst = true
    const store = {
      ...door.store,
      commitCase: async (commit: CaseCommit) => {
        // Between the other's reading and its commit.
        if (isFirst) {
          isFirst = false
          expect(await send(urgent)).toBe('AA')
        }
        return door.store.commitCase(commit)
      },
    }
    expect(parseMessage(await receive(reason, door.with({ store }))).get('MSA-1')).toBe('AA')
    const after = await requestOf(caseId)
    expect(after.priority).toBe('stat')
    expect(after.reasonCode?.[0]?.coding?.[0]?.code).toBe('THERAPY')
  })

  test('before its referral: refused and kept; taken when sent again after it', async () => {
    const early = aReferral({ id: 'EARLY2', event: 'I13', referral: 'R-EARLY', family: 'Quillfeather' })
    expect(await send(early)).toBe('AE RF1-6 204')
    expect(await door.query('select fault from quarantine where message_id = $1', ['EARLY2'])).toEqual([
      { fault: 'case-unknown' },
    ])
    expect(await refer({ id: 'EARLY1', referral: 'R-EARLY' })).toBe('AA')
    expect(await send(early)).toBe('AA')
    const record = await caseOf(door.store, await caseFrom('EARLY1'))
    expect(ofType<Patient>(record, 'Patient')[0]?.name?.[0]?.family).toBe('Quillfeather')
  })

  test('the same amendment again: the same answer, no second change', async () => {
    await refer({ id: 'AM6', referral: 'R-AM6' })
    const amendment = aReferral({ id: 'AM7', event: 'I13', referral: 'R-AM6' })
    const first = await receive(amendment, door.gateway)
    const { version } = await caseOf(door.store, await caseFrom('AM6'))
    door.pass(1000)
    expect(textOf(await receive(amendment, door.gateway))).toBe(textOf(first))
    expect((await caseOf(door.store, await caseFrom('AM6'))).version).toBe(version)
  })
})

describe('REF^I14', () => {
  test('cancels: request revoked, Tasks cancelled, the waiting offer taken back, the deadline cleared', async () => {
    await refer({ id: 'CA1', referral: 'R-CA' })
    const caseId = await caseFrom('CA1')
    const cancellation = aReferral({ id: 'CA2', event: 'I14', referral: 'R-CA' })
    const first = await receive(cancellation, door.gateway)
    expect(parseMessage(first).get('MSA-1')).toBe('AA')
    const record = await caseOf(door.store, caseId)
    expect(stateOf(record)).toMatchObject({ phase: 'closed', offers: [{ status: 'cancelled' }] })
    expect((await requestOf(caseId)).status).toBe('revoked')
    expect(tasksOf(record, 'coordinate')).toMatchObject([{ status: 'cancelled' }])
    expect(tasksOf(record, 'offer')).toMatchObject([{ status: 'cancelled' }])
    expect((await door.store.readDeliveries(caseId)).map(({ kind, state }) => [kind, state])).toEqual([
      ['offer', 'withdrawn'],
      ['cancel', 'queued'],
    ])
    expect(
      await door.query('select 1 from deadline where case_id = $1 and settled_at is null', [caseId]),
    ).toEqual([])
    // The same bytes once more: the answer it got.
    expect(textOf(await receive(cancellation, door.gateway))).toBe(textOf(first))
    // Another cancellation of what is over.
    expect(await refer({ id: 'CA3', event: 'I14', referral: 'R-CA' })).toBe('AE 207')
  })

  test('of an id nobody has: AE case-unknown, at RF1-6', async () => {
    expect(await refer({ id: 'CA4', event: 'I14', referral: 'R-NOBODY' })).toBe('AE RF1-6 204')
  })

  test("of another sender's case: unknown, and the case lives on", async () => {
    await refer({ id: 'CA5', referral: 'R-THEIRS' })
    const foreign = aReferral({ id: 'CA6', event: 'I14', referral: 'R-THEIRS', facility: 'SOUTHGATE' })
    expect(await send(foreign)).toBe('AE RF1-6 204')
    const forged = Buffer.from(foreign.toString().replace('R-THEIRS^SOUTHGATE', 'R-THEIRS^NORTHGATE'))
    expect(await send(Buffer.from(forged.toString().replace('CA6', 'CA7')))).toBe('AE RF1-6 204')
    expect(stateOf(await caseOf(door.store, await caseFrom('CA5'))).phase).toBe('open')
  })

  test('of an id that two of its cases carry: AE case-ambiguous, neither ends', async () => {
    await refer({ id: 'CA8', referral: 'R-TWICE' })
    await refer({ id: 'CA9', referral: 'R-TWICE' })
    expect(await refer({ id: 'CA10', event: 'I14', referral: 'R-TWICE' })).toBe('AE RF1-6 207')
    for (const id of ['CA8', 'CA9']) {
      expect(stateOf(await caseOf(door.store, await caseFrom(id))).phase).toBe('open')
    }
  })

  test('two copies at once: one cancellation, one answer', async () => {
    await refer({ id: 'CA11', referral: 'R-RACE' })
    const cancellation = aReferral({ id: 'CA12', event: 'I14', referral: 'R-RACE' })
    const answers = await Promise.all([1, 2, 3, 4].map(() => receive(cancellation, door.gateway)))
    expect(new Set(answers.map(textOf)).size).toBe(1)
    expect(parseMessage(answers[0]!).get('MSA-1')).toBe('AA')
    const events = await door.store.readEvents(await caseFrom('CA11'))
    expect(events.filter(({ kind }) => kind === 'referral-cancelled')).toHaveLength(1)
  })
})

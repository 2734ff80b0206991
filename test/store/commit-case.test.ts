import { describe, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { chainedHash, eventDigest, verifyChain } from '../../src/store/event-chain.js'
import { addMs } from '../../src/terms/instant.js'
import { aChange, aMessage, anOpening, aServiceRequest, at, NOW } from '../support/case-commit.js'
import { withDatabase } from '../support/postgres.js'

const database = withDatabase()

describe('one message, one case', () => {
  test('a message sent again after its answer was lost finds the case it made and gets that answer', async () => {
    const store = await database.open()
    const message = aMessage()
    const opening = anOpening({ message })
    expect((await store.commitCase(opening)).kind).toBe('committed')
    const again = anOpening({ caseId: opening.caseId, message: { ...message, id: randomUUID() } })
    expect(await store.commitCase(again)).toEqual({
      kind: 'duplicate',
      answer: message.answer,
      caseId: opening.caseId,
    })
  })

  test('64 commits of the same message at once: one case, 63 times its answer', async () => {
    const store = await database.open({ poolSize: 32 })
    const message = aMessage({ answer: Buffer.from('the answer') })
    const outcomes = await Promise.all(
      Array.from({ length: 64 }, (_, n) =>
        store.commitCase(
          anOpening({
            caseId: `race-${n}`,
            message: {
              ...message,
              id: randomUUID(),
              answer: Buffer.from(n === 0 ? 'the answer' : 'the answer'),
            },
            resources: [{ resource: aServiceRequest(`race-${n}`, 'race'), parties: ['northgate'] }],
          }),
        ),
      ),
    )
    const committed = outcomes.filter((outcome) => outcome.kind === 'committed')
    const duplicates = outcomes.flatMap((outcome) => (outcome.kind === 'duplicate' ? [outcome] : []))
    expect(committed).toEqual([{ kind: 'committed', version: 1 }])
    expect(duplicates).toHaveLength(63)
    const cases = await store.findCasesByIdentifier('https://northgate.example/referral', 'race')
    expect(cases).toHaveLength(1)
    for (const duplicate of duplicates) {
      expect(Buffer.from(duplicate.answer ?? []).toString()).toBe('the answer')
      expect(duplicate.caseId).toBe(cases[0])
    }
  })

  test('the first answer is given again, byte for byte, not the one made for the resend', async () => {
    const store = await database.open()
    const message = aMessage({ answer: Buffer.from([0x4d, 0x00, 0xff]) })
    await store.commitCase(anOpening({ caseId: 'first', message }))
    const again = { ...message, id: randomUUID(), answer: Buffer.from('other') }
    const outcome = await store.commitCase(anOpening({ message: again }))
    expect(outcome).toEqual({ kind: 'duplicate', answer: Buffer.from([0x4d, 0x00, 0xff]), caseId: 'first' })
    expect(await store.findAnswer('northgate', message.messageId, message.bodyHash)).toMatchObject({
      caseId: 'first',
    })
    expect(await store.findAnswer('northgate', message.messageId, 'b'.repeat(64))).toBeUndefined()
  })

  test('another body under the same id: a conflict within the window, a new message after it', async () => {
    const store = await database.open()
    const message = aMessage({ duplicateWindowMs: 60_000 })
    await store.commitCase(anOpening({ caseId: 'gen-1', message }))
    const other = { ...message, bodyHash: 'b'.repeat(64) }
    const lastWithin = { ...other, id: randomUUID(), receivedAt: addMs(NOW, 59_999) }
    expect(await store.commitCase(anOpening({ message: lastWithin }))).toEqual({ kind: 'conflict' })
    const firstAfter = { ...other, id: randomUUID(), receivedAt: addMs(NOW, 60_000) }
    expect(await store.commitCase(anOpening({ caseId: 'gen-2', message: firstAfter }))).toMatchObject({
      kind: 'committed',
    })
    // Both generations answer for ever; a third body is measured against the latest of them.
    const old = await store.commitCase(
      anOpening({ message: { ...message, id: randomUUID(), receivedAt: addMs(NOW, 9e9) } }),
    )
    expect(old).toMatchObject({ kind: 'duplicate', caseId: 'gen-1' })
    const third = { ...message, id: randomUUID(), bodyHash: 'c'.repeat(64), receivedAt: addMs(NOW, 119_999) }
    expect(await store.commitCase(anOpening({ message: third }))).toEqual({ kind: 'conflict' })
  })

  test('a duplicate keeps its connection: resends must not cost new ones', async () => {
    const connection = { ...database.connection, application_name: 'resends' }
    const store = await database.open({ connection, poolSize: 1 })
    const client = new pg.Client(database.connection)
    await client.connect()
    const processes = async () => {
      const sql = `select pid from pg_stat_activity where application_name = 'resends' and query like '%message%'`
      return (await client.query<{ pid: number }>(sql)).rows
    }
    const message = aMessage()
    await store.commitCase(anOpening({ message }))
    const before = await processes()
    for (let n = 0; n < 5; n++)
      await store.commitCase(anOpening({ message: { ...message, id: randomUUID() } }))
    expect(await processes()).toEqual(before)
    expect(before).toHaveLength(1)
    await client.end()
  })

  test('the same id from another sender is another message', async () => {
    const store = await database.open()
    const message = aMessage()
    const other = { ...message, id: randomUUID(), sender: 'southgate' }
    expect(await store.commitCase(anOpening({ message }))).toMatchObject({ kind: 'committed' })
    expect(await store.commitCase(anOpening({ message: other }))).toMatchObject({ kind: 'committed' })
  })
})

describe('one version at a time', () => {
  test('of 20 changes of one version one is committed and the others are stale', async () => {
    const store = await database.open({ poolSize: 20 })
    await store.commitCase(anOpening({ caseId: 'contended' }))
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        store.commitCase(
          aChange('contended', 1, {
            state: { winner: n },
            message: aMessage(),
            resources: [{ resource: aServiceRequest('contended'), parties: [`p${n}`] }],
          }),
        ),
      ),
    )
    expect(outcomes.filter(({ kind }) => kind === 'committed')).toEqual([{ kind: 'committed', version: 2 }])
    expect(outcomes.filter(({ kind }) => kind === 'stale')).toHaveLength(19)
    const record = await store.readCase('contended')
    expect(record).toMatchObject({
      version: 2,
      state: { winner: outcomes.findIndex(({ kind }) => kind === 'committed') },
    })
    expect(await store.readEvents('contended')).toHaveLength(2)
  })

  test('a stale change leaves nothing behind: not its message, so that it can be committed after a new read', async () => {
    const store = await database.open()
    await store.commitCase(anOpening({ caseId: 'behind' }))
    const message = aMessage()
    const change = { message, resources: [{ resource: aServiceRequest('behind'), parties: [] }] }
    expect(await store.commitCase(aChange('behind', 7, change))).toEqual({ kind: 'stale' })
    expect(await store.findAnswer(message.sender, message.messageId, message.bodyHash)).toBeUndefined()
    expect(await store.readResource('ServiceRequest', 'behind')).toBeUndefined()
    expect(await store.commitCase(aChange('behind', 1, change))).toEqual({ kind: 'committed', version: 2 })
  })

  test('opening a case that exists is stale', async () => {
    const store = await database.open()
    await store.commitCase(anOpening({ caseId: 'twice' }))
    expect(await store.commitCase(anOpening({ caseId: 'twice' }))).toEqual({ kind: 'stale' })
  })

  test('a resource of another case is never written over', async () => {
    const store = await database.open()
    const resources = [{ resource: aServiceRequest('mine'), parties: ['northgate'] }]
    await store.commitCase(anOpening({ caseId: 'mine', resources }))
    await expect(store.commitCase(anOpening({ caseId: 'thief', resources }))).rejects.toMatchObject({
      code: 'version-conflict',
    })
    await store.commitCase(anOpening({ caseId: 'thief-2' }))
    await expect(store.commitCase(aChange('thief-2', 1, { resources }))).rejects.toMatchObject({
      code: 'version-conflict',
    })
    expect(await store.readResource('ServiceRequest', 'mine')).toMatchObject({ version: 1, caseId: 'mine' })
    expect(await store.readHistory('ServiceRequest', 'mine', 10)).toHaveLength(1)
  })
})

describe('history', () => {
  test("every version stays readable with its full content; meta is the store's", async () => {
    const store = await database.open()
    const first = aServiceRequest('versions', 'one')
    const second = {
      ...aServiceRequest('versions', 'two'),
      meta: { versionId: '99', profile: ['https://x.example/p'] },
    }
    await store.commitCase(anOpening({ caseId: 'versions', resources: [{ resource: first, parties: [] }] }))
    const later = at('2026-11-21T10:00:00.000Z')
    await store.commitCase(
      aChange('versions', 1, { now: later, resources: [{ resource: second, parties: [] }] }),
    )
    expect(await store.readResource('ServiceRequest', 'versions')).toEqual({
      resource: { ...second, meta: { profile: ['https://x.example/p'], versionId: '2', lastUpdated: later } },
      version: 2,
      lastUpdated: later,
      caseId: 'versions',
    })
    expect((await store.readVersion('ServiceRequest', 'versions', 1))?.resource).toEqual({
      ...first,
      meta: { versionId: '1', lastUpdated: NOW },
    })
    expect((await store.readHistory('ServiceRequest', 'versions', 10)).map(({ version }) => version)).toEqual(
      [2, 1],
    )
    expect(await store.readVersion('ServiceRequest', 'versions', 3)).toBeUndefined()
  })

  test('directory resources get a new version only when they differ', async () => {
    const store = await database.open()
    const organization = { resourceType: 'Organization', id: 'org-1', name: 'Northgate' } as const
    expect(await store.putDirectory([organization], NOW)).toBe(1)
    expect(await store.putDirectory([organization], NOW)).toBe(0)
    expect(await store.putDirectory([{ ...organization, name: 'Northgate Trust' }], NOW)).toBe(1)
    expect(await store.readResource('Organization', 'org-1')).toMatchObject({ version: 2, caseId: null })
    expect(await store.readHistory('Organization', 'org-1', 10)).toHaveLength(2)
  })
})

describe('event chain', () => {
  test('events are numbered and chained over commits; the chain is sha256(previous + digest)', async () => {
    const store = await database.open()
    const events = ['a', 'b'].map((kind) => ({
      kind,
      at: NOW,
      actor: { partner: 'x' },
      data: { z: 1, a: { n: 1e21 } },
    }))
    await store.commitCase(anOpening({ caseId: 'chain', events }))
    await store.commitCase(aChange('chain', 1, { events: [] }))
    await store.commitCase(aChange('chain', 2, { events: events.slice(0, 1) }))
    const stored = await store.readEvents('chain')
    expect(stored.map(({ seq, kind }) => [seq, kind])).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'a'],
    ])
    expect(stored[0]?.hash).toBe(chainedHash('', eventDigest('chain', stored[0]!)))
    expect(verifyChain(stored)).toBeUndefined()
  })

  test.each([
    ['altered', `update case_event set data = '{"n": 2}' where case_id = $1 and seq = 2`, 2],
    [
      'given another time',
      `update case_event set at = at + interval '1 ms' where case_id = $1 and seq = 3`,
      3,
    ],
    ['removed', `delete from case_event where case_id = $1 and seq = 2`, 2],
    [
      'swapped',
      `update case_event set seq = case seq when 1 then -2 else -1 end where case_id = $1 and seq < 3`,
      1,
    ],
  ])('an event that was %s in the table is found', async (name, sql, seq) => {
    const store = await database.open()
    const caseId = `tampered-${name}`
    const events = [1, 2, 3].map((n) => ({ kind: `e${n}`, at: NOW, actor: { partner: 'x' }, data: { n: 1 } }))
    await store.commitCase(anOpening({ caseId, events }))
    const client = new pg.Client(database.connection)
    await client.connect()
    await client.query(sql, [caseId])
    if (name === 'swapped')
      await client.query('update case_event set seq = -seq where case_id = $1 and seq < 0', [caseId])
    await client.end()
    expect(verifyChain(await store.readEvents(caseId))).toEqual({ seq })
  })
})

describe('what must not be told as success', () => {
  test('an error that comes with the commit itself', async () => {
    const store = await database.open()
    const client = new pg.Client(database.connection)
    await client.connect()
    await client.query(`
      create function refuse_late() returns trigger language plpgsql as $$
        begin raise exception using errcode = '53100', message = 'disk full'; end $$;
      create constraint trigger refuse_late after insert on case_file deferrable initially deferred
        for each row when (new.case_id = 'late') execute function refuse_late()`)
    await expect(store.commitCase(anOpening({ caseId: 'late' }))).rejects.toMatchObject({
      code: 'store-unavailable',
    })
    await client.query('drop trigger refuse_late on case_file')
    await client.end()
    expect(await store.readCase('late')).toBeUndefined()
  })

  test('a connection cut in the middle: store-unavailable, and the next commit works', async () => {
    const store = await database.open({ poolSize: 1 })
    const client = new pg.Client(database.connection)
    await client.connect()
    await client.query('begin; lock table message in exclusive mode')
    const message = aMessage()
    const cut = store.commitCase(anOpening({ caseId: 'cut', message }))
    const expectation = expect(cut).rejects.toMatchObject({ code: 'store-unavailable' })
    await cutWhoeverWaits()
    await expectation
    await client.query('rollback')
    await client.end()
    expect(await store.commitCase(anOpening({ caseId: 'cut', message }))).toMatchObject({ kind: 'committed' })
  })

  test('a connection cut in the middle of a transaction fails that, and nothing else', async () => {
    const store = await database.open({ poolSize: 1 })
    const client = new pg.Client(database.connection)
    await client.connect()
    await client.query('begin; lock table history in exclusive mode')
    const put = store.putDirectory([{ resourceType: 'Organization', id: 'cut', name: 'Cut' }], NOW)
    const expectation = expect(put).rejects.toMatchObject({ code: 'store-unavailable' })
    await cutWhoeverWaits()
    await expectation
    await client.query('rollback')
    await client.end()
    await expect(store.ping()).resolves.toBeUndefined()
  })

  test.each([
    ['a NUL character', 'Fall\u0000 at home'],
    ['half a surrogate pair', 'Fall \ud83d at home'],
  ])('%s in a resource is refused as such, not tried again for ever', async (_name, text) => {
    const store = await database.open()
    const resource = { ...aServiceRequest('odd'), patientInstruction: text }
    await expect(
      store.commitCase(anOpening({ resources: [{ resource, parties: [] }] })),
    ).rejects.toMatchObject({ code: 'characters-invalid' })
  })

  test('a statement over its time is store-busy', async () => {
    const store = await database.open({ statementTimeoutMs: 100, poolSize: 1 })
    const client = new pg.Client(database.connection)
    await client.connect()
    await client.query('begin; lock table case_file in exclusive mode')
    await expect(store.commitCase(anOpening())).rejects.toMatchObject({ code: 'store-busy' })
    await client.end()
  })

  test('a message id that no index takes is refused for good, and quarantine takes it', async () => {
    const store = await database.open()
    const messageId = Array.from({ length: 500 }, () => randomUUID()).join('')
    await expect(store.commitCase(anOpening({ message: aMessage({ messageId }) }))).rejects.toMatchObject({
      code: 'value-invalid',
    })
    const refused = {
      id: randomUUID(),
      channel: 'long',
      sender: 's',
      messageId,
      receivedAt: NOW,
      raw: Buffer.from('x'),
    }
    await store.quarantine({ ...refused, fault: 'value-invalid', where: 'MSH-10', text: 't', answer: null })
  })

  test('quarantine keeps what came, NUL in its id included, and counts the same bytes once', async () => {
    const store = await database.open()
    const input = {
      id: randomUUID(),
      channel: 'mllp',
      sender: 'nobody|\u0000',
      messageId: 'A\u0000B',
      receivedAt: NOW,
      raw: Buffer.from([0, 1, 2]),
      fault: 'msh-missing',
      where: 'line 1',
      text: 'First segment is PID',
      answer: null,
    } as const
    const before = (await store.counts())['quarantined'] ?? 0
    await store.quarantine(input)
    await store.quarantine({ ...input, id: randomUUID() })
    await store.quarantine({ ...input, id: randomUUID(), raw: Buffer.from([0, 1, 3]) })
    expect((await store.counts())['quarantined']).toBe(before + 2)
  })
})

/** Ends the connection that waits for a lock, as a network would. On a client of its own: inside a transaction the
 *  server shows the same activity for ever. */
async function cutWhoeverWaits(): Promise<void> {
  const client = new pg.Client(database.connection)
  await client.connect()
  for (;;) {
    const { rowCount } = await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'`,
    )
    if (rowCount === 1) break
  }
  await client.end()
}

import { describe, expect, test } from '@jest/globals'
import type { Bundle, OperationOutcome, Resource, Task } from 'fhir/r4.js'
import { Client } from 'fhir-kit-client'
import { aTask, CANARY, withApi } from './support.js'

const api = withApi()

const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${api.base}/${path}`, { headers })

const put = (id: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${api.base}/Task/${id}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/fhir+json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

const outcomeOf = async (response: Response): Promise<OperationOutcome['issue'][0] | undefined> => {
  const body = (await response.json()) as OperationOutcome
  expect(body.resourceType).toBe('OperationOutcome')
  expect(JSON.stringify(body)).not.toContain(CANARY)
  return body.issue[0]
}

describe('read', () => {
  test('the resource with its ETag, time and media type', async () => {
    const response = await get('Task/t1')
    expect(response.status).toBe(200)
    expect(response.headers.get('etag')).toBe('W/"1"')
    expect(response.headers.get('last-modified')).toBe('Sat, 21 Nov 2026 09:00:00 GMT')
    expect(response.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('x-powered-by')).toBeNull()
    expect(await response.json()).toEqual({
      ...aTask('t1'),
      meta: { versionId: '1', lastUpdated: '2026-11-21T09:00:00.000Z' },
    })
  })

  test.each([
    [{ 'if-none-match': 'W/"1"' }, 304],
    [{ 'if-none-match': '"0", W/"1"' }, 304],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': 'W/"2"' }, 200],
    [{ 'if-modified-since': 'Sat, 21 Nov 2026 09:00:00 GMT' }, 304],
    [{ 'if-modified-since': 'Sat, 21 Nov 2026 08:59:59 GMT' }, 200],
    [{ 'if-modified-since': 'yesterday' }, 200],
    // RFC 9110 13.1.3: If-None-Match outranks it.
    [{ 'if-none-match': 'W/"2"', 'if-modified-since': 'Sat, 21 Nov 2026 09:00:00 GMT' }, 200],
  ])('%j -> %d', async (headers, status) => {
    const response = await get('ServiceRequest/sr1', headers as Record<string, string>)
    expect(response.status).toBe(status)
    expect((await response.text()) === '').toBe(status === 304)
  })

  test('HEAD answers like GET without the body', async () => {
    const response = await fetch(`${api.base}/Task/t1`, { method: 'HEAD' })
    expect([response.status, response.headers.get('etag'), await response.text()]).toEqual([200, 'W/"1"', ''])
  })

  test('a client library reads, searches and pages', async () => {
    const client = new Client({ baseUrl: api.base })
    const task = (await client.read({ resourceType: 'Task', id: 't1' })) as Resource
    expect(task.id).toBe('t1')
    const version = (await client.vread({ resourceType: 'Task', id: 't1', version: '1' })) as Resource
    expect(version.meta?.versionId).toBe('1')
    const history = (await client.resourceHistory({ resourceType: 'Task', id: 't1' })) as unknown as Bundle
    expect(history.type).toBe('history')
    const first = (await client.search({
      resourceType: 'Task',
      searchParams: { _count: 2, _sort: '_id' },
    })) as unknown as Bundle
    const second = (await client.nextPage({ bundle: first as never })) as unknown as Bundle
    const ids = [first, second].flatMap((bundle) => bundle.entry ?? []).map((entry) => entry.resource?.id)
    expect(ids).toEqual(['t1', 't2', 't3'])
    const posted = (await client.search({
      resourceType: 'Patient',
      searchParams: { name: CANARY },
      options: { postSearch: true },
    })) as unknown as Bundle
    expect(posted.entry?.[0]?.resource?.id).toBe('p1')
    const statement = (await client.capabilityStatement()) as Resource
    expect(statement.resourceType).toBe('CapabilityStatement')
  })
})

describe('not found', () => {
  test.each([
    ['Task/none', 404, 'not-found'],
    [`Patient/${CANARY}`, 404, 'not-found'],
    ['Task/t1/_history/2', 404, 'not-found'],
    ['Task/t1/_history/0', 404, 'not-found'],
    ['Task/t1/_history/99999999999999999999', 404, 'not-found'],
    ['Task/t1/_history/x', 404, 'not-found'],
    ['Task/none/_history', 404, 'not-found'],
    [`${CANARY}/t1`, 404, 'not-supported'],
    ['MedicationDispense', 404, 'not-supported'],
    ['Task/t1/x/y/z', 404, 'not-found'],
    ['task/t1', 404, 'not-supported'],
    ['$process-message', 404, 'not-supported'],
    [`Task/${CANARY}_${CANARY}`, 400, 'value'],
    [`Task/${'a'.repeat(65)}`, 400, 'value'],
    ['Task/%E0%A4%A', 400, 'value'],
    ['Task/..%2f..%2fetc', 400, 'value'],
    ['Task/__proto__', 400, 'value'],
    ['constructor/t1', 404, 'not-supported'],
  ])('%s -> %d', async (path, status, code) => {
    const response = await get(path)
    expect(response.status).toBe(status)
    expect(await outcomeOf(response)).toMatchObject({ code })
  })

  test('outside the FHIR base, too', async () => {
    const response = await fetch(`${api.origin}/${CANARY}`)
    expect([response.status, (await outcomeOf(response))?.code]).toEqual([404, 'not-found'])
  })

  test('a deleted resource is gone, its versions stay', async () => {
    await withPool(`update resource set deleted = true where type = 'Provenance' and id = 'v1'`)
    await withPool(
      `insert into history select type, id, version, last_updated, case_id, parties, content, false from resource
       where type = 'Provenance' and id = 'v1'`,
    )
    const response = await get('Provenance/v1')
    expect([response.status, (await outcomeOf(response))?.code]).toEqual([410, 'deleted'])
    expect((await get('Provenance/v1/_history')).status).toBe(200)
    expect(((await (await get('Provenance')).json()) as Bundle).entry).toBeUndefined()
  })
})

async function withPool(sql: string): Promise<void> {
  const { default: pg } = await import('pg')
  const client = new pg.Client(api.database.connection)
  await client.connect()
  await client.query(sql)
  await client.end()
}

describe('verbs', () => {
  test.each([
    ['DELETE', 'Task/t1', 'GET, HEAD, PUT'],
    ['PATCH', 'Task/t1', 'GET, HEAD, PUT'],
    ['PUT', 'Patient/p1', 'GET, HEAD'],
    ['POST', 'Task', 'GET, HEAD'],
    ['GET', 'Task/_search', 'POST'],
    ['POST', 'metadata', 'GET, HEAD'],
    ['POST', 'Task/t1/_history', 'GET, HEAD'],
    ['POST', '', ''],
  ])('%s %s -> 405, Allow: %s', async (method, path, allow) => {
    const response = await fetch(`${api.base}/${path}`, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow])
    expect(await outcomeOf(response)).toMatchObject({ code: 'not-supported' })
  })

  test('OPTIONS tells what is allowed', async () => {
    const response = await fetch(`${api.base}/Task/t1`, { method: 'OPTIONS' })
    expect([response.status, response.headers.get('allow')]).toEqual([204, 'GET, HEAD, PUT'])
  })
})

describe('formats', () => {
  test.each([
    ['application/fhir+json', 200],
    ['application/json', 200],
    ['application/fhir+json; fhirVersion=4.0', 200],
    ['text/html, application/xhtml+xml, */*;q=0.8', 200],
    ['application/fhir+xml', 406],
    ['application/fhir+xml, application/fhir+json;q=0.5', 200],
    ['application/fhir+json;q=0', 406],
    ['application/fhir+json; fhirVersion=3.0', 406],
    ['text/turtle', 406],
  ])('Accept: %s -> %d', async (accept, status) => {
    const response = await get('Task/t1', { accept })
    expect(response.status).toBe(status)
    if (status === 406) expect(await outcomeOf(response)).toMatchObject({ code: 'not-supported' })
  })

  test.each([
    ['json', 200],
    ['application/fhir+json', 200],
    ['application/fhir%2Bjson', 200],
    ['xml', 406],
    ['application/fhir%2Bxml', 406],
    [CANARY, 406],
  ])('_format=%s -> %d whatever Accept says', async (format, status) => {
    const response = await get(`Task/t1?_format=${format}`, { accept: 'application/fhir+xml' })
    expect(response.status).toBe(status)
    if (status === 406) await outcomeOf(response)
  })

  test('_pretty=true indents', async () => {
    expect(await (await get('Task/t1?_pretty=true')).text()).toContain('\n  "resourceType"')
    expect(await (await get('Task/t1')).text()).not.toContain('\n')
  })
})

describe('update of a Task', () => {
  test('is handed on, answered with the new version and found in the history', async () => {
    const response = await put('t2', { ...aTask('t2'), status: 'accepted' }, { 'if-match': 'W/"1"' })
    expect([response.status, response.headers.get('etag')]).toEqual([200, 'W/"2"'])
    expect(((await response.json()) as Task).status).toBe('accepted')
    expect(api.updates.at(-1)).toMatchObject({ id: 't2', ifMatch: 1, task: { status: 'accepted' } })

    const history = (await (await get('Task/t2/_history')).json()) as Bundle
    expect(history).toMatchObject({
      type: 'history',
      total: 2,
      entry: [
        { resource: { id: 't2' }, response: { etag: 'W/"2"', status: '200 OK' } },
        { resource: { id: 't2' }, response: { etag: 'W/"1"', status: '201 Created' } },
      ],
    })
    const first = (await (await get('Task/t2/_history?_count=1')).json()) as Bundle
    const next = first.link?.find(({ relation }) => relation === 'next')?.url ?? ''
    const second = (await (await fetch(next)).json()) as Bundle
    expect(second.entry?.map((entry) => entry.response?.etag)).toEqual(['W/"1"'])
    expect(second.link?.some(({ relation }) => relation === 'next')).toBe(false)
    expect((await get('Task/t2/_history/1')).headers.get('etag')).toBe('W/"1"')
  })

  test.each<[string, string, unknown, Record<string, string>, number, string]>([
    ['a version that is not the current one', 't1', aTask('t1'), { 'if-match': 'W/"7"' }, 412, 'conflict'],
    ['an If-Match that is no version', 't1', aTask('t1'), { 'if-match': CANARY }, 400, 'required'],
    ['a refused transition', 't1', { ...aTask('t1'), status: 'draft' }, {}, 422, 'business-rule'],
    ['an unknown Task', 'none', aTask('none'), {}, 404, 'not-found'],
    ['another id in the body', 't1', aTask('t2'), {}, 400, 'value'],
    [
      'another type in the body',
      't1',
      { resourceType: 'Patient', id: 't1', name: [{ family: CANARY }] },
      {},
      422,
      'invalid',
    ],
    ['a list', 't1', [], {}, 422, 'invalid'],
    ['broken JSON', 't1', `{"resourceType":"Task","note":"${CANARY}`, {}, 400, 'structure'],
    ['an empty body', 't1', '', {}, 400, 'structure'],
    ['a name twice', 't1', '{"resourceType":"Task","id":"t1","id":"t1"}', {}, 400, 'structure'],
    ['a prototype name', 't1', '{"resourceType":"Task","id":"t1","__proto__":{"x":1}}', {}, 400, 'structure'],
    ['XML', 't1', '<Task/>', { 'content-type': 'application/fhir+xml' }, 415, 'not-supported'],
    ['a form', 't1', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'not-supported'],
    ['an unknown encoding', 't1', 'x', { 'content-encoding': 'zstd9' }, 415, 'not-supported'],
  ])('%s', async (_name, id, body, headers, status, code) => {
    const response = await put(id, body, headers)
    expect([response.status, (await outcomeOf(response))?.code]).toEqual([status, code])
  })

  test('nesting at the limit is read, one deeper is not', async () => {
    const nested = (levels: number): string =>
      `{"resourceType":"Task","id":"none","x":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
    expect((await put('none', nested(64))).status).toBe(404)
    expect((await put('none', nested(65))).status).toBe(400)
  })

  test('a body at the limit is read, one byte more is 413', async () => {
    const body = JSON.stringify(aTask('none'))
    const atLimit = body + ' '.repeat(1024 * 1024 - body.length)
    expect((await put('none', atLimit)).status).toBe(404)
    const response = await put('none', `${atLimit} `)
    expect([response.status, (await outcomeOf(response))?.code]).toEqual([413, 'too-long'])
  })

  test('bytes that are not UTF-8 are refused, not replaced', async () => {
    const response = await fetch(`${api.base}/Task/t1`, {
      method: 'PUT',
      headers: { 'content-type': 'application/fhir+json' },
      body: new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    })
    expect([response.status, (await outcomeOf(response))?.code]).toEqual([400, 'structure'])
  })
})

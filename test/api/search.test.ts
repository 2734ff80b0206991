import { describe, expect, test } from '@jest/globals'
import type { Bundle, OperationOutcome } from 'fhir/r4.js'
import { CANARY, withApi } from './support.js'

const api = withApi()

/** A searchset or an OperationOutcome. */
interface Body extends Omit<Bundle, 'resourceType'> {
  readonly resourceType: string
  readonly issue: OperationOutcome['issue']
}

async function search(path: string, init: RequestInit = {}): Promise<{ status: number; body: Body }> {
  const response = await fetch(`${api.base}/${path}`, init)
  return { status: response.status, body: (await response.json()) as Body }
}

const idsOf = (bundle: Pick<Bundle, 'entry'>, mode = 'match'): string[] =>
  (bundle.entry ?? [])
    .filter((entry) => entry.search?.mode === mode)
    .map((entry) => `${entry.resource?.resourceType}/${entry.resource?.id}`)

const linkOf = (bundle: Pick<Bundle, 'link'>, relation: string): string | undefined =>
  bundle.link?.find((link) => link.relation === relation)?.url

describe('parameters', () => {
  test.each([
    ['Task?status=requested', ['Task/t1']],
    ['Task?status=requested,accepted&_sort=_id', ['Task/t1', 'Task/t2']],
    ['Task?status=http://hl7.org/fhir/task-status|requested', ['Task/t1']],
    ['Task?status=https://example.org/other|requested', []],
    ['Task?status=|requested', ['Task/t1']],
    ['Task?owner=Organization/ucr&status=accepted', ['Task/t2']],
    ['Task?owner=ucr&status=accepted', ['Task/t2']],
    ['Task?owner:Organization=ucr&status=accepted', ['Task/t2']],
    ['Task?patient=p2', ['Task/t3']],
    ['Task?patient=Patient/p2', ['Task/t3']],
    ['Task?subject=Patient/p2', ['Task/t3']],
    ['Task?focus=ServiceRequest/sr2', ['Task/t3']],
    ['Task?case=sr2', ['Task/t3']],
    ['Task?case=ServiceRequest/sr2', ['Task/t3']],
    ['Task?_id=t3,t9', ['Task/t3']],
    ['Task?intent=order&_sort=-_id', ['Task/t3', 'Task/t2', 'Task/t1']],
    ['ServiceRequest?identifier=https://example.org/ubrn|0001', ['ServiceRequest/sr1']],
    ['ServiceRequest?identifier=0001', ['ServiceRequest/sr1']],
    ['ServiceRequest?identifier=|0001', []],
    ['ServiceRequest?identifier=0002\\,0001', []],
    ['ServiceRequest?authored=2026-11-21', ['ServiceRequest/sr1']],
    [
      'ServiceRequest?authored=ge2026-11-21T08:59:00Z&authored=lt2026-11-21T08:59:01Z',
      ['ServiceRequest/sr1'],
    ],
    ['ServiceRequest?authored=gt2026-11-21', []],
    // 00:30 summer time: the 10th in London, the 9th in UTC.
    ['Task?authored-on=2026-06-10&status=requested', ['Task/t1']],
    ['Task?authored-on=2026-06-09&status=requested', []],
    ['Task?_lastUpdated=ge2026-11-21T10:00:00Z', ['Task/t3']],
    ['Patient?name=feather', [`Patient/p1`]],
    ['Patient?name=ann%20FEATHER', [`Patient/p1`]],
    ['Patient?given=feather', []],
    ['Patient?family=feather,oka&_sort=_id', ['Patient/p1', 'Patient/p2']],
    ['Patient?birthdate=1950-05-03', ['Patient/p1']],
    ['Patient?birthdate=ne1950', []],
    ['Organization?name=community', ['Organization/ucr']],
    ['Organization?identifier=RQZ', ['Organization/ucr']],
    ['HealthcareService?organization=ucr', ['HealthcareService/ucr-east']],
    ['Provenance?target=ServiceRequest/sr1', ['Provenance/v1']],
    ['Observation?status=final', []],
  ])('%s', async (path, expected) => {
    const { status, body } = await search(path)
    expect([status, idsOf(body)]).toEqual([200, expected])
    expect(body.type).toBe('searchset')
  })

  test('an absolute reference below the own base is local', async () => {
    const { body } = await search(`Task?focus=${encodeURIComponent(`${api.base}/ServiceRequest/sr2`)}`)
    expect(idsOf(body)).toEqual(['Task/t3'])
  })

  test('POST _search takes the form and the query alike', async () => {
    const { status, body } = await search('Task/_search?status=requested', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'owner=Organization%2Fucr',
    })
    expect([status, idsOf(body)]).toEqual([200, ['Task/t1']])
  })

  test('POST _search with nothing finds everything of the type', async () => {
    const { body } = await search('Task/_search', { method: 'POST' })
    expect(idsOf(body)).toHaveLength(3)
  })
})

describe('pages', () => {
  test('next links lead through every match once', async () => {
    const seen: string[] = []
    let url: string | undefined = `${api.base}/Task?_count=1&_sort=authored-on&intent=order`
    while (url !== undefined) {
      const page = (await (await fetch(url)).json()) as Bundle
      seen.push(...idsOf(page))
      url = linkOf(page, 'next')
    }
    expect(seen).toHaveLength(3)
    expect(new Set(seen).size).toBe(3)
    expect(seen.at(-1)).toBe('Task/t2')
  })

  test('the self link shows what took effect', async () => {
    const { body } = await search('Task?status=requested&_pretty=true')
    expect(linkOf(body, 'self')).toBe(`${api.base}/Task?status=requested&_pretty=true`)
  })

  test('_summary=count and _count=0 give the total alone', async () => {
    for (const path of ['Task?_summary=count', 'Task?_count=0']) {
      const { body } = await search(path)
      expect([body.total, body.entry, linkOf(body, 'next')]).toEqual([3, undefined, undefined])
    }
  })

  test('_total=accurate counts beyond the page', async () => {
    const { body } = await search('Task?_total=accurate&_count=1')
    expect([body.total, idsOf(body).length]).toEqual([3, 1])
  })
})

describe('includes', () => {
  test.each([
    ['Task?_id=t3&_include=Task:focus&_include=Task:patient', ['Patient/p2', 'ServiceRequest/sr2']],
    ['Task?_id=t1&_include=Task:owner', ['Organization/ucr']],
    ['Task?_id=t1&_include=Task:focus:Patient', []],
    ['ServiceRequest?_id=sr1&_include=ServiceRequest:subject', ['Patient/p1']],
    ['ServiceRequest?_id=sr1&_include=ServiceRequest:requester', ['Organization/ucr']],
    [
      'ServiceRequest?_id=sr1&_revinclude=Task:focus&_revinclude=Provenance:target',
      ['Provenance/v1', 'Task/t1', 'Task/t2'],
    ],
  ])('%s', async (path, expected) => {
    expect(idsOf((await search(path)).body, 'include').sort()).toEqual(expected)
  })
})

test('_elements keeps the named ones, id and meta, and says so', async () => {
  const { body } = await search('Task?_id=t1&_elements=status,focus')
  const resource = body.entry?.[0]?.resource
  expect(Object.keys(resource ?? {}).sort()).toEqual(['focus', 'id', 'meta', 'resourceType', 'status'])
  expect(resource?.meta?.tag).toEqual([
    { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' },
  ])
})

describe('Prefer: handling', () => {
  test('strict is the default: an unknown parameter is refused with the allowed ones', async () => {
    const { status, body } = await search('Task?birthdate=1950-05-03')
    expect(status).toBe(400)
    expect(body.issue[0]).toMatchObject({
      severity: 'error',
      code: 'not-supported',
      diagnostics: 'birthdate',
    })
    expect(body.issue[0]?.details?.text).toMatch(/ status, .* authored-on, /)
  })

  test('lenient leaves it out and says so', async () => {
    const { status, body } = await search('Task?foo=1&status=requested&status:missing=true', {
      headers: { prefer: 'handling=lenient' },
    })
    expect([status, idsOf(body)]).toEqual([200, ['Task/t1']])
    expect(linkOf(body, 'self')).toBe(`${api.base}/Task?status=requested`)
    expect(body.entry?.at(-1)).toMatchObject({
      search: { mode: 'outcome' },
      resource: { resourceType: 'OperationOutcome', issue: [{ severity: 'warning' }] },
    })
  })

  test('lenient does not forgive a bad value: the answer would be wider than asked', async () => {
    const { status } = await search('Task?authored-on=soon', { headers: { prefer: 'handling=lenient' } })
    expect(status).toBe(400)
  })
})

describe('refusals name the place and never the value', () => {
  const many = Array.from({ length: 21 }, () => 'intent=order').join('&')
  test.each([
    [`Task?${CANARY}=1`, 400, 'not-supported'],
    [`Task?status:${CANARY}=requested`, 400, 'not-supported'],
    [`Task?authored-on=${CANARY}`, 400, 'value'],
    ['Task?authored-on=2026-02-31', 400, 'value'],
    ['Task?authored-on=9999', 200, undefined],
    [`Task?owner=${CANARY}/${CANARY}/x`, 400, 'value'],
    [`Task?patient=Organization/ucr`, 400, 'value'],
    [`Task?focus=sr1`, 400, 'value'],
    [`Task?status=`, 400, 'not-supported'],
    [`Task?business-status=https://example.org|`, 400, 'value'],
    [`Patient?name=***`, 400, 'value'],
    [`Patient?birthdate=1950-05-03T10:00:00Z`, 400, 'value'],
    [`Task?_sort=${CANARY}`, 400, 'value'],
    [`Task?_sort=_id,status`, 400, 'value'],
    [`Task?_count=-1`, 400, 'value'],
    [`Task?_count=${CANARY}`, 400, 'value'],
    [`Task?_count=1&_count=2`, 400, 'value'],
    [`Task?_summary=true`, 400, 'not-supported'],
    [`Task?_elements=${CANARY}.x`, 400, 'value'],
    [`Task?_include=${CANARY}`, 400, 'value'],
    [`Task?_include=ServiceRequest:subject`, 400, 'value'],
    [`Task?_include=Task:status`, 400, 'value'],
    [`Task?_include:iterate=Task:focus`, 400, 'not-supported'],
    [`Patient?_revinclude=Task:owner`, 200, undefined],
    [`Organization?_revinclude=Provenance:agent`, 200, undefined],
    [`Location?_revinclude=Task:part-of`, 400, 'value'],
    [`Task?_cursor=${CANARY}`, 400, 'value'],
    [`Task?_cursor=WzEsMl0`, 400, 'value'],
    [`Task?_cursor=WyJ4IiwieSJd`, 400, 'value'],
    [`Task?${many}`, 400, 'too-costly'],
    [`Task?_id=${Array.from({ length: 101 }, (_, n) => n).join(',')}`, 400, 'too-costly'],
    [`Task?_id=${Array.from({ length: 100 }, (_, n) => n).join(',')}`, 200, undefined],
    [`Task?${many.slice('intent=order&'.length)}`, 200, undefined],
    ['Task?status=%00', 400, 'value'],
    ['Task?__proto__=1', 400, 'not-supported'],
    ['Task?constructor=1&toString=2', 400, 'not-supported'],
    ['Task?status[]=requested', 400, 'not-supported'],
  ])('%s', async (path, status, code) => {
    const answer = await search(path)
    expect(answer.status).toBe(status)
    if (code === undefined) return
    expect(answer.body.resourceType).toBe('OperationOutcome')
    expect(answer.body.issue[0]).toMatchObject({ severity: 'error', code })
    expect(JSON.stringify(answer.body)).not.toContain(CANARY)
    expect(answer.body.issue[0]?.details?.text).toMatch(/\w{3}.*[.;]/)
  })
})

/** Whatever comes in: no 5xx, always an OperationOutcome, never the sender's words back. */
import { afterAll, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { request } from 'node:http'
import { CANARY, withApi } from './support.js'

const api = withApi()
afterAll(() => expect(api.failures).toEqual([]))

/** fetch tidies paths up; this sends them as they are. */
function rawGet(
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(`${api.origin}`, { path, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    asked.on('error', reject)
    asked.end()
  })
}

test.each([
  ['a URL of 10,000 characters', `/FHIR/R4/Task?status=${'a'.repeat(10_000)}`, 414],
  ['a URL one over the limit', `/FHIR/R4/Task?status=${'a'.repeat(8193 - 21)}`, 414],
  ['a URL at the limit', `/FHIR/R4/Task?status=${'a'.repeat(8192 - 21)}`, 200],
  ['1,000 parameters', `/FHIR/R4/Task?${Array.from({ length: 1000 }, () => 'a=1').join('&')}`, 400],
  ['a path that climbs', '/FHIR/R4/../../etc/passwd', 404],
  ['a doubled slash', '/FHIR/R4//Task', 404],
  ['a NUL', '/FHIR/R4/Task/%00', 400],
  ['a prototype name as type', '/FHIR/R4/__proto__/x', 404],
  ['prototype names as parameters', '/FHIR/R4/Task?__proto__[x]=1&constructor.prototype=2', 400],
  ['an include of a prototype name', '/FHIR/R4/Task?_include=__proto__:constructor', 400],
  ['a sort by a prototype name', '/FHIR/R4/Task?_sort=__proto__', 400],
  ['SQL in a value', `/FHIR/R4/Task?status=${encodeURIComponent("' or 1=1; drop table resource --")}`, 200],
  ['SQL in a name', `/FHIR/R4/Patient?name=${encodeURIComponent("a':* | b\\")}`, 200],
  ['half a surrogate pair', '/FHIR/R4/Patient?name=%ED%A0%80', 400],
  ['a backslash at the end', '/FHIR/R4/Task?status=a%5C', 200],
])('%s', async (_name, path, status) => {
  const answer = await rawGet(path)
  expect(answer.status).toBe(status)
  expect(JSON.parse(answer.text)).toMatchObject({
    resourceType: status === 200 ? 'Bundle' : 'OperationOutcome',
  })
})

test('any parameter with any value: an answer, never a failure', async () => {
  const names = fc.constantFrom(
    'status',
    'owner',
    'patient',
    'authored-on',
    '_id',
    '_sort',
    '_cursor',
    '_include',
    'case',
    'code',
  )
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom('|', ',', '\\', '$', '-', 'ge', ':'),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(names, value), { minLength: 1, maxLength: 3 }), async (pairs) => {
      const query = new URLSearchParams(pairs.map(([name, text]): [string, string] => [name, text]))
      const { status } = await rawGet(`/FHIR/R4/Task?${query}`)
      expect([200, 400]).toContain(status)
    }),
    { numRuns: 60, seed: 42 },
  )
})

test('any path: an answer, never a failure, never an echo', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ maxLength: 12 }), { maxLength: 5 }), async (steps) => {
      const path = [CANARY, ...steps].map((step) => encodeURIComponent(step)).join('/')
      const answer = await rawGet(`/FHIR/R4/${path}`)
      expect(answer.status).toBe(404)
      expect(answer.text).not.toContain(CANARY)
    }),
    { numRuns: 40, seed: 42 },
  )
})

test('callers from elsewhere, through a proxy or under a foreign host name are refused', async () => {
  for (const headers of [
    { 'x-forwarded-for': '203.0.113.9' },
    { forwarded: 'for=203.0.113.9' },
    { host: 'evil.example' },
  ]) {
    const answer = await rawGet('/FHIR/R4/metadata', headers as Record<string, string>)
    expect(answer.status).toBe(403)
    expect(JSON.parse(answer.text)).toMatchObject({ issue: [{ code: 'forbidden' }] })
  }
  for (const host of ['localhost', 'localhost:8080', '[::1]:8080', '127.0.0.1:1']) {
    expect((await rawGet('/FHIR/R4/metadata', { host })).status).toBe(200)
  }
})

/** What the wire can do to a request, on real sockets: only what was provably never written may be called so. */
import { afterAll, afterEach, describe, expect, test } from '@jest/globals'
import { Fault } from '../../src/terms/fault.js'
import { createFhirClient, type FhirAnswer, type FhirRequest } from '../../src/wire/fhir-client.js'
import { closedUrl, startReceiver, type Behaviour, type Receiver } from './receiver.js'

const MAX = 1_000
const client = createFhirClient({ connectTimeoutMs: 300, maxAnswerBytes: MAX })
let receiver: Receiver | undefined

afterEach(async () => {
  await receiver?.close()
  receiver = undefined
})
afterAll(() => client.close())

const post = (baseUrl: string, over: Partial<FhirRequest> = {}): Promise<FhirAnswer> =>
  client.request({
    baseUrl,
    method: 'POST',
    path: '$process-message',
    headers: { 'content-type': 'application/fhir+json', 'X-Request-Id': 'one' },
    body: Buffer.from('{"note":"Zoë — ½"}', 'utf8'),
    timeoutMs: 400,
    ...over,
  })

async function to(behave: Behaviour, over: Partial<FhirRequest> = {}): Promise<FhirAnswer> {
  receiver = await startReceiver(behave)
  return post(receiver.url, over)
}

const faultOf = async (answer: Promise<FhirAnswer>): Promise<Fault> => {
  const thrown: unknown = await answer.then(() => undefined).catch((error: unknown) => error)
  if (thrown instanceof Fault) return thrown
  throw new Error(`expected a Fault, found ${String(thrown)}`)
}

describe('an answer of any kind', () => {
  test('the body goes out byte for byte and comes back as it came', async () => {
    const answer = await to((_request, response) => response.end('{ "resourceType" : "Bundle" }'))
    expect(receiver?.received[0]).toMatchObject({
      url: '/FHIR/R4/$process-message',
      body: '{"note":"Zoë — ½"}',
    })
    expect(receiver?.received[0]?.headers['content-type']).toBe('application/fhir+json')
    expect(Buffer.from(answer.bytes).toString()).toBe('{ "resourceType" : "Bundle" }')
    expect(answer.body).toEqual({ resourceType: 'Bundle' })
  })

  test('a transaction goes to the base', async () => {
    await to((_request, response) => response.end('{}'), { path: '' })
    expect(receiver?.received[0]).toMatchObject({ method: 'POST', url: '/FHIR/R4/' })
  })

  test.each([500, 503, 409])('HTTP %i is an answer, with its headers', async (status) => {
    const answer = await to((_request, response) => {
      response.writeHead(status, { 'Retry-After': '7' }).end('{"resourceType":"OperationOutcome"}')
    })
    expect(answer.status).toBe(status)
    expect(answer.header('Retry-After')).toBe('7')
    expect(answer.body).toEqual({ resourceType: 'OperationOutcome' })
  })

  test('a body that is not JSON is kept as text', async () => {
    const answer = await to((_request, response) => response.end('<html>moved</html>'))
    expect(answer.body).toBe('<html>moved</html>')
  })

  test('a redirect is an answer and is not followed', async () => {
    const answer = await to((_request, response) => {
      response.writeHead(307, { Location: `${receiver?.url ?? ''}/elsewhere` }).end()
    })
    expect(answer.status).toBe(307)
    expect(receiver?.received).toHaveLength(1)
  })

  test('no authorization is ever added', async () => {
    await to((_request, response) => response.end('{}'))
    expect(receiver?.received[0]?.headers).not.toHaveProperty('authorization')
  })

  test('an answer at the size limit is read, one byte past it is not', async () => {
    const answer = await to((_request, response) => response.end('x'.repeat(MAX)))
    expect(answer.bytes).toHaveLength(MAX)
    await receiver?.close()
    const fault = await faultOf(to((_request, response) => response.end('x'.repeat(MAX + 1))))
    expect(fault.code).toBe('receiver-answer-unreadable')
    expect(fault.meaning.class).toBe('unsure')
  })
})

describe('no answer', () => {
  test('nobody listens: provably not accepted', async () => {
    const fault = await faultOf(post(await closedUrl()))
    expect(fault.code).toBe('receiver-refused-connection')
    expect(fault.meaning.class).toBe('retry')
    expect(fault.message).toContain('ECONNREFUSED')
  })

  test('no such host: provably not accepted', async () => {
    const fault = await faultOf(post('http://no-such-host.invalid/FHIR/R4', { timeoutMs: 5_000 }))
    expect(fault.code).toBe('receiver-refused-connection')
  })

  test('silence after the request was written: it may have arrived', async () => {
    const fault = await faultOf(to(() => undefined))
    expect(fault.code).toBe('receiver-silent')
    expect(fault.meaning.class).toBe('unsure')
    expect(fault.message).toContain('400 ms')
  })

  test('an answer that starts and then stops is silence too', async () => {
    const fault = await faultOf(
      to((_request, response) => {
        response.writeHead(200)
        response.write('{"resourceType":')
      }),
    )
    expect(fault.code).toBe('receiver-silent')
  })

  test.each([
    ['before the status line', (_request, _response, socket) => socket.destroy()],
    [
      'in the middle of the answer',
      (_request, response, socket) => {
        response.writeHead(200, { 'Content-Length': '500' })
        response.write('{"resourceType"', () => socket.destroy())
      },
    ],
  ] satisfies [string, Behaviour][])('cut %s: it may have arrived', async (_name, behave) => {
    const fault = await faultOf(to(behave))
    expect(fault.code).toBe('receiver-cut-off')
    expect(fault.meaning.class).toBe('unsure')
  })

  test('stopped from outside while waiting: it may have arrived', async () => {
    const stop = new AbortController()
    const fault = faultOf(to(() => stop.abort(), { signal: stop.signal, timeoutMs: 5_000 }))
    expect((await fault).code).toBe('receiver-cut-off')
  })
})

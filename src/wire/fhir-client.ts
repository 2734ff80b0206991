/** One request to a FHIR server of somebody else: fhir-kit-client with the time, size, redirect and failure rules
 *  that a delivery needs. What went wrong on the wire becomes a Fault whose class says whether it may have arrived. */
import { Client } from 'fhir-kit-client'
import { Agent } from 'undici'
import { Fault } from '../terms/fault.js'
import { watchExchange, type Exchange } from './exchange.js'

export interface FhirRequest {
  readonly baseUrl: string
  readonly method: 'GET' | 'POST' | 'PUT'
  /** Below `baseUrl`; empty for the base itself (a transaction). */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Sent byte for byte. */
  readonly body?: Uint8Array
  /** From the first byte to the last, connecting included. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** Any HTTP answer, whatever its status: the caller knows what the status means for its own exchange. */
export interface FhirAnswer {
  readonly status: number
  readonly header: (name: string) => string | undefined
  /** Parsed JSON; the text itself where it was not JSON; undefined when there was none. */
  readonly body: unknown
  /** As it came over the wire. */
  readonly bytes: Uint8Array
}

export interface FhirClient {
  /** Throws Fault: `receiver-refused-connection` when the request was never written, otherwise
   *  `receiver-silent`, `receiver-cut-off` or `receiver-answer-unreadable`. */
  request(request: FhirRequest): Promise<FhirAnswer>
  close(): Promise<void>
}

export interface FhirClientOptions {
  /** Time for DNS, TCP and TLS; the request itself has not been written before they end. */
  readonly connectTimeoutMs: number
  readonly maxAnswerBytes: number
  /** Client certificate for mutual TLS, as node:tls takes it. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string }
}

export function createFhirClient(options: FhirClientOptions): FhirClient {
  const agent = new Agent({
    connect: { timeout: options.connectTimeoutMs, ...options.tls },
    maxResponseSize: options.maxAnswerBytes,
  })
  return {
    request: (request) => exchange(agent, request),
    close: () => agent.destroy(),
  }
}

async function exchange(agent: Agent, request: FhirRequest): Promise<FhirAnswer> {
  const watched = watchExchange(agent)
  const timeout = AbortSignal.timeout(request.timeoutMs)
  const signal = request.signal === undefined ? timeout : AbortSignal.any([request.signal, timeout])
  try {
    await send(request, watched, signal)
  } catch (thrown) {
    // An HTTP error status or a body that is not JSON: the answer arrived whole, so it is an answer.
    if (!isHttpError(thrown)) throw faultOf(thrown, watched, request, timedOut(signal))
  }
  return answerOf(watched)
}

/** No bearer and no shared client: a token must never follow a foreign base URL. */
async function send(request: FhirRequest, watched: Exchange, signal: AbortSignal): Promise<void> {
  const client = new Client({ baseUrl: request.baseUrl })
  const init = {
    headers: { ...request.headers, 'accept-encoding': 'identity' },
    signal,
    // A redirect would hand patient data to an address nobody configured.
    redirect: 'manual' as const,
    dispatcher: watched.dispatcher,
  }
  // `dispatcher` is Node's own addition to RequestInit; fhir-kit-client passes it through to fetch.
  const options = init as Omit<typeof init, 'dispatcher'>
  if (request.body === undefined) {
    await client.request(request.path, { method: request.method, options })
    return
  }
  // A string is sent as it is; an object would be serialised anew.
  const body = Buffer.from(request.body).toString('utf8')
  if (request.path === '') {
    // Its type asks for the parsed resource; the HTTP layer accepts text and leaves it alone.
    await client.transaction({ body: body as unknown as { resourceType: string }, options })
    return
  }
  await client.request(request.path, { method: request.method, options, body })
}

function answerOf(watched: Exchange): FhirAnswer {
  const bytes = watched.bytes()
  const text = Buffer.from(bytes).toString('utf8')
  return {
    status: watched.status(),
    header: (name) => watched.header(name),
    body: text === '' ? undefined : parsedOrText(text),
    bytes,
  }
}

function parsedOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** undici's code for an answer past `maxAnswerBytes`. */
const TOO_LARGE = 'UND_ERR_RES_EXCEEDED_MAX_SIZE'

/** Ours or the caller's: either clock ending means that no answer came in time. */
const timedOut = (signal: AbortSignal): boolean => memberOf(signal.reason, 'name') === 'TimeoutError'

const isHttpError = (thrown: unknown): boolean => memberOf(thrown, 'response') !== undefined

function faultOf(thrown: unknown, watched: Exchange, request: FhirRequest, late: boolean): Fault {
  const where = `${request.method} ${new URL(request.baseUrl).host}/${request.path}`
  const cause = { cause: thrown }
  const reason = reasonOf(watched.failure() ?? thrown)
  if (!watched.written()) {
    const text = late ? `no connection within ${request.timeoutMs} ms` : reason
    return new Fault(
      'receiver-refused-connection',
      `No connection to the receiver (${text}); nothing was sent.`,
      where,
      cause,
    )
  }
  if (reason === TOO_LARGE) {
    const text = 'The answer of the receiver is larger than this gateway reads; it was not kept.'
    return new Fault('receiver-answer-unreadable', text, where, cause)
  }
  if (late) {
    const text = `The receiver did not finish its answer within ${request.timeoutMs} ms; it may have the message.`
    return new Fault('receiver-silent', text, where, cause)
  }
  const text = `The connection ended before the whole answer was read (${reason}); the receiver may have the message.`
  return new Fault('receiver-cut-off', text, where, cause)
}

/** fetch says only "fetch failed"; the error below it names the cause. */
function reasonOf(thrown: unknown): string {
  const inner = memberOf(thrown, 'cause') ?? thrown
  return String(memberOf(inner, 'code') ?? memberOf(inner, 'message') ?? 'unknown cause')
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined

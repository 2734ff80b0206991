/** Services that receive: they discard repeats, keep a log of their own, and fail now and then as real ones do. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { REFERRAL_ID } from './kill-messages.js'

/** One request that reached a receiver. */
export interface Arrival {
  readonly receiver: string
  /** What the receiver tells repeats by. */
  readonly key: string
  /** BaRS: the conversation (one per case). FHIR: the offer Task. */
  readonly conversation: string
  readonly kind: 'offer' | 'cancel'
  /** The sender's id of the referral, where the message carries it. */
  readonly referralId: string | undefined
  /** False for a repeat that was discarded and for a request that failed. */
  readonly effect: boolean
}

/** Moments of one request, in order: connected, read whole, effect done, answer half written, answered. */
export type Moment = 'connected' | 'read' | 'done' | 'half-answered' | 'answered'

export interface Receivers {
  readonly urls: Readonly<Record<string, string>>
  /** Every request of all receivers, in order. */
  readonly arrivals: readonly Arrival[]
  /** From now on: 1 in 20 requests fails, 1 in 20 replies is cut off after the effect. */
  failSometimes(random: () => number): void
  /** Once, at that moment of the next request: the request goes no further, and what was asked for happens. */
  interrupt(moment: Moment): Promise<void>
  close(): Promise<void>
}

/** Environment variables of `test/kill/deployment` and who listens there. */
const BARS = { KILL_RAPID_URL: 'rapid', KILL_WARD_URL: 'ward' } as const
const FHIR = { KILL_COUNCIL_URL: 'council' } as const

export async function startReceivers(): Promise<Receivers> {
  const shared = new Shared()
  const urls: Record<string, string> = {}
  const servers: Server[] = []
  const listen = async (variable: string, answer: Answer): Promise<void> => {
    const server = await serve(answer, shared)
    servers.push(server)
    // A TCP server that listens has an AddressInfo.
    urls[variable] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  for (const [variable, id] of Object.entries(BARS)) await listen(variable, barsReceiver(id))
  for (const [variable, id] of Object.entries(FHIR)) await listen(variable, fhirReceiver(id))
  return {
    urls,
    arrivals: shared.arrivals,
    failSometimes: (random) => (shared.random = random),
    interrupt: (moment) => new Promise((resolve) => (shared.awaited = { moment, happened: resolve })),
    close: async () => {
      for (const server of servers) {
        server.close()
        server.closeAllConnections()
      }
    },
  }
}

class Shared {
  readonly arrivals: Arrival[] = []
  random: () => number = () => 1
  awaited: { readonly moment: Moment; readonly happened: () => void } | undefined
  private readonly seen = new Set<string>()

  /** True once: whoever waits for this moment is told, and the request must go no further. */
  isInterrupted(moment: Moment): boolean {
    if (this.awaited?.moment !== moment) return false
    const { happened } = this.awaited
    this.awaited = undefined
    happened()
    return true
  }

  /** Takes effect unless it is a repeat; says whether it did. */
  take(arrival: Omit<Arrival, 'effect'>): boolean {
    const key = `${arrival.receiver} ${arrival.key}`
    const effect = !this.seen.has(key)
    this.seen.add(key)
    this.arrivals.push({ ...arrival, effect })
    return effect
  }
}

interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What a receiver makes of a request: its entry for the log, and its replies to each case. */
type Answer = (
  request: IncomingMessage,
  body: string,
) => {
  readonly arrival: Omit<Arrival, 'effect'>
  readonly taken: Reply
  readonly repeated: Reply
  readonly failed: Reply
}

async function serve(answer: Answer, shared: Shared): Promise<Server> {
  const server = createServer((request, response) => {
    respond(request, response, answer, shared).catch(() => response.destroy())
  })
  server.on('connection', (socket) => {
    if (shared.isInterrupted('connected')) socket.destroy()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return server
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  shared: Shared,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  // Left hanging: the gateway waits for its time-out, unless it is killed.
  if (shared.isInterrupted('read')) return
  const { arrival, taken, repeated, failed } = answer(request, Buffer.concat(chunks).toString('utf8'))
  const luck = shared.random()
  if (luck < 0.05) {
    shared.arrivals.push({ ...arrival, effect: false })
    return send(response, failed)
  }
  const effect = shared.take(arrival)
  if (luck < 0.1 || shared.isInterrupted('done')) return void request.socket.destroy()
  const reply = effect ? taken : repeated
  if (shared.isInterrupted('half-answered')) {
    response.writeHead(reply.status, { ...reply.headers, 'content-length': Buffer.byteLength(reply.body) })
    response.write(reply.body.slice(0, reply.body.length / 2))
    return
  }
  response.once('finish', () => shared.isInterrupted('answered'))
  send(response, reply)
}

function send(response: ServerResponse, { status, headers, body }: Reply): void {
  // One request a connection, so that each has a moment of connecting.
  response.writeHead(status, { 'content-type': 'application/fhir+json', connection: 'close', ...headers })
  response.end(body)
}

const outcome = (code: string): string =>
  JSON.stringify({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code }] })

/** BaRS: repeats are told by X-Request-Id and answered 409 duplicate; both ids are echoed. */
function barsReceiver(receiver: string): Answer {
  return (request, body) => {
    const requestId = String(request.headers['x-request-id'])
    const conversation = String(request.headers['x-correlation-id'])
    const headers = { 'x-request-id': requestId, 'x-correlation-id': conversation }
    const status = serviceRequestStatus(body)
    const kind = status === 'revoked' || status === 'entered-in-error' ? 'cancel' : 'offer'
    return {
      arrival: { receiver, key: requestId, conversation, kind, referralId: REFERRAL_ID.exec(body)?.[0] },
      taken: { status: 200, headers, body },
      repeated: { status: 409, headers, body: outcome('duplicate') },
      failed: { status: 500, headers, body: outcome('transient') },
    }
  }
}

/** FHIR: every entry is a PUT, so the same Task in the same meaning is a repeat. */
function fhirReceiver(receiver: string): Answer {
  return (_request, body) => {
    const task = resources(body).find(({ resourceType }) => resourceType === 'Task')
    const conversation = String(task?.['id'])
    const kind = task?.['status'] === 'cancelled' ? 'cancel' : 'offer'
    const done = { status: 200, headers: {}, body: '{"resourceType":"Bundle","type":"transaction-response"}' }
    return {
      arrival: {
        receiver,
        key: `${conversation} ${kind}`,
        conversation,
        kind,
        referralId: REFERRAL_ID.exec(body)?.[0],
      },
      taken: done,
      repeated: done,
      failed: { status: 500, headers: {}, body: outcome('exception') },
    }
  }
}

const serviceRequestStatus = (body: string): unknown =>
  resources(body).find(({ resourceType }) => resourceType === 'ServiceRequest')?.['status']

type Json = Readonly<Record<string, unknown>>

/** Casts: what the gateway sends is a Bundle; anything else throws and the request is cut. */
const resources = (body: string): readonly Json[] =>
  (JSON.parse(body) as { readonly entry: readonly { readonly resource: Json }[] }).entry.map(
    ({ resource }) => resource,
  )

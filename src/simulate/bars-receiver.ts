/** A BaRS receiver: takes requests as a real one does, discards repeats, answers later by a message of its own. */
import type { Bundle } from 'fhir/r4.js'
import { barsRefusal } from '../codec/bars/errors.js'
import { ACCEPT, encodeHeader } from '../codec/bars/headers.js'
import { readBarsMessage, requireDefinition } from '../codec/bars/message.js'
import { HEADER, serviceIdOf, SYSTEM } from '../codec/bars/terms.js'
import { asFault, Fault } from '../terms/fault.js'
import { createFhirClient, type FhirClient } from '../wire/fhir-client.js'
import { answerMessage, echoOf, isCancellation, type Verdict } from './bars-answers.js'
import type { Emit, SimulateDeps, Twin } from './events.js'
import { startHttpTwin, type TwinAnswer, type TwinReply, type TwinRequest } from './http-twin.js'
import { SLOW_MS, wait, type Misbehaviour } from './misbehaviour.js'

export interface ReceiverOptions {
  readonly port: number
  /** Base URL of the gateway. */
  readonly gateway: string
  readonly decide: 'accept' | 'reject' | 'complete' | 'silent'
  /** Between one answer and the next. */
  readonly delayMs: number
  /** Requests answered 503 before it comes up. */
  readonly downFirst: number
  readonly misbehave: Misbehaviour | undefined
}

export interface BarsReceiverOptions extends ReceiverOptions {
  readonly serviceId: string
}

/** An answer is sent again this often when the gateway cannot take it. */
const ANSWER_ATTEMPTS = 20
const ANSWER_TIMEOUT_MS = 10_000

export async function startBarsReceiver(
  options: BarsReceiverOptions,
  emit: Emit,
  deps: SimulateDeps,
): Promise<Twin> {
  const receiver = new BarsReceiver(options, emit, deps)
  const twin = await startHttpTwin(
    options.port,
    (request) => receiver.receive(request),
    (error) => emit('failed', { cause: String(error) }),
  )
  return { port: twin.port, close: () => receiver.close().then(() => twin.close()) }
}

/** Holds what it has seen, as any receiver must to recognise a repeat. */
class BarsReceiver {
  private readonly seen = new Set<string>()
  /** Conversations that were cancelled. */
  private readonly cancelled = new Set<string>()
  private requests = 0
  private cases = 0
  private isOpen = true
  private readonly client: FhirClient = createFhirClient({
    connectTimeoutMs: 2_000,
    maxAnswerBytes: 10_000_000,
  })

  constructor(
    private readonly options: BarsReceiverOptions,
    private readonly emit: Emit,
    private readonly deps: SimulateDeps,
  ) {}

  async close(): Promise<void> {
    this.isOpen = false
    await this.client.close()
  }

  async receive(request: TwinRequest): Promise<TwinAnswer> {
    const ids = idsOf(request)
    this.requests += 1
    const { misbehave, downFirst } = this.options
    if (this.requests <= downFirst) return refusal(new Fault('store-unavailable', 'Not up yet.'), ids)
    if (misbehave === 'silent') return 'silent'
    if (misbehave === 'error-500') return refusal(new Fault('internal-error', 'Something went wrong.'), ids)
    if (misbehave === 'error-503')
      return refusal(new Fault('store-unavailable', 'Down for maintenance.'), ids)
    if (misbehave === 'reject-422') return refusal(new Fault('event-unsupported', 'Not taken here.'), ids)
    if (misbehave === 'slow') await wait(SLOW_MS)
    const reply = this.take(request, ids)
    if (misbehave === 'cut' && reply.status === 200) return 'cut'
    if (misbehave === 'wrong-ids') {
      return { ...reply, headers: { ...reply.headers, [HEADER.requestId]: this.deps.newId() } }
    }
    return reply
  }

  private take(request: TwinRequest, ids: Ids): TwinReply {
    try {
      if (request.method !== 'POST' || !request.path.endsWith('/$process-message')) {
        throw new Fault('resource-unknown', 'Expected POST $process-message.', 'URL')
      }
      if (ids.requestId === '' || ids.correlationId === '') {
        throw new Fault('message-id-missing', 'Both ids are required.', HEADER.requestId)
      }
      return this.accept(JSON.parse(request.body), ids)
    } catch (thrown) {
      const fault = asFault(thrown)
      if (fault.code !== 'message-repeated')
        this.emit('refused', { fault: fault.code, text: fault.message, ...ids })
      return refusal(fault, ids)
    }
  }

  private accept(body: unknown, ids: Ids): TwinReply {
    const message = readBarsMessage(body)
    requireDefinition(message)
    if (message.destinationServiceId !== this.options.serviceId) {
      throw new Fault('resource-unknown', 'This is another service.', 'MessageHeader.destination.endpoint')
    }
    const key = `${ids.requestId}/${ids.correlationId}`
    if (this.seen.has(key)) {
      this.emit('duplicate', { messageId: message.id, ...ids })
      throw new Fault('message-repeated', 'This message was processed before.', HEADER.requestId)
    }
    this.seen.add(key)
    this.cases += 1
    const { newId, now } = this.deps
    const answering = { newId, now: now(), serviceId: this.options.serviceId }
    const echo = echoOf(message.bundle, `SIM-${this.options.serviceId}-${this.cases}`, answering)
    const cancels = isCancellation(message)
    this.emit(cancels ? 'cancelled' : 'received', {
      messageId: message.id,
      category: message.category,
      ...ids,
    })
    if (cancels) this.cancelled.add(ids.correlationId)
    else void this.answer(echo, ids.correlationId)
    return { status: 200, body: JSON.stringify(echo), headers: idHeaders(ids) }
  }

  /** Interim first, then the outcome. A referral was accepted by its reply, so only its outcome follows. */
  private async answer(echo: Bundle, correlationId: string): Promise<void> {
    const isReferral = readBarsMessage(echo).category === 'referral'
    for (const verdict of verdictsOf(this.options.decide, isReferral)) {
      await wait(this.options.delayMs)
      if (!this.isOpen || this.cancelled.has(correlationId)) return
      const { newId, now } = this.deps
      const message = answerMessage(echo, verdict, { newId, now: now(), serviceId: this.options.serviceId })
      const requestId = newId()
      await this.post(message, requestId, correlationId, verdict)
      if (this.options.misbehave === 'duplicate-answer')
        await this.post(message, requestId, correlationId, verdict)
    }
  }

  /** The same bytes under the same ids until the gateway has them. */
  private async post(
    message: Bundle,
    requestId: string,
    correlationId: string,
    verdict: Verdict,
  ): Promise<void> {
    const body = Buffer.from(JSON.stringify(message), 'utf8')
    const headers = answerHeaders(message, requestId, correlationId)
    for (let attempt = 1; this.isOpen && attempt <= ANSWER_ATTEMPTS; attempt++) {
      const status = await this.client
        .request({
          baseUrl: `${this.options.gateway}/bars/FHIR/R4`,
          method: 'POST',
          path: '$process-message',
          headers,
          body,
          timeoutMs: ANSWER_TIMEOUT_MS,
        })
        .then((answer) => answer.status)
        .catch((thrown: unknown) => asFault(thrown).code)
      this.emit('answered', { verdict: verdict.kind, messageId: message.id, status, attempt, correlationId })
      if (typeof status === 'number' && status < 500 && status !== 408 && status !== 429) return
      await wait(Math.min(200 * attempt, 2_000))
    }
  }
}

function verdictsOf(decide: ReceiverOptions['decide'], isReferral: boolean): readonly Verdict[] {
  const done: Verdict = { kind: 'complete', text: 'Seen at home, treated, no further action needed.' }
  switch (decide) {
    case 'silent':
      return []
    case 'accept':
      return isReferral ? [] : [{ kind: 'accept' }]
    case 'reject':
      return isReferral ? [] : [{ kind: 'reject', code: 'OTH', text: 'No capacity for this need today' }]
    case 'complete':
      return isReferral ? [done] : [{ kind: 'accept' }, done]
  }
}

interface Ids {
  readonly requestId: string
  readonly correlationId: string
}

const idsOf = (request: TwinRequest): Ids => ({
  requestId: request.header(HEADER.requestId) ?? '',
  correlationId: request.header(HEADER.correlationId) ?? '',
})

const idHeaders = ({ requestId, correlationId }: Ids): Record<string, string> => ({
  [HEADER.requestId]: requestId,
  [HEADER.correlationId]: correlationId,
})

function refusal(fault: Fault, ids: Ids): TwinReply {
  const { status, outcome } = barsRefusal(fault)
  return { status, body: JSON.stringify(outcome), headers: idHeaders(ids) }
}

function answerHeaders(message: Bundle, requestId: string, correlationId: string): Record<string, string> {
  const { header, useCase, category, reason } = readBarsMessage(message)
  return {
    Accept: ACCEPT,
    'Content-Type': 'application/fhir+json',
    [HEADER.requestId]: requestId,
    [HEADER.correlationId]: correlationId,
    [HEADER.target]: encodeHeader({
      system: SYSTEM.dosServiceId,
      value: serviceIdOf(header.destination?.[0]?.endpoint) ?? '',
    }),
    [HEADER.organisation]: encodeHeader({ resourceType: 'Organization', name: 'Simulated service' }),
    [HEADER.software]: encodeHeader({ resourceType: 'Device', deviceName: [{ name: 'OneDoor simulate' }] }),
    [HEADER.useContext]: [useCase?.code, category, 'servicerequest-response', reason].join('|'),
  }
}

/** A plain FHIR receiver: keeps what a transaction puts, then reports by updating the offer Task at the gateway. */
import type { Bundle, Task } from 'fhir/r4.js'
import { asFault } from '../terms/fault.js'
import { createFhirClient, type FhirAnswer, type FhirClient } from '../wire/fhir-client.js'
import type { ReceiverOptions } from './bars-receiver.js'
import type { Emit, SimulateDeps, Twin } from './events.js'
import { startHttpTwin, type TwinAnswer, type TwinReply, type TwinRequest } from './http-twin.js'
import { SLOW_MS, wait } from './misbehaviour.js'

const MEDIA_TYPE = 'application/fhir+json'
/** A Task that others change meanwhile is read again this often. */
const UPDATE_ATTEMPTS = 20
const TIMEOUT_MS = 10_000

export async function startFhirReceiver(
  options: ReceiverOptions,
  emit: Emit,
  _deps: SimulateDeps,
): Promise<Twin> {
  const receiver = new FhirReceiver(options, emit)
  const twin = await startHttpTwin(
    options.port,
    (request) => receiver.receive(request),
    (error) => emit('failed', { cause: String(error) }),
  )
  return { port: twin.port, close: () => receiver.close().then(() => twin.close()) }
}

class FhirReceiver {
  /** Version of every resource it was given, as any FHIR server keeps. */
  private readonly versions = new Map<string, number>()
  /** Tasks that were withdrawn. */
  private readonly cancelled = new Set<string>()
  private requests = 0
  private isOpen = true
  private readonly client: FhirClient = createFhirClient({
    connectTimeoutMs: 2_000,
    maxAnswerBytes: 10_000_000,
  })

  constructor(
    private readonly options: ReceiverOptions,
    private readonly emit: Emit,
  ) {}

  async close(): Promise<void> {
    this.isOpen = false
    await this.client.close()
  }

  async receive(request: TwinRequest): Promise<TwinAnswer> {
    this.requests += 1
    const { misbehave, downFirst } = this.options
    if (this.requests <= downFirst || misbehave === 'error-503') return refusal(503, 'transient')
    if (misbehave === 'silent') return 'silent'
    if (misbehave === 'error-500') return refusal(500, 'exception')
    if (misbehave === 'reject-422') return refusal(422, 'not-supported')
    if (misbehave === 'slow') await wait(SLOW_MS)
    const reply = this.take(request)
    return misbehave === 'cut' && reply.status === 200 ? 'cut' : reply
  }

  private take(request: TwinRequest): TwinReply {
    const bundle = bundleOf(request)
    if (bundle === undefined) return refusal(400, 'structure')
    const entries = bundle.entry ?? []
    const isRepeat = entries.every(({ request: put }) => this.versions.has(put?.url ?? ''))
    for (const { request: put } of entries) {
      this.versions.set(put?.url ?? '', (this.versions.get(put?.url ?? '') ?? 0) + 1)
    }
    const task = entries
      .map(({ resource }) => resource)
      .find((each): each is Task => each?.resourceType === 'Task')
    if (task !== undefined) this.note(task, isRepeat)
    const response = entries.map(({ request: put }) => ({
      response: { status: isRepeat ? '200' : '201', location: put?.url ?? '' },
    }))
    return {
      status: 200,
      body: JSON.stringify({ resourceType: 'Bundle', type: 'transaction-response', entry: response }),
    }
  }

  private note(task: Task, isRepeat: boolean): void {
    const messageId = task.id ?? ''
    if (task.status === 'cancelled') {
      this.cancelled.add(messageId)
      this.emit('cancelled', { messageId })
    } else if (isRepeat) this.emit('duplicate', { messageId })
    else {
      this.emit('received', { messageId })
      void this.report(task)
    }
  }

  private async report(task: Task): Promise<void> {
    const url = taskUrlOf(task, this.options.gateway)
    for (const step of STEPS[this.options.decide]) {
      await wait(this.options.delayMs)
      if (!this.isOpen || this.cancelled.has(task.id ?? '')) return
      const status = await this.update(url, step)
      this.emit('answered', { verdict: step.status, messageId: task.id, status })
      if (typeof status !== 'number' || status >= 300) return
      if (this.options.misbehave === 'duplicate-answer') await this.update(url, step)
    }
  }

  /** Reads the Task, then writes it back changed, under the version that was read. */
  private async update(url: string, step: Step): Promise<number | string> {
    let last: number | string = 'never-tried'
    for (let attempt = 1; this.isOpen && attempt <= UPDATE_ATTEMPTS; attempt++) {
      last = await this.updateOnce(url, step).catch((thrown: unknown) => asFault(thrown).code)
      const isWorthAgain = typeof last === 'string' || last === 409 || last === 412 || last >= 500
      if (!isWorthAgain) return last
      await wait(Math.min(200 * attempt, 2_000))
    }
    return last
  }

  private async updateOnce(url: string, step: Step): Promise<number> {
    const read = await this.call('GET', url, {})
    if (read.status !== 200) return read.status
    // The gateway answers GET Task with a Task.
    const changed: Task = { ...(read.body as Task), ...step }
    const etag = read.header('etag')
    const headers = { 'content-type': MEDIA_TYPE, ...(etag === undefined ? {} : { 'if-match': etag }) }
    return (await this.call('PUT', url, headers, Buffer.from(JSON.stringify(changed), 'utf8'))).status
  }

  private call(
    method: 'GET' | 'PUT',
    url: string,
    headers: Readonly<Record<string, string>>,
    body?: Uint8Array,
  ): Promise<FhirAnswer> {
    const at = url.lastIndexOf('/Task/')
    return this.client.request({
      baseUrl: url.slice(0, at),
      method,
      path: url.slice(at + 1),
      headers: { accept: MEDIA_TYPE, ...headers },
      ...(body === undefined ? {} : { body }),
      timeoutMs: TIMEOUT_MS,
    })
  }
}

type Step = Pick<Task, 'status' | 'statusReason'>

const STEPS: Readonly<Record<ReceiverOptions['decide'], readonly Step[]>> = {
  silent: [],
  accept: [{ status: 'accepted' }],
  reject: [{ status: 'rejected', statusReason: { text: 'No capacity for this need today' } }],
  complete: [{ status: 'accepted' }, { status: 'in-progress' }, { status: 'completed' }],
}

/** The offer says where its Task lives; the option serves senders that do not. */
const taskUrlOf = (task: Task, gateway: string): string =>
  task.identifier?.find(({ value }) => value?.endsWith(`/Task/${task.id ?? ''}`))?.value ??
  `${gateway}/FHIR/R4/Task/${task.id ?? ''}`

function bundleOf(request: TwinRequest): Bundle | undefined {
  if (request.method !== 'POST') return undefined
  try {
    const value: unknown = JSON.parse(request.body)
    const isTransaction =
      typeof value === 'object' && value !== null && 'type' in value && value.type === 'transaction'
    return isTransaction ? (value as Bundle) : undefined
  } catch {
    return undefined
  }
}

const refusal = (status: number, code: string): TwinReply => ({
  status,
  body: JSON.stringify({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code }] }),
})

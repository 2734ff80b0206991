/** The BaRS face, `/bars/FHIR/R4`: what a national proxy or another BaRS system calls. */
import express, { Router, type ErrorRequestHandler, type Request, type Response } from 'express'
import type { FhirResource } from 'fhir/r4.js'
import { barsRefusal } from '../../codec/bars/errors.js'
import { HEADER } from '../../codec/bars/terms.js'
import type { Deployment } from '../../directory/types.js'
import type { Clock, NewId, ReceiveAnswer } from '../../flow/ports.js'
import type { Quarantined } from '../../store/types.js'
import { asFault, Fault } from '../../terms/fault.js'
import { barsCapabilities, messageDefinitions } from './capabilities.js'
import { messageIdOf, processMessage } from './process-message.js'
import {
  requireIds,
  requireJson,
  requireReadable,
  requireVersion,
  targetServiceId,
} from './request-headers.js'
import { serviceIdsOf } from './service-ids.js'

export interface BarsLimits {
  readonly maxBodyBytes: number
  readonly maxJsonDepth: number
  /** BaRS answers 408 after this; the sender then repeats with the same ids. */
  readonly answerWithinMs: number
}

export const DEFAULT_BARS_LIMITS: BarsLimits = {
  maxBodyBytes: 1024 * 1024,
  maxJsonDepth: 64,
  answerWithinMs: 5000,
}

export interface BarsFace {
  readonly deployment: Deployment
  readonly receiveAnswer: ReceiveAnswer
  readonly quarantine: (input: Quarantined) => Promise<void>
  readonly now: Clock
  readonly newId: NewId
  readonly log?: (event: string, fields: Readonly<Record<string, unknown>>) => void
  readonly limits?: Partial<BarsLimits>
}

/** Endpoints of the standard that this gateway does not offer yet: 501 says so, where 404 would say "wrong URL". */
const NOT_BUILT = [
  'Slot',
  'Appointment',
  'ServiceRequest',
  'DocumentReference',
  'HealthcareService',
  'Endpoint',
]

type Handler = (request: Request, response: Response) => Promise<void> | void

export function barsRouter(face: BarsFace): Router {
  const limits = { ...DEFAULT_BARS_LIMITS, ...face.limits }
  const router = Router({ caseSensitive: true })
  const capabilities = barsCapabilities(face.deployment, face.now())
  const accessPoint = face.deployment.partners.get(face.deployment.accessPoint)
  const ownIds = accessPoint === undefined ? [] : serviceIdsOf(accessPoint)

  router.use((request, response, next) => {
    echoIds(request, response)
    next()
  })
  // Without NHSD-Target-Identifier the proxy answers this one itself, so it asks for no ids.
  allow(router, '/metadata', 'GET', (request, response) => {
    requireVersion(request)
    send(response, 200, capabilities)
  })
  allow(router, '/MessageDefinition', 'GET', (request, response) => {
    requireIds(request)
    requireVersion(request)
    const url = new URL(request.originalUrl, face.deployment.publicUrl ?? 'http://localhost')
    send(response, 200, messageDefinitions(url.searchParams.getAll('context'), ownIds, url.href))
  })
  router.use('/\\$process-message', express.raw({ type: () => true, limit: limits.maxBodyBytes }))
  allow(router, '/\\$process-message', 'POST', (request, response) => answer(request, response, face, limits))
  for (const name of NOT_BUILT) {
    router.use(`/${name}`, (request) => {
      requireIds(request)
      throw new Fault('not-implemented', `This gateway does not offer ${name} by BaRS.`, name)
    })
  }
  router.use(() => {
    throw new Fault('resource-unknown', 'BaRS has no such endpoint; paths are case sensitive.', 'URL')
  })
  router.use(refuse(face))
  return router
}

/** One verb, and 405 with `Allow` for every other. */
function allow(router: Router, path: string, verb: 'GET' | 'POST', handler: Handler): void {
  router.all(path, async (request, response) => {
    if (request.method === verb) return handler(request, response)
    response.set('Allow', verb)
    throw new Fault(
      'method-unsupported',
      `Found ${request.method}; expected ${verb}.`,
      path.replace('\\', ''),
    )
  })
}

async function answer(
  request: Request,
  response: Response,
  face: BarsFace,
  limits: BarsLimits,
): Promise<void> {
  const ids = requireIds(request)
  requireVersion(request)
  requireJson(request)
  requireReadable(request)
  const target = targetServiceId(request)
  const work = processMessage(
    { ids, raw: rawOf(request), target },
    { ...face, maxJsonDepth: limits.maxJsonDepth },
  )
  const reply = await within(work, limits.answerWithinMs)
  response.status(200).type('application/fhir+json').send(Buffer.from(reply))
}

/** The work goes on after a 408; the sender's repeat then finds it done. */
async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    const text = `The message was not processed within ${ms} ms; send it again with the same ids.`
    timer = setTimeout(() => reject(new Fault('receiver-silent', text)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Senders discard any reply without both ids as somebody else's, errors included. */
function echoIds(request: Request, response: Response): void {
  for (const name of [HEADER.requestId, HEADER.correlationId]) {
    const value = request.get(name)
    if (value !== undefined) response.set(name, value)
  }
}

/** Every refusal of a message is kept with its bytes and the answer it got. What may be sent again unchanged is
 *  not: it was not refused. */
const refuse =
  (face: BarsFace): ErrorRequestHandler =>
  async (error, request, response, _next) => {
    const fault = faultOf(error)
    const { status, outcome } = barsRefusal(fault)
    face.log?.('bars-refused', { fault: fault.code, where: fault.where, httpStatus: status })
    if (request.method === 'POST' && fault.meaning.class === 'never' && fault.code !== 'message-repeated') {
      await keep(fault, request, Buffer.from(JSON.stringify(outcome)), face)
    }
    send(response, status, outcome)
  }

/** body-parser's own errors carry an HTTP status; the rest are Faults or unexpected. */
function faultOf(error: unknown): Fault {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined
  if (status === 413) {
    return new Fault('message-too-large', 'The body is larger than this gateway reads.', 'body', {
      cause: error,
    })
  }
  if (typeof status === 'number' && status < 500 && !(error instanceof Fault)) {
    return new Fault('json-invalid', 'The body could not be read to its end.', 'body', { cause: error })
  }
  return asFault(error)
}

async function keep(fault: Fault, request: Request, answered: Uint8Array, face: BarsFace): Promise<void> {
  const { newId, now, quarantine } = face
  const given = (name: string): string => (request.get(name) ?? '').slice(0, 64)
  const ids = { requestId: given(HEADER.requestId), correlationId: given(HEADER.correlationId) }
  try {
    await quarantine({
      id: newId(),
      channel: 'bars',
      sender: request.socket.remoteAddress ?? 'unknown',
      messageId: ids.requestId === '' ? null : messageIdOf(ids),
      receivedAt: now(),
      raw: rawOf(request),
      fault: fault.code,
      where: fault.where,
      text: fault.message,
      answer: answered,
    })
  } catch (cause) {
    // The sender still gets its refusal: it keeps the message, and the log has the loss.
    face.log?.('quarantine-failed', { fault: asFault(cause).code })
  }
}

const rawOf = (request: Request): Buffer => (Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0))

const send = (response: Response, status: number, resource: FhirResource): void => {
  response.status(status).type('application/fhir+json').send(JSON.stringify(resource))
}

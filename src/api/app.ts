/** The HTTP application: who may call, what every answer carries, and which routers hang where. */
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Router } from 'express'
import helmet from 'helmet'
import { Fault } from '../terms/fault.js'
import { answerFault } from './exchange.js'

export interface AppParts {
  /** Who may call: `refuseUnlessLoopback`, or the check of tokens and certificates. */
  readonly guard: RequestHandler
  /** Asked from anywhere and without a guard: probes see no data. */
  readonly open: readonly Router[]
  /** Path and router, first match first. */
  readonly routers: readonly (readonly [path: string, router: Router])[]
  readonly newId: () => string
  readonly log: (event: string, error: unknown) => void
}

export function createApp({ guard, open, routers, newId, log }: AppParts): Express {
  const app = express()
  app.disable('x-powered-by')
  // Our own ETags are versions.
  app.disable('etag')
  app.set('query parser', false)
  app.use(requestId(newId), helmet(), noStore)
  for (const router of open) app.use(router)
  app.use(guard)
  for (const [path, router] of routers) app.use(path, router)
  app.use(refusePath)
  app.use(answerFault(log) satisfies ErrorRequestHandler)
  return app
}

/** A caller's own id is kept when it is harmless in a log line. */
const requestId =
  (newId: () => string): RequestHandler =>
  (request, response, next) => {
    const given = request.headers['x-request-id']
    const kept = typeof given === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(given)
    response.set('X-Request-Id', kept ? given : newId())
    next()
  }

/** Answers hold patient data: no cache between here and the caller keeps them. */
const noStore: RequestHandler = (_request, response, next) => {
  response.set('Cache-Control', 'no-store')
  next()
}

const refusePath: RequestHandler = () => {
  throw new Fault(
    'resource-unknown',
    'Nothing is served at this path; the FHIR API is at /FHIR/R4/metadata.',
    'path',
  )
}

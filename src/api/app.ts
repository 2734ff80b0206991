/** The HTTP application: who may call, what every answer carries, and which routers hang where. */
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Router } from 'express'
import helmet from 'helmet'
import type { Observer } from '../flow/gateway.js'
import { Fault } from '../terms/fault.js'
import { refuseUnlessLoopback } from './access.js'
import { answerFault } from './exchange.js'
import { fhirRouter, type FhirRouterParts } from './fhir-router.js'
import { healthRouter } from './health.js'
import { DEFAULT_API_LIMITS, type ApiLimits } from './limits.js'
import { metricsRouter, type Metrics } from './metrics.js'

export interface AppParts extends Pick<
  FhirRouterParts,
  'store' | 'deployment' | 'validate' | 'updateTask' | 'partnerOf' | 'now'
> {
  readonly version: string
  readonly metrics: Metrics
  readonly failed: Observer['failed']
  readonly newId: () => string
  /** Who may call; the default, this machine alone, is for a listener without authentication. */
  readonly guard?: RequestHandler
  readonly limits?: Partial<ApiLimits>
  /** False while starting and stopping. */
  readonly isTakingWork?: () => boolean
  /** Other faces under the same port; the operations they serve below `/FHIR/R4` are named in `/metadata`. */
  readonly mounts?: readonly Mount[]
}

export interface Mount {
  readonly path: string
  readonly router: Router
  readonly operations?: FhirRouterParts['operations']
}

export const FHIR_PATH = '/FHIR/R4'

const PING_TIMEOUT_MS = 2000

export function createApp(parts: AppParts): Express {
  const { store, version, now, metrics, mounts = [] } = parts
  const app = express()
  app.disable('x-powered-by')
  // Our own ETags are versions.
  app.disable('etag')
  app.set('query parser', false)
  app.use(requestId(parts.newId), helmet(), noStore)
  const isTakingWork = parts.isTakingWork ?? (() => true)
  // Probes come from anywhere and see no data.
  app.use(healthRouter({ store, version, now, isTakingWork, pingTimeoutMs: PING_TIMEOUT_MS }))
  app.use(parts.guard ?? refuseUnlessLoopback)
  metrics.watchStore(store, now)
  app.use(metricsRouter(metrics))
  for (const mount of mounts) app.use(mount.path, mount.router)
  app.use(FHIR_PATH, fhirRouterOf(parts))
  app.use(refusePath)
  app.use(answerFault(parts.failed) satisfies ErrorRequestHandler)
  return app
}

function fhirRouterOf(parts: AppParts): Router {
  const { store, deployment, validate, updateTask, partnerOf, now, version, failed, mounts = [] } = parts
  return fhirRouter({
    store,
    deployment,
    validate,
    updateTask,
    now,
    failed,
    ...(partnerOf && { partnerOf }),
    limits: { ...DEFAULT_API_LIMITS, ...parts.limits },
    // The statement describes this process and does not change while it runs.
    software: { version, startedAt: now() },
    operations: mounts.flatMap(({ operations = [] }) => operations),
  })
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
    `Nothing is served at this path; the FHIR API is at ${FHIR_PATH}/metadata.`,
    'path',
  )
}

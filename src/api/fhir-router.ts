/** The FHIR REST face: routes to acts, nothing else. */
import { Router, type Request, type RequestHandler, type Response } from 'express'
import type { FhirResource, Task } from 'fhir/r4.js'
import type { Deployment } from '../directory/types.js'
import type { TaskUpdate } from '../flow/update-task.js'
import { SEARCHED_TYPES } from '../fhir/search-parameters.js'
import type { Store } from '../store/store.js'
import type { StoredResource } from '../store/types.js'
import { Fault } from '../terms/fault.js'
import type { Instant } from '../terms/instant.js'
import { isError, type Issue } from '../terms/issue.js'
import { capabilityStatement, type MountedOperation } from './capability.js'
import { answerFault, queryOf, requireJsonAnswer, sendResource } from './exchange.js'
import { UPDATED_TYPES } from './interactions.js'
import { outcomeOf } from '../fhir/outcome.js'
import { bodyText, jsonBodyOf, rawBody } from './json-body.js'
import type { ApiLimits } from './limits.js'
import { idOf, read, readHistory, readVersion, sendStored } from './read.js'
import { searchBundle } from './search-bundle.js'
import { parseSearch } from './search-request.js'

export interface FhirRouterParts {
  readonly store: Store
  readonly deployment: Deployment
  /** Findings about a resource; an error refuses it. */
  readonly validate: (resource: unknown) => readonly Issue[]
  readonly updateTask: (update: TaskUpdate) => Promise<StoredResource>
  /** The partner a request comes from, when authentication told. */
  readonly partnerOf?: (request: Request) => string | undefined
  readonly now: () => Instant
  /** Hears of errors that are ours (5xx). */
  readonly log: (event: string, error: unknown) => void
  readonly limits: ApiLimits
  readonly software: { readonly version: string; readonly released: Instant }
  /** Operations that other routers serve under the same base. */
  readonly operations: readonly MountedOperation[]
}

type Act = (request: Request, response: Response) => Promise<void> | void

export function fhirRouter(parts: FhirRouterParts): Router {
  const router = Router({ caseSensitive: true })
  router.use(requireShortUrl(parts.limits), requireJsonAnswer, rawBody(parts.limits.maxBodyBytes))
  mount(router, '/metadata', { get: (request, response) => sendMetadata(parts, request, response) })
  for (const type of SEARCHED_TYPES) mountType(router, type, parts)
  router.all('/:type{/*rest}', refuseType)
  router.all('/', refuseMethod([]))
  router.use(answerFault(parts.log))
  return router
}

function mountType(router: Router, type: string, parts: FhirRouterParts): void {
  const { store, limits } = parts
  mount(router, `/${type}`, {
    get: (request, response) => search(type, queryOf(request), parts, request, response),
  })
  mount(router, `/${type}/_search`, {
    post: (request, response) => searchByForm(type, parts, request, response),
  })
  mount(router, `/${type}/:id`, {
    get: (request, response) => read(store, type, request, response),
    ...(UPDATED_TYPES.includes(type) && { put: (request, response) => update(parts, request, response) }),
  })
  mount(router, `/${type}/:id/_history`, {
    get: (request, response) =>
      readHistory(store, type, request, response, { baseUrl: baseUrlOf(parts, request), limits }),
  })
  mount(router, `/${type}/:id/_history/:version`, {
    get: (request, response) => readVersion(store, type, request, response),
  })
}

/** Every other verb on a known path is 405 with what it takes. */
function mount(
  router: Router,
  path: string,
  acts: { readonly get?: Act; readonly post?: Act; readonly put?: Act },
): void {
  const route = router.route(path)
  if (acts.get) route.get(acts.get)
  if (acts.post) route.post(acts.post)
  if (acts.put) route.put(acts.put)
  route.all(refuseMethod(Object.keys(acts)))
}

function refuseMethod(methods: readonly string[]): RequestHandler {
  const allow = methods.flatMap((method) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]))
  return (request, response) => {
    response.set('Allow', allow.join(', '))
    if (request.method === 'OPTIONS') {
      response.status(204).end()
      return
    }
    const expected =
      allow.length > 0 ? `expected ${allow.join(' or ')}` : 'nothing is served at this path itself'
    throw new Fault('method-unsupported', `${request.method} is not supported here; ${expected}.`, 'method')
  }
}

const refuseType: RequestHandler = (request) => {
  const type = String(request.params.type)
  if (SEARCHED_TYPES.includes(type)) {
    throw new Fault('resource-unknown', `Nothing is served at this path of ${type}; see /metadata.`, 'path')
  }
  throw new Fault(
    'type-unsupported',
    `This path is not served; expected /metadata or one of the types ${SEARCHED_TYPES.join(', ')}.`,
    'path',
  )
}

function requireShortUrl({ maxUrlBytes }: ApiLimits): RequestHandler {
  return (request, _response, next) => {
    if (request.originalUrl.length <= maxUrlBytes) return next()
    throw new Fault(
      'url-too-long',
      `The URL is over ${maxUrlBytes} bytes; send a long search as POST to _search.`,
      'URL',
    )
  }
}

function sendMetadata(parts: FhirRouterParts, request: Request, response: Response): void {
  const { deployment, software, operations } = parts
  sendResource(
    request,
    response,
    200,
    capabilityStatement({ name: deployment.name, baseUrl: baseUrlOf(parts, request), software, operations }),
  )
}

async function search(
  type: string,
  parameters: URLSearchParams,
  parts: FhirRouterParts,
  request: Request,
  response: Response,
): Promise<void> {
  const { store, deployment, limits, now } = parts
  const baseUrl = baseUrlOf(parts, request)
  const parsed = parseSearch(type, [...parameters], {
    baseUrl,
    zone: deployment.timeZone,
    now: now(),
    lenient: isLenient(request),
    limits,
  })
  sendResource(request, response, 200, searchBundle(parsed, await store.search(parsed.query), baseUrl))
}

/** Parameters of the URL and of the form count alike (R4 3.1.0.13). */
async function searchByForm(
  type: string,
  parts: FhirRouterParts,
  request: Request,
  response: Response,
): Promise<void> {
  const form = new URLSearchParams(request.is('application/x-www-form-urlencoded') ? bodyText(request) : '')
  if (form.size === 0 && bodyText(request) !== '') {
    throw new Fault(
      'media-type-unsupported',
      'A search by POST is a form; expected application/x-www-form-urlencoded.',
      'Content-Type',
    )
  }
  await search(type, new URLSearchParams([...queryOf(request), ...form]), parts, request, response)
}

async function update(parts: FhirRouterParts, request: Request, response: Response): Promise<void> {
  const id = idOf(request)
  const body = jsonBodyOf(request, parts.limits.maxJsonDepth)
  const task = requireTask(body, id)
  const issues = parts.validate(task).filter(isError)
  if (issues.length > 0) {
    sendResource(request, response, 422, outcomeOf(issues))
    return
  }
  const ifMatch = versionOf(request.headers['if-match'])
  const actor = parts.partnerOf?.(request)
  const stored = await parts.updateTask({
    id,
    task,
    ...(ifMatch !== undefined && { ifMatch }),
    ...(actor !== undefined && { actor }),
  })
  sendStored(request, response, stored)
}

function requireTask(body: unknown, id: string): Task {
  const task = typeof body === 'object' && body !== null ? (body as Partial<FhirResource>) : {}
  if (task.resourceType !== 'Task') {
    throw new Fault(
      'resource-invalid',
      'The body is not a Task; expected the resource of the URL.',
      'resourceType',
    )
  }
  if (task.id !== id) {
    throw new Fault('parameter-invalid', 'Task.id is not the id of the URL; expected the same.', 'Task.id')
  }
  // Only its type and id are known yet; `validate` looks at the rest before anyone uses it.
  return task as Task
}

/** `W/"3"`; undefined when the client does not say what it read. */
function versionOf(ifMatch: string | undefined): number | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined
  const version = /^(?:W\/)?"([1-9]\d{0,8})"$/.exec(ifMatch.trim())?.[1]
  if (version === undefined) {
    throw new Fault('header-invalid', 'If-Match is not a version; expected W/"3" as in the ETag.', 'If-Match')
  }
  return Number(version)
}

const isLenient = (request: Request): boolean =>
  /\bhandling=lenient\b/i.test(String(request.headers.prefer ?? ''))

/** The deployment's own address; without one, the address the client used. */
function baseUrlOf({ deployment }: FhirRouterParts, request: Request): string {
  const origin =
    deployment.publicUrl?.replace(/\/$/, '') ?? `${request.protocol}://${request.headers.host ?? 'localhost'}`
  return `${origin}${request.baseUrl}`
}

/** Reads of one resource: current, one version, all versions (R4 3.1.0.1 to 3.1.0.9). */
import type { Request, Response } from 'express'
import type { Bundle } from 'fhir/r4.js'
import type { Store } from '../store/store.js'
import type { StoredResource } from '../store/types.js'
import { Fault } from '../terms/fault.js'
import { queryOf, sendResource } from './exchange.js'
import type { ApiLimits } from './limits.js'

const ID = /^[A-Za-z0-9.-]{1,64}$/
const VERSION = /^[1-9]\d{0,8}$/

/** Pages of a history start below this version. */
const BEFORE_PARAMETER = '_before'

export async function read(store: Store, type: string, request: Request, response: Response): Promise<void> {
  const id = idOf(request)
  const stored = await store.readResource(type, id)
  if (stored === undefined) throw await missing(store, type, id)
  sendStored(request, response, stored)
}

export async function readVersion(
  store: Store,
  type: string,
  request: Request,
  response: Response,
): Promise<void> {
  const id = idOf(request)
  const version = String(request.params.version)
  const stored = VERSION.test(version) ? await store.readVersion(type, id, Number(version)) : undefined
  if (stored === undefined)
    throw unknown(`${type}.meta.versionId`, `There is no such version of this ${type}; see its _history.`)
  sendStored(request, response, stored)
}

/** Newest first; `_count` makes pages, `_before` in the next link continues below a version. */
export async function readHistory(
  store: Store,
  type: string,
  request: Request,
  response: Response,
  context: { readonly baseUrl: string; readonly limits: ApiLimits },
): Promise<void> {
  const id = idOf(request)
  const { maxHistory, maxPageSize, defaultPageSize } = context.limits
  const count = Math.min(numberOf(request, '_count') ?? defaultPageSize, maxPageSize)
  const before = numberOf(request, BEFORE_PARAMETER) ?? Infinity
  const versions = await store.readHistory(type, id, maxHistory + 1)
  if (versions.length === 0)
    throw unknown(`${type}.id`, `There is no ${type} with this id; find it by search first.`)
  if (versions.length > maxHistory)
    throw new Fault('too-costly', `More than ${maxHistory} versions; read them one by one.`, '_history')
  const rest = versions.filter(({ version }) => version < before)
  const page = rest.slice(0, count)
  const last = rest.length > page.length ? page.at(-1) : undefined
  const url = `${context.baseUrl}/${type}/${id}/_history`
  sendResource(request, response, 200, {
    resourceType: 'Bundle',
    type: 'history',
    total: versions.length,
    link: [
      { relation: 'self', url: originalUrl(url, request) },
      ...(last
        ? [{ relation: 'next', url: `${url}?_count=${count}&${BEFORE_PARAMETER}=${last.version}` }]
        : []),
    ],
    ...(page.length > 0 && { entry: page.map((stored) => historyEntry(stored, context.baseUrl)) }),
  } satisfies Bundle)
}

/** With its ETag; 304 when the client has this version already (RFC 9110 section 13.1.2). */
export function sendStored(request: Request, response: Response, stored: StoredResource, status = 200): void {
  const etag = `W/"${stored.version}"`
  const modified = new Date(stored.lastUpdated)
  response.set('ETag', etag).set('Last-Modified', modified.toUTCString())
  if (request.method === 'GET' || request.method === 'HEAD') {
    if (isUnchanged(request, etag, modified)) {
      response.status(304).end()
      return
    }
  }
  sendResource(request, response, status, stored.resource)
}

export function idOf(request: Request): string {
  const id = String(request.params.id)
  if (ID.test(id)) return id
  throw new Fault(
    'parameter-invalid',
    'The id in the URL is not a FHIR id; expected 1 to 64 letters, digits, - and .',
    'id',
  )
}

function isUnchanged(request: Request, etag: string, modified: Date): boolean {
  const tags = request.headers['if-none-match']
  if (tags !== undefined) {
    const weak = (tag: string): string => tag.trim().replace(/^W\//, '')
    return tags.trim() === '*' || tags.split(',').some((tag) => weak(tag) === weak(etag))
  }
  const since = Date.parse(request.headers['if-modified-since'] ?? '')
  // HTTP dates have no milliseconds.
  return !Number.isNaN(since) && Math.floor(modified.getTime() / 1000) * 1000 <= since
}

/** Deleted resources keep their versions: 410 instead of 404 (R4 3.1.0.1.10). */
async function missing(store: Store, type: string, id: string): Promise<Fault> {
  const versions = await store.readHistory(type, id, 1)
  if (versions.length === 0)
    return unknown(`${type}.id`, `There is no ${type} with this id; find it by search first.`)
  return new Fault(
    'resource-gone',
    `This ${type} was deleted; its earlier versions are in its _history.`,
    `${type}.id`,
  )
}

const unknown = (where: string, text: string): Fault => new Fault('resource-unknown', text, where)

function numberOf(request: Request, name: string): number | undefined {
  const text = queryOf(request).get(name)
  if (text === null) return undefined
  if (!/^\d{1,9}$/.test(text)) {
    throw new Fault('parameter-invalid', `A value of ${name} is not usable; expected a whole number.`, name)
  }
  return Number(text)
}

function originalUrl(url: string, request: Request): string {
  const query = queryOf(request).toString()
  return query === '' ? url : `${url}?${query}`
}

const historyEntry = (stored: StoredResource, baseUrl: string): NonNullable<Bundle['entry']>[number] => {
  const { resource, version } = stored
  const url = `${resource.resourceType}/${resource.id}`
  return {
    fullUrl: `${baseUrl}/${url}`,
    resource,
    request: { method: 'PUT', url },
    response: {
      status: version === 1 ? '201 Created' : '200 OK',
      etag: `W/"${version}"`,
      lastModified: stored.lastUpdated,
    },
  }
}

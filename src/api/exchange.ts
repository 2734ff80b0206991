/** What every FHIR answer has in common: JSON in the asked form, errors as OperationOutcome. */
import type { NextFunction, Request, Response } from 'express'
import type { FhirResource } from 'fhir/r4.js'
import { outcomeOfFault } from '../fhir/outcome.js'
import { asFault, Fault } from '../terms/fault.js'

export const FHIR_JSON = 'application/fhir+json; charset=utf-8'

const JSON_TYPES = new Set(['application/fhir+json', 'application/json', 'text/json', 'json'])
const WILDCARDS = new Set(['*/*', 'application/*', 'text/*'])

/** R4 3.1.0.1.11: `_format` outranks Accept. Only JSON is written here. */
export function requireJsonAnswer(request: Request, _response: Response, next: NextFunction): void {
  const format = queryOf(request).get('_format')
  // A `+` that was not percent-encoded arrives as a space.
  const asked = format === null ? acceptedTypes(request.headers.accept) : [format.replace(' ', '+')]
  const wanted = asked.map(mediaTypeOf)
  if (wanted.length === 0 || wanted.some((type) => JSON_TYPES.has(type) || WILDCARDS.has(type))) {
    next()
    return
  }
  const place = format === null ? 'Accept' : '_format'
  throw new Fault(
    'not-acceptable',
    `The asked format is not written here; expected ${place} application/fhir+json (R4 as JSON; XML is not offered).`,
    place,
  )
}

/** Media types with a weight above 0 whose fhirVersion, if any, is R4's. */
function acceptedTypes(accept: string | undefined): readonly string[] {
  if (accept === undefined || accept.trim() === '') return []
  const ranges = accept.split(',').filter((range) => !/;\s*q=0(\.0*)?\s*(;|$)/.test(range))
  const readable = ranges.filter((range) => /fhirVersion=(?!"?4\.0)/i.exec(range) === null)
  return readable.length > 0 ? readable : ['none']
}

export const mediaTypeOf = (header: string): string => (header.split(';')[0] ?? '').trim().toLowerCase()

/** The query as it came; Express's own parser would turn `a[b]` into objects. */
export function queryOf(request: Request): URLSearchParams {
  const start = request.originalUrl.indexOf('?')
  return new URLSearchParams(start < 0 ? '' : request.originalUrl.slice(start + 1))
}

export function sendResource(
  request: Request,
  response: Response,
  status: number,
  resource: FhirResource,
): void {
  const pretty = queryOf(request).get('_pretty') === 'true'
  response
    .status(status)
    .set('Content-Type', FHIR_JSON)
    .send(Buffer.from(pretty ? JSON.stringify(resource, null, 2) : JSON.stringify(resource)))
}

/** Express's error handler for everything below a FHIR base. */
export const answerFault =
  (log: (event: string, error: unknown) => void) =>
  // Express tells an error handler by its four parameters.
  (error: unknown, request: Request, response: Response, _next: NextFunction): void => {
    if (response.headersSent) {
      response.destroy()
      return
    }
    const fault = faultOfHttp(error)
    if (fault.meaning.http >= 500) log('api-failed', fault)
    sendResource(request, response, statusOf(fault, request), outcomeOfFault(fault))
  }

/** R4 3.1.0.7.1: a version that If-Match does not name is 412; a lost race without it is 409. */
function statusOf(fault: Fault, request: Request): number {
  const named = fault.code === 'version-conflict' && request.headers['if-match'] !== undefined
  return named ? 412 : fault.meaning.http
}

/** body-parser and the router throw errors with a `status` (and a `type`) of their own. */
function faultOfHttp(error: unknown): Fault {
  if (error instanceof Fault || !(error instanceof Error) || !('status' in error)) return asFault(error)
  const cause = { cause: error }
  switch (error.status) {
    case 413:
      return new Fault('message-too-large', 'The body is over the limit; send less at once.', 'body', cause)
    case 415:
      return new Fault(
        'media-type-unsupported',
        'The Content-Encoding is not read here; send it plain or gzip.',
        'Content-Encoding',
        cause,
      )
    case 400:
      return new Fault(
        'parameter-invalid',
        'The request could not be read: a percent-encoding or its length is wrong.',
        'request',
        cause,
      )
    default:
      return asFault(error)
  }
}

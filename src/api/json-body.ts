/** The body of a FHIR request. */
import express, { type Request, type RequestHandler } from 'express'
import { Fault } from '../terms/fault.js'
import { parseJson, utf8Text } from '../wire/http-json.js'
import { mediaTypeOf } from './exchange.js'

const JSON_BODIES = new Set(['application/fhir+json', 'application/json'])

/** Keeps the bytes of any body up to `maxBytes`; more is 413 before anything is parsed. */
export const rawBody = (maxBytes: number): RequestHandler =>
  express.raw({ type: () => true, limit: maxBytes })

/** Throws Fault `media-type-unsupported`, `characters-invalid` or `json-invalid`. */
export function jsonBodyOf(request: Request, maxDepth: number): unknown {
  if (!JSON_BODIES.has(mediaTypeOf(request.headers['content-type'] ?? ''))) {
    throw new Fault(
      'media-type-unsupported',
      'The Content-Type is not read here; expected application/fhir+json.',
      'Content-Type',
    )
  }
  return parseJson(bodyText(request), maxDepth)
}

/** Empty when there is none. */
export function bodyText(request: Request): string {
  const body: unknown = request.body
  return Buffer.isBuffer(body) ? utf8Text(body) : ''
}

/** A JSON body read with care: bounded depth, no repeated names, no prototype names. */
import express, { type Request, type RequestHandler } from 'express'
import secureJson from 'secure-json-parse'
import { Fault } from '../terms/fault.js'
import { mediaTypeOf } from './exchange.js'

const JSON_BODIES = new Set(['application/fhir+json', 'application/json'])

/** Keeps the bytes of any body up to `maxBytes`; more is 413 before anything is parsed. */
export const rawBody = (maxBytes: number): RequestHandler =>
  express.raw({ type: () => true, limit: maxBytes })

/** Throws Fault `media-type-unsupported` or `json-invalid`. */
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

/** Throws Fault `characters-invalid`: a decoder that replaces bytes would alter what was sent. */
export function bodyText(request: Request): string {
  const body: unknown = request.body
  try {
    return Buffer.isBuffer(body) ? new TextDecoder('utf-8', { fatal: true }).decode(body) : ''
  } catch (cause) {
    throw new Fault('characters-invalid', 'The body is not UTF-8; expected UTF-8 text.', 'body', { cause })
  }
}

/** JSON.parse takes any depth, keeps the last of two equal names and lets `__proto__` through: none is taken here. */
export function parseJson(text: string, maxDepth: number): unknown {
  const problem = findProblem(text, maxDepth)
  if (problem !== undefined) throw new Fault('json-invalid', problem.text, `body, character ${problem.at}`)
  try {
    return secureJson.parse(text, undefined, { protoAction: 'error', constructorAction: 'error' })
  } catch (cause) {
    throw new Fault('json-invalid', 'The body is not JSON; expected one FHIR resource as JSON.', 'body', {
      cause,
    })
  }
}

interface Problem {
  readonly at: number
  readonly text: string
}

/** One linear pass. Bad JSON may pass here: the parser after it refuses that. */
function findProblem(text: string, maxDepth: number): Problem | undefined {
  const names: (Set<string> | undefined)[] = []
  let expectsName = false
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (char === '"') {
      const end = endOfString(text, i)
      const scope = names.at(-1)
      if (expectsName && scope) {
        const name = text.slice(i, end + 1)
        if (scope.has(name)) return { at: i, text: 'Found one name twice in an object; expected each once.' }
        scope.add(name)
      }
      expectsName = false
      i = end
    } else if (char === '{' || char === '[') {
      if (names.push(char === '{' ? new Set() : undefined) > maxDepth) {
        return { at: i, text: `Found more than ${maxDepth} levels of nesting; expected a FHIR resource.` }
      }
      expectsName = char === '{'
    } else if (char === '}' || char === ']') names.pop()
    else if (char === ',') expectsName = names.at(-1) !== undefined
  }
  return undefined
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '"') return i
  }
  return text.length
}

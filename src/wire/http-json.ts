/** The body of a request as JSON: what `fhir/json` reads, without names that would reach a prototype. */
import secureJson from 'secure-json-parse'
import { readJson } from '../fhir/json.js'
import { Fault } from '../terms/fault.js'

/** Throws Fault `characters-invalid`: a decoder that replaces bytes would alter what was sent. */
export function utf8Text(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new Fault('characters-invalid', 'The body is not UTF-8; expected UTF-8 text.', 'body', { cause })
  }
}

/** Throws Fault `json-invalid`. */
export function parseJson(text: string, maxDepth: number): unknown {
  const read = readJson(text, { maxDepth })
  if (read.kind === 'refused') throw new Fault('json-invalid', read.issue.text, `body, ${read.issue.where}`)
  try {
    if (typeof read.value === 'object' && read.value !== null) secureJson.scan(read.value)
    return read.value
  } catch (cause) {
    const text = 'Found a name that no FHIR element has (__proto__ or constructor); remove it.'
    throw new Fault('json-invalid', text, 'body', { cause })
  }
}

/** JSON from outside, read with care: bounded depth, no name twice in one object, no prototype names. */
import secureJson from 'secure-json-parse'
import { Fault } from '../terms/fault.js'

/** Throws Fault `characters-invalid`: a decoder that replaces bytes would alter what was sent. */
export function utf8Text(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new Fault('characters-invalid', 'The body is not UTF-8; expected UTF-8 text.', 'body', { cause })
  }
}

/** JSON.parse takes any depth, keeps the last of two equal names and lets `__proto__` through: none is taken here.
 *  Throws Fault `json-invalid`. */
export function parseJson(text: string, maxDepth: number): unknown {
  const problem = findProblem(text, maxDepth)
  if (problem !== undefined) throw new Fault('json-invalid', problem.text, `body, character ${problem.at}`)
  try {
    return secureJson.parse(text, undefined, { protoAction: 'error', constructorAction: 'error' })
  } catch (cause) {
    const expected = 'The body is not JSON; expected one FHIR resource as JSON.'
    throw new Fault('json-invalid', expected, 'body', { cause })
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
      if (expectsName && scope !== undefined) {
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

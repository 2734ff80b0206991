/** The NHSD-* headers: FHIR-like JSON in standard Base64 (not base64url), BaRS OAS 1.4 "Headers". */
import { Fault } from '../../terms/fault.js'
import { CORE_VERSION } from './terms.js'

export const ACCEPT = `application/fhir+json; version=${CORE_VERSION}`

export const encodeHeader = (value: object): string =>
  Buffer.from(JSON.stringify(value), 'utf8').toString('base64')

/** Throws Fault `parameter-invalid` when the header is not Base64 of a JSON object. */
export function decodeHeader(name: string, text: string): Readonly<Record<string, unknown>> {
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length % 4 === 0) {
    const value = parsedOrUndefined(Buffer.from(text, 'base64').toString('utf8'))
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>
  }
  const text2 = `The header ${name} is not standard Base64 of a JSON object; encode the JSON and send it again.`
  throw new Fault('parameter-invalid', text2, name)
}

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The highest `version=` of an Accept or Content-Type header, which may list several, or undefined. */
export function acceptedVersion(header: string): string | undefined {
  const versions = [...header.matchAll(/version\s*=\s*"?(\d+(?:\.\d+)*)/g)].map((match) => match[1] ?? '')
  return versions.sort(byVersion).at(-1)
}

function byVersion(left: string, right: string): number {
  const [l, r] = [left.split('.').map(Number), right.split('.').map(Number)]
  for (let i = 0; i < Math.max(l.length, r.length); i++) {
    const difference = (l[i] ?? 0) - (r[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

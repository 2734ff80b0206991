/** A file against its JSON Schema, each complaint in the author's terms. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { quote, suggest, type Problem } from './problem.js'
import { DEPLOYMENT_SCHEMA } from './schema.js'
import { PARTNERS_SCHEMA } from './schema-partners.js'
import { PATHWAYS_SCHEMA } from './schema-pathways.js'
import { SERVICES_SCHEMA } from './schema-services.js'
import type { Path, Source } from './source.js'

/** The schemas editors complete from, one per kind of file; `schemas/deployment/` holds them as JSON. */
export const SCHEMAS = {
  deployment: DEPLOYMENT_SCHEMA,
  partners: PARTNERS_SCHEMA,
  directory: SERVICES_SCHEMA,
  pathways: PATHWAYS_SCHEMA,
} as const

export type FileKind = keyof typeof SCHEMAS

/** A problem with the place it stands at, so that the entry around it can be left out of later checks. */
export interface PlacedProblem extends Problem {
  readonly path: Path
}

export function checkShape(kind: FileKind, source: Source): readonly PlacedProblem[] {
  const validate = validatorOf(kind)
  if (validate(source.data)) return []
  return (validate.errors ?? []).flatMap((error) => problemOf(error, source) ?? [])
}

const validators = new Map<FileKind, ValidateFunction>()

/** Our own schemas, which a test holds to be schemas: checking them again costs a third of a start. */
const ajv = new Ajv({
  allErrors: true,
  verbose: true,
  discriminator: true,
  strictTypes: false,
  meta: false,
  validateSchema: false,
})

function validatorOf(kind: FileKind): ValidateFunction {
  const known = validators.get(kind)
  if (known !== undefined) return known
  const validate = ajv.compile(SCHEMAS[kind])
  validators.set(kind, validate)
  return validate
}

type Complaint = Pick<Problem, 'found' | 'expected' | 'fix'> & { readonly at?: string }

function problemOf(error: ErrorObject, source: Source): PlacedProblem | undefined {
  const complaint = complaintOf(error)
  if (complaint === undefined) return undefined
  const { at, ...words } = complaint
  const parent = error.instancePath.split('/').slice(1).map(unescapePointer)
  const path = at === undefined ? parent : [...parent, at]
  return { file: source.file, line: source.lineOf(path), path, ...words }
}

/** Undefined for the errors that only say that another one holds (`if`, `propertyNames`). */
function complaintOf(error: ErrorObject): Complaint | undefined {
  const { keyword, params, data } = error
  const meaning = describe(error.parentSchema)
  if (error.propertyName !== undefined) {
    const name = error.propertyName
    return { found: `the id ${quote(name)}`, expected: meaning, fix: 'rename it', at: name }
  }
  switch (keyword) {
    case 'if':
    case 'propertyNames':
      return undefined
    case 'required': {
      const key = String(params.missingProperty)
      return { found: `no ${quote(key)}`, expected: describeKey(error, key), fix: 'add it' }
    }
    case 'additionalProperties': {
      const key = String(params.additionalProperty)
      const known = Object.keys((error.parentSchema as { properties?: object }).properties ?? {})
      const listed = known.length === 0 ? 'no key' : `one of ${known.join(', ')}`
      return {
        found: `the unknown key ${quote(key)}`,
        expected: listed,
        fix: suggest(key, known, 'remove it'),
        at: key,
      }
    }
    case 'discriminator':
      return channelComplaint(error)
    case 'enum': {
      const allowed = (params.allowedValues as readonly unknown[]).map(String)
      const fix = suggest(String(data), allowed, 'write one of these')
      return { found: quote(data), expected: `one of ${allowed.join(', ')}`, fix }
    }
    case 'type':
      return {
        found: described(data),
        expected: expectedType(params.type as string, meaning),
        fix: typeFix(error),
      }
    case 'minItems':
      return { found: 'an empty list', expected: meaning, fix: 'add an entry' }
    case 'uniqueItems':
      return {
        found: `entry ${Number(params.j) + 1} again as entry ${Number(params.i) + 1}`,
        expected: 'each entry once',
        fix: 'remove one',
      }
    default:
      return { found: described(data), expected: meaning, fix: 'correct it' }
  }
}

function channelComplaint(error: ErrorObject): Complaint {
  const channels = ['bars', 'fhir', 'hl7v2']
  const value: unknown = error.params.tagValue
  const expected = `one of ${channels.join(', ')}`
  if (value === undefined) return { found: 'no `channel`', expected, fix: 'add it' }
  return {
    found: quote(value),
    expected,
    fix: suggest(String(value), channels, 'write one of these'),
    at: 'channel',
  }
}

/** Schemas say what they expect in `description`, which begins like a sentence for editors; ajv types its
 *  schemas loosely. */
function describe(schema: unknown): string {
  const { description = 'what the schema says' } = (schema ?? {}) as { description?: string }
  return description.replace(/^[A-Z](?=[a-z]* )/, (initial) => initial.toLowerCase())
}

function describeKey(error: ErrorObject, key: string): string {
  const properties = (error.parentSchema as { properties?: Record<string, unknown> }).properties ?? {}
  return describe(properties[key])
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  object: 'a map of keys',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  boolean: 'true or false',
}

const expectedType = (type: string, meaning: string): string => `${TYPE_WORDS[type] ?? type}: ${meaning}`

function typeFix(error: ErrorObject): string {
  if (error.params.type === 'string' && typeof error.data === 'number') return 'put it in quotes'
  if (error.params.type === 'integer' && typeof error.data === 'string') return 'write it without quotes'
  if (error.data === null) return 'give it a value or remove the key'
  return 'correct it'
}

function described(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map of keys'
  if (typeof value === 'string') return value === '' ? 'empty text' : quote(value)
  return `the ${typeof value === 'number' ? 'number' : 'value'} ${quote(value)}`
}

const unescapePointer = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~')

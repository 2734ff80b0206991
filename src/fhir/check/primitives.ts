/** Formats of the FHIR R4 primitive types (datatypes.html, section 2.24.0.1). */
import { isObject, type Check, type Run } from './run.js'

interface Primitive {
  readonly json: 'string' | 'number' | 'boolean'
  readonly isValid: (value: never) => boolean
  readonly expected: string
}

/** R4: "strings SHALL NOT exceed 1MB in size". */
const MAX_STRING_CHARACTERS = 1024 * 1024
// Tab, line feed and carriage return are the only control characters a string may hold.
const CONTROL_CHARACTER = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/

const isString = (text: string): boolean =>
  text.length > 0 && text.length <= MAX_STRING_CHARACTERS && !CONTROL_CHARACTER.test(text)

const pattern =
  (regex: RegExp) =>
  (text: string): boolean =>
    regex.test(text)

const TIME = '([01]\\d|2[0-3]):[0-5]\\d:([0-5]\\d|60)(\\.\\d+)?'
const ZONE = '(Z|[+-](0\\d|1[0-3]):[0-5]\\d|[+-]14:00)'
const DATE_TIME = new RegExp(`^(\\d{4})(?:-(\\d{2})(?:-(\\d{2})(?:T${TIME}${ZONE})?)?)?$`)
const INSTANT = new RegExp(`^(\\d{4})-(\\d{2})-(\\d{2})T${TIME}${ZONE}$`)
const DATE = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$/

/** A match that is also a day of the calendar: 2023-02-29 is not. */
const calendar =
  (regex: RegExp) =>
  (text: string): boolean => {
    const match = regex.exec(text)
    if (match === null) return false
    const year = Number(match[1])
    const month = Number(match[2] ?? 1)
    const day = Number(match[3] ?? 1)
    return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)
  }

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Whole groups of four, padded at the end only. Written without nested repetition: payloads are megabytes long. */
function isBase64(text: string): boolean {
  const dense = /\s/.test(text) ? text.replace(/\s+/g, '') : text
  if (dense.length === 0 || dense.length % 4 !== 0) return false
  const padding = dense.endsWith('==') ? 2 : dense.endsWith('=') ? 1 : 0
  return !/[^0-9A-Za-z+/]/.test(dense.slice(0, dense.length - padding))
}

const UUID_URI = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const OID_URI = /^urn:oid:[0-2](\.(0|[1-9]\d*))+$/

/** R4 allows any non-space text; a `urn:uuid:` or `urn:oid:` must also be what it says (RFC 4122, RFC 3061). */
function isUri(text: string): boolean {
  if (text.length === 0 || /\s/.test(text)) return false
  if (text.startsWith('urn:uuid:')) return UUID_URI.test(text)
  if (text.startsWith('urn:oid:')) return OID_URI.test(text)
  return true
}

const isInteger =
  (min: number) =>
  (value: number): boolean =>
    Number.isInteger(value) && value >= min && value <= 2_147_483_647

const text = (isValid: (value: string) => boolean, expected: string): Primitive => ({
  json: 'string',
  isValid,
  expected,
})
const number = (isValid: (value: number) => boolean, expected: string): Primitive => ({
  json: 'number',
  isValid,
  expected,
})

const ANY_TEXT = text(isString, 'text of 1 to 1,048,576 characters without control characters')
const URI = text(
  isUri,
  'a URI without spaces (urn:uuid: in lower-case hexadecimal, urn:oid: in digits and dots)',
)

export const PRIMITIVES: Readonly<Record<string, Primitive>> = {
  base64Binary: text(isBase64, 'base64 text (RFC 4648), in groups of four'),
  boolean: { json: 'boolean', isValid: () => true, expected: 'true or false without quotes' },
  canonical: URI,
  code: text(
    (value) => isString(value) && /^\S+( \S+)*$/.test(value),
    'a code without leading, trailing or double spaces',
  ),
  date: text(calendar(DATE), 'a date that exists, as YYYY, YYYY-MM or YYYY-MM-DD'),
  dateTime: text(
    calendar(DATE_TIME),
    'YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with Z or an offset, on a day that exists',
  ),
  decimal: number(Number.isFinite, 'a finite number without quotes'),
  id: text(pattern(/^[A-Za-z0-9\-.]{1,64}$/), '1 to 64 letters, digits, hyphens and dots'),
  instant: text(calendar(INSTANT), 'YYYY-MM-DDThh:mm:ss.sss with Z or an offset, on a day that exists'),
  integer: number(isInteger(-2_147_483_648), 'a whole number of 32 bits without quotes'),
  markdown: ANY_TEXT,
  oid: text(pattern(OID_URI), 'urn:oid: followed by digits and dots'),
  positiveInt: number(isInteger(1), 'a whole number from 1 to 2,147,483,647 without quotes'),
  string: ANY_TEXT,
  time: text(pattern(new RegExp(`^${TIME}$`)), 'hh:mm:ss without an offset'),
  unsignedInt: number(isInteger(0), 'a whole number from 0 to 2,147,483,647 without quotes'),
  uri: URI,
  url: URI,
  uuid: text(pattern(UUID_URI), 'urn:uuid: followed by a lower-case UUID'),
  // Content is checked as narrative
  xhtml: text((value) => value.length > 0, 'an XHTML div as text'),
}

export const isPrimitive = (type: string): boolean => Object.hasOwn(PRIMITIVES, type)

/** What a value is, in words that hold no part of it. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (isObject(value)) return 'an object'
  if (value === '') return 'empty text'
  return typeof value === 'string' ? 'text' : `a ${typeof value}`
}

export function checkPrimitive(type: string): Check {
  const { json, isValid, expected } = PRIMITIVES[type] ?? ANY_TEXT
  // The table pairs each test with the JSON type checked just before it.
  const holds = isValid as (value: unknown) => boolean
  return (run: Run, value: unknown) => {
    if (typeof value === json && holds(value)) return
    const found = typeof value === json ? `${kindOf(value)} that is not a ${type}` : kindOf(value)
    run.error('value', `Found ${found}; expected ${expected}. Correct the value or leave the element out.`)
  }
}

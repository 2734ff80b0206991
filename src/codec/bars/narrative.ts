/** Any FHIR resource or element as lines of text, so that what a BaRS message has no place for is still read.
 *  Every leaf is written, labelled with its path; only ids, `meta` and file contents are left out. */

/** Bytes of files are not text: they are named with their size and stay readable at the gateway. */
const UNPRINTED = new Set(['resourceType', 'id', 'meta'])

/** How to speak of what a reference points at; undefined leaves the reference out. */
export type NameOf = (reference: string) => string | undefined

const byItself: NameOf = (reference) => reference

/** `Condition.code: Fracture of neck of femur (http://snomed.info/sct|5913000)`; one line per leaf or coding. */
export function describe(label: string, value: unknown, nameOf: NameOf = byItself): string[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value.flatMap((item) => describe(label, item, nameOf))
  if (typeof value !== 'object') return [`${label}: ${String(value)}`]
  // A FHIR element is a record of elements.
  const element = value as Readonly<Record<string, unknown>>
  const reference = plainReference(element)
  if (reference !== undefined) {
    const name = nameOf(reference)
    return name === undefined ? [] : [`${label}: ${name}`]
  }
  const sentence = inOneLine(element)
  if (sentence !== undefined) return [`${label}: ${sentence}`]
  return Object.entries(element)
    .filter(([name]) => !UNPRINTED.has(name))
    .flatMap(([name, inner]) => describeMember(label, name, inner, nameOf))
}

function describeMember(label: string, name: string, inner: unknown, nameOf: NameOf): string[] {
  if (name === 'data' && typeof inner === 'string') {
    return [`${label}.data: file of ${Math.floor((inner.length * 3) / 4)} bytes, not carried by this message`]
  }
  if (name === 'div' && typeof inner === 'string') return describe(label, withoutTags(inner))
  return describe(`${label}.${name.replace(/^_/, '')}`, inner, nameOf)
}

/** A reference that says nothing else in words. */
function plainReference({
  reference,
  display,
  identifier,
}: Readonly<Record<string, unknown>>): string | undefined {
  return typeof reference === 'string' && display === undefined && identifier === undefined
    ? reference
    : undefined
}

const withoutTags = (xhtml: string): string =>
  xhtml
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()

/** Codings, quantities, periods and references read better whole; undefined for any other shape, so that an
 *  element with members beyond these is never cut short. */
function inOneLine(element: Readonly<Record<string, unknown>>): string | undefined {
  if (Object.values(element).some((member) => typeof member === 'object')) return undefined
  const names = Object.keys(element)
  const within = (...allowed: string[]): boolean => names.every((name) => allowed.includes(name))
  const { system, code, display, value, unit, comparator, start, end, reference } = element
  if (typeof code === 'string' && within('system', 'code', 'display', 'version', 'userSelected')) {
    return codingInWords(element)
  }
  if (typeof value === 'number' && within('value', 'unit', 'comparator', 'system', 'code')) {
    const coded = code === undefined || code === unit ? '' : ` (${[system, code].filter(Boolean).join('|')})`
    return `${text(comparator)}${String(value)}${unit === undefined ? '' : ` ${text(unit)}`}${coded}`
  }
  if (names.length > 0 && within('start', 'end')) {
    return `${start === undefined ? '' : `from ${text(start)}`}${end === undefined ? '' : ` to ${text(end)}`}`.trim()
  }
  if (typeof reference === 'string' && within('reference', 'display', 'type')) return text(display)
  return undefined
}

function codingInWords({ system, code, display, version }: Readonly<Record<string, unknown>>): string {
  const token = [system, version, code].filter((part) => part !== undefined).join('|')
  return display === undefined ? token : `${text(display)} (${token})`
}

const text = (value: unknown): string => (value === undefined ? '' : String(value))

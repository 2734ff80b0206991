/** The closed registry of functions that a mapping may pipe a value through. */
import { CHECKS } from './checks.js'
import { changed, first, ofText } from './function.js'
import type { FunctionDefinition } from './function.js'
import { TIME_FUNCTIONS } from './function-times.js'
import { mappingFault } from './position.js'
import { tableNamed, translateCode } from './tables.js'
import { combine, textOf, Tracked } from './tracked.js'
import type { Value } from './tracked.js'

/** Characters that no FHIR string may hold (R4 2.24.0.1). */
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g

/** Half characters (from escapes) cannot stand in a URI. */
const slug = (text: string): string =>
  encodeURIComponent(text.trim().replace(/\p{Surrogate}/gu, '_')).replaceAll('%20', '-')

/** Namespace of identifiers and codes that are only known inside one sender. */
const LOCAL = 'https://onedoor.dev/fhir'

const local = (kind: string, says: string): FunctionDefinition => ({
  args: [0, 0],
  says,
  compile: () => (run, value) => {
    const text = textOf(value)
    return text === undefined
      ? undefined
      : changed(value, `${LOCAL}/${kind}/${slug(run.context.sourceId)}/${slug(text)}`)
  },
})

/** The values of a list, or the one value; none when it is absent. */
const presentIn = (value: Value): Value[] =>
  Array.isArray(value) ? value.filter((each) => each !== undefined) : value === undefined ? [] : [value]

const YES_NO: ReadonlyMap<string, boolean> = new Map([
  ['Y', true],
  ['N', false],
])

const isBase64 = (text: string): boolean => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)

export const FUNCTIONS: ReadonlyMap<string, FunctionDefinition> = new Map(
  Object.entries({
    ...TIME_FUNCTIONS,
    table: {
      args: [1, 1],
      says: 'the meaning of a code in a table',
      compile: (site) => {
        const table = tableNamed(site.tables, first(site).literal, site.at)
        return (run, value) => translateCode(run, table, value)
      },
    },
    check: {
      args: [2, 2],
      says: 'an identifier that passes the check its system asks for in a table',
      compile: (site) => {
        const [system, name] = site.args
        const table = tableNamed(site.tables, name?.literal, site.at)
        for (const check of table.rows.values()) {
          if (!CHECKS.has(check))
            throw mappingFault(site.at, `Table "${table.name}" names an unknown check "${check}".`)
        }
        return (run, value) => {
          const text = textOf(value)
          const check = CHECKS.get(table.rows.get(textOf(system?.evaluate(run)) ?? '') ?? '')
          if (text === undefined || check === undefined) return value
          const accepted = check.accept(text)
          if (accepted === undefined) run.warn('value', value, `${check.expected}; kept without its system.`)
          return changed(value, accepted)
        }
      },
    },
    given: {
      args: [1, 1],
      says: 'the value, only if the argument is present or true',
      compile: (site) => {
        const { holds } = first(site)
        return (run, value) => (holds(run) ? value : undefined)
      },
    },
    without: {
      args: [1, 1],
      says: 'the value, only if the argument is absent or false',
      compile: (site) => {
        const { holds } = first(site)
        return (run, value) => (holds(run) ? undefined : value)
      },
    },
    constant: {
      args: [1, 1],
      says: 'a constant that stands only because a value was sent',
      compile: (site) => {
        const text = first(site).literal ?? ''
        return () => new Tracked(text, -1)
      },
    },
    join: {
      args: [1, 9],
      takesLists: true,
      says: 'the values present, joined by the first argument',
      compile: (site) => {
        const separator = first(site).literal ?? ''
        const others = site.args.slice(1)
        return (run, value) => {
          const parts = presentIn(value)
          for (const other of others) parts.push(...presentIn(other.evaluate(run)))
          return parts.length === 0 ? undefined : combine(parts.map(textOf).join(separator), parts)
        }
      },
    },
    lines: {
      args: [0, 0],
      takesLists: true,
      says: 'the values present, one per line, without characters FHIR forbids',
      compile: () => (_run, value) => {
        const parts = presentIn(value)
        const text = parts.map(textOf).join('\n').replace(CONTROLS, '').trim()
        return text === '' ? undefined : combine(text, parts)
      },
    },
    alsoFrom: {
      args: [1, 1],
      says: 'the value; the argument counts as its origin too when it says the same',
      compile: (site) => {
        const { evaluate } = first(site)
        return (run, value) => {
          const other = evaluate(run)
          return value !== undefined && textOf(value) === textOf(other)
            ? combine(textOf(value) ?? '', [value, other])
            : value
        }
      },
    },
    prefix: {
      args: [1, 1],
      says: 'the text with another before it',
      compile: (site) => {
        const { evaluate } = first(site)
        return (run, value) => {
          const before = evaluate(run)
          const text = textOf(value)
          if (text === undefined || before === undefined) return undefined
          return combine(`${textOf(before)}${text}`, [before, value])
        }
      },
    },
    containing: {
      args: [1, 1],
      says: 'the value, only if it contains the text',
      compile: (site) => {
        const text = first(site).literal ?? ''
        return (_run, value) => (textOf(value)?.includes(text) === true ? value : undefined)
      },
    },
    id: ofText('text that may be a FHIR id, else nothing', (text) =>
      /^[A-Za-z0-9.-]{1,64}$/.test(text) ? text : undefined,
    ),
    code: ofText(
      'a code: inner white space made single',
      (text) => text.replace(/\s+/g, ' ').trim() || undefined,
    ),
    text: ofText(
      'text without characters FHIR forbids',
      (text) => text.replace(CONTROLS, '').trim() || undefined,
    ),
    lower: ofText('lower case', (text) => text.toLowerCase()),
    upper: ofText('upper case', (text) => text.toUpperCase()),
    number: ofText(
      'a decimal number',
      (text) => (/^[+-]?(\d{1,20}\.?\d{0,15}|\.\d{1,15})$/.test(text) ? Number(text) : undefined),
      'a number',
    ),
    positive: ofText(
      'a whole number from 1',
      (text) => (/^\d{1,9}$/.test(text) && Number(text) > 0 ? Number(text) : undefined),
      'a whole number from 1',
    ),
    yesNo: ofText('HL7 table 0136 -> boolean', (text) => YES_NO.get(text.toUpperCase())),
    oidUri: {
      args: [0, 1],
      says: 'an OID as urn:oid:; the argument is the type (ISO) that says so',
      compile: (site) => (run, value) => {
        const text = textOf(value)
        if (text === undefined || !/^[0-2](\.(0|[1-9]\d*))+$/.test(text)) return undefined
        return combine(`urn:oid:${text}`, [value, site.args[0]?.evaluate(run)])
      },
    },
    uuidUri: ofText('a UUID as urn:uuid:', (text) =>
      /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)
        ? `urn:uuid:${text.toLowerCase()}`
        : undefined,
    ),
    url: ofText('an absolute URI, else nothing', (text) =>
      /^[a-z][a-z0-9+.-]*:[^\s]+$/i.test(text) ? text : undefined,
    ),
    v2System: ofText('HL7nnnn -> the canonical system of that table', (text) => {
      const table = /^HL7(\d{4})$/i.exec(text)?.[1]
      return table === undefined ? undefined : `http://terminology.hl7.org/CodeSystem/v2-${table}`
    }),
    language: ofText('a BCP 47 language code, else nothing', (text) =>
      /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(text) ? text : undefined,
    ),
    base64: ofText(
      'base64 content',
      (text) => (isBase64(text.replace(/\s/g, '')) ? text.replace(/\s/g, '') : undefined),
      'base64',
    ),
    toBase64: ofText('text as base64 of its UTF-8', (text) => Buffer.from(text, 'utf8').toString('base64')),
    localSystem: local('id', "a namespace of the sender's own identifiers"),
    localCodeSystem: local('codes', "a namespace of the sender's own codes"),
  } satisfies Record<string, FunctionDefinition>),
)

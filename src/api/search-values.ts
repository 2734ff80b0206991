/** One search parameter with its value -> one criterion for the store (R4 search 3.1.1.4). */
import { codeToken, foldWords, referenceToken, systemToken, wordTag } from '../fhir/index-values.js'
import type { SearchParameter } from '../fhir/search-parameters.js'
import type { Criterion } from '../store/search-query.js'
import { Fault } from '../terms/fault.js'
import { dayRange, instantRange, type DateContext } from './date-range.js'

export interface ValueContext extends Omit<DateContext, 'where'> {
  /** References below it are local. */
  readonly baseUrl: string
}

const ID = /^[A-Za-z0-9.-]{1,64}$/
const LOCAL_REFERENCE = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})$/

export function criterionOf(
  parameter: SearchParameter,
  modifier: string | undefined,
  alternatives: readonly string[],
  context: ValueContext,
): Criterion {
  const where = parameter.name
  switch (parameter.kind) {
    case 'token':
      requireNoModifier(parameter, modifier)
      return tokenCriterion(parameter, alternatives)
    case 'reference':
      return referenceCriterion(parameter, modifier, alternatives, context.baseUrl)
    case 'date':
      requireNoModifier(parameter, modifier)
      return parameter.column === 'born'
        ? {
            kind: 'range',
            column: 'born',
            anyOf: alternatives.map((text) => dayRange(text, { ...context, where })),
          }
        : {
            kind: 'range',
            column: 'authored',
            anyOf: alternatives.map((text) => instantRange(text, { ...context, where })),
          }
    case 'string':
      requireNoModifier(parameter, modifier)
      return { kind: 'words', anyOf: alternatives.map((text) => wordsOf(parameter, text)) }
  }
}

/** `_lastUpdated`. */
export const lastUpdatedCriterion = (alternatives: readonly string[], context: ValueContext): Criterion => ({
  kind: 'range',
  column: 'lastUpdated',
  anyOf: alternatives.map((text) => instantRange(text, { ...context, where: '_lastUpdated' })),
})

/** `_id`. */
export function idCriterion(alternatives: readonly string[]): Criterion {
  if (!alternatives.every((text) => ID.test(text)))
    throw invalid('_id', 'ids of up to 64 letters, digits, - and .')
  return { kind: 'equals', column: 'id', anyOf: alternatives }
}

/** Splits at commas that are not escaped; the escapes stay for `unescaped`. */
export const alternativesOf = (value: string): readonly string[] => splitUnescaped(value, ',')

function splitUnescaped(text: string, separator: string): string[] {
  const parts: string[] = ['']
  const append = (piece: string): void => {
    parts.push(`${parts.pop() ?? ''}${piece}`)
  }
  for (let i = 0; i < text.length; i++) {
    if (text[i] === separator) parts.push('')
    else if (text[i] === '\\' && i + 1 < text.length) append(`\\${text[++i] ?? ''}`)
    else append(text[i] ?? '')
  }
  return parts
}

const unescaped = (text: string): string => text.replace(/\\(.)/gs, '$1')

function tokenCriterion(parameter: SearchParameter, alternatives: readonly string[]): Criterion {
  const { name, column, rare = false } = parameter
  if (column === 'case') {
    const ids = alternatives.map((text) => text.replace(/^ServiceRequest\//, ''))
    if (!ids.every((id) => ID.test(id))) throw invalid(name, 'the id of a ServiceRequest')
    return { kind: 'equals', column: 'case', anyOf: ids }
  }
  const tokens = alternatives.map((text) => tokenOf(parameter, text))
  // A system that the element's codes never have leaves nothing to find: an empty list matches no row.
  const possible = tokens.filter((token) => token !== undefined)
  if (column === 'status') return { kind: 'equals', column: 'status', anyOf: possible }
  return { kind: 'tokens', anyOf: possible, rare }
}

/** `code`, `system|code` or `|code`; undefined when a `code` element can never have that system. */
function tokenOf(parameter: SearchParameter, text: string): string | undefined {
  const { name, system: boundSystem, column } = parameter
  const key = (code: string): string => (column === 'status' ? code : codeToken(name, code))
  const [first = '', ...rest] = splitUnescaped(text, '|').map(unescaped)
  if (rest.length === 0) {
    if (first === '') throw invalid(name, 'a code, system|code or |code')
    return key(first)
  }
  const code = rest.join('|')
  if (code === '') throw invalid(name, 'a code after the system: system| alone is not searched here')
  if (boundSystem === undefined) return systemToken(name, first, code)
  return first === '' || first === boundSystem ? key(code) : undefined
}

function referenceCriterion(
  parameter: SearchParameter,
  modifier: string | undefined,
  alternatives: readonly string[],
  baseUrl: string,
): Criterion {
  const { name, column, indexedAs = name, rare = false } = parameter
  const targets = alternatives.flatMap((text) => targetsOf(parameter, modifier, unescaped(text), baseUrl))
  if (column === 'owner') return { kind: 'equals', column: 'owner', anyOf: targets }
  return { kind: 'tokens', anyOf: targets.map((target) => referenceToken(indexedAs, target)), rare }
}

/** `Type/id`, an absolute URL, or an id alone, which stands for every type the parameter may point at. */
function targetsOf(
  { name, targets, indexedAs, narrows }: SearchParameter,
  modifier: string | undefined,
  text: string,
  baseUrl: string,
): readonly string[] {
  const types = modifier === undefined ? targets : [modifier]
  if (modifier !== undefined && targets !== undefined && !targets.includes(modifier)) {
    throw invalid(name, `one of the types ${targets.join(', ')} as its modifier`)
  }
  const local = text.startsWith(`${baseUrl}/`) ? text.slice(baseUrl.length + 1) : text
  const type = LOCAL_REFERENCE.exec(local)?.[1]
  if (type !== undefined) {
    const narrowed = modifier !== undefined || indexedAs !== undefined || narrows
    if (narrowed && types !== undefined && !types.includes(type))
      throw invalid(name, `a reference to ${types.join(', ')}`)
    return [local]
  }
  if (/^(https?:\/\/|urn:)/.test(local)) return [local]
  if (!ID.test(local)) throw invalid(name, 'Type/id, an id or an absolute URL')
  if (types === undefined) throw invalid(name, `Type/id: it may refer to any type`)
  return types.map((each) => `${each}/${local}`)
}

/** Every word of the value has to begin some word of the element (R4 string search: case and accents aside). */
function wordsOf(
  parameter: SearchParameter,
  text: string,
): readonly { tags: readonly string[]; prefix: string }[] {
  const words = foldWords(unescaped(text))
  if (words.length === 0) throw invalid(parameter.name, 'at least one letter or digit')
  const tags = parameter.paths.map(wordTag)
  return words.map((prefix) => ({ tags, prefix }))
}

function requireNoModifier({ name }: SearchParameter, modifier: string | undefined): void {
  if (modifier === undefined) return
  throw new Fault(
    'parameter-unknown',
    `The parameter ${name} has a modifier that is not supported; use ${name} without one.`,
    name,
  )
}

/** Never quotes the value: it may be a patient's. */
const invalid = (where: string, expected: string): Fault =>
  new Fault('parameter-invalid', `A value of ${where} cannot be searched; expected ${expected}.`, where)

/** Templates -> closures. Everything that can be wrong in a mapping file is found here, before any message. */
import type { ElementCatalogue } from './catalogue.js'
import type { Expression, PathExpression } from './expression.js'
import { FUNCTIONS } from './functions.js'
import { ownerOf } from './groups.js'
import type { Structure } from './groups.js'
import { formatPosition, mappingFault } from './position.js'
import type { Position } from './position.js'
import { isInside } from './run.js'
import type { Item, Run, Scope } from './run.js'
import type { Table } from './tables.js'
import type { Entry, ObjectTemplate, Template } from './template.js'
import { combine, isTrue, textOf, Tracked } from './tracked.js'
import type { Value } from './tracked.js'
import { Fault } from '../terms/fault.js'

export type Evaluate = (run: Run) => Value

export interface Datatype {
  readonly makes: string
  readonly template: ObjectTemplate
}

export interface CompileInput {
  readonly datatypes: ReadonlyMap<string, Datatype>
  readonly tables: ReadonlyMap<string, Table>
  readonly structure: Structure
  /** Names of the resources that a reference may name. */
  readonly resources: ReadonlySet<string>
  readonly catalogue: ElementCatalogue
}

/** Names that `$let` binds, with their slots, visible at one place of a template. */
type Variables = ReadonlyMap<string, number>

const NO_VARIABLES: Variables = new Map()

export class Compiler {
  private slots = 0
  private readonly datatypes = new Map<string, Evaluate>()
  private readonly open = new Set<string>()

  constructor(private readonly input: CompileInput) {}

  /** The template of a resource; `path` is its type. */
  resource(template: ObjectTemplate, type: string): (run: Run) => { [key: string]: Value } | undefined {
    if (!this.input.catalogue.has(type)) throw mappingFault(template.at, `"${type}" is not a FHIR resource.`)
    const evaluate = this.object(template, type, NO_VARIABLES)
    return (run) => evaluate(run) as { [key: string]: Value } | undefined
  }

  condition(expression: Expression): (run: Run) => boolean {
    return this.truth(expression, NO_VARIABLES)
  }

  value(expression: Expression): Evaluate {
    return this.expression(expression, NO_VARIABLES)
  }

  private template(template: Template, path: string, variables: Variables): Evaluate {
    switch (template.kind) {
      case 'constant': {
        const { value } = template
        return () => value
      }
      case 'expression':
        if (template.expression.kind === 'as') return this.asDatatype(template.expression, path)
        if (
          template.expression.kind === 'first' &&
          template.expression.options.some(({ kind }) => kind === 'as')
        ) {
          return this.firstOf(template.expression.options, path, variables)
        }
        return this.expression(template.expression, variables)
      case 'list':
        return this.list(template.items, path, variables)
      case 'object':
        return this.object(template, path, variables)
    }
  }

  /** `OBR-4 as CWE ?? RXO-1 as CWE`. */
  private firstOf(options: readonly Expression[], path: string, variables: Variables): Evaluate {
    const parts = options.map((expression) =>
      this.template({ kind: 'expression', expression, at: expression.at }, path, variables),
    )
    return (run) => {
      for (const part of parts) {
        const value = part(run)
        if (value !== undefined) return value
      }
      return undefined
    }
  }

  private list(items: readonly Template[], path: string, variables: Variables): Evaluate {
    const parts = items.map((item) => this.template(item, path, variables))
    return (run) => {
      let list: Value[] | undefined
      let evident: boolean = false
      for (const part of parts) {
        run.evident = false
        const value = part(run)
        if (value === undefined) continue
        if (isEvident(run, value)) evident = true
        list ??= []
        if (Array.isArray(value)) list.push(...value)
        else list.push(value)
      }
      run.evident = evident
      return list
    }
  }

  private object(template: ObjectTemplate, path: string, variables: Variables): Evaluate {
    const { directives } = template
    if (directives.each !== undefined) {
      const inner = this.object(
        { ...template, directives: { ...directives, each: undefined! } },
        path,
        variables,
      )
      return this.each(directives.each, inner)
    }
    if (directives.from !== undefined) {
      const inner = this.object(
        { ...template, directives: { ...directives, from: undefined! } },
        path,
        variables,
      )
      return this.from(directives.from, inner)
    }
    const known = new Map(variables)
    const lets = [...(directives.let ?? [])].map(([name, expression]) => {
      const evaluate = this.expression(expression, known)
      const slot = this.slots++
      known.set(name, slot)
      return { slot, evaluate }
    })
    const when = directives.when === undefined ? undefined : this.truth(directives.when, known)
    const build = this.entries(template, path, known)
    if (lets.length === 0 && when === undefined) return build
    return (run) => {
      for (const { slot, evaluate } of lets) run.variables[slot] = evaluate(run)
      return when !== undefined && !when(run) ? undefined : build(run)
    }
  }

  /** The elements themselves. Without evidence - a value from the source - the object is left out. */
  private entries(template: ObjectTemplate, path: string, variables: Variables): Evaluate {
    const { directives } = template
    const filler =
      directives.as === undefined
        ? undefined
        : this.filler(directives.as, directives.with, path, template.at, variables)
    const parts = [...template.entries].map(([key, entry]) => ({
      key,
      constant: entry.template.kind === 'constant' ? entry.template.value : undefined,
      evaluate: this.entry(key, entry, path, variables),
    }))
    const moving = parts.filter((part) => part.constant === undefined)
    const needs = (directives.needs ?? []).map((need) => need.split('|'))
    const constant = directives.constant === true
    return (run) => {
      run.evident = false
      const base = filler?.(run) as { [key: string]: Value } | undefined
      let evident: boolean = base !== undefined && run.evident
      // Most objects come to nothing, so none is made before a value is there.
      let values: Value[] | undefined
      for (let i = 0; i < moving.length; i++) {
        run.evident = false
        const value = moving[i]!.evaluate(run)
        if (value === undefined) continue
        values ??= new Array<Value>(moving.length)
        values[i] = value
        if (!evident && isEvident(run, value)) evident = true
      }
      run.evident = evident
      if (!evident && !constant) return undefined
      // What a data type made belongs to this object alone.
      const object: { [key: string]: Value } = base ?? {}
      let next = 0
      for (const part of parts) {
        const value = part.constant ?? values?.[next]
        if (part.constant === undefined) next++
        if (value !== undefined) object[part.key] = value
      }
      for (const need of needs) if (need.every((name) => object[name] === undefined)) return undefined
      return object
    }
  }

  private entry(key: string, entry: Entry, path: string, variables: Variables): Evaluate {
    const { catalogue } = this.input
    // `_birthDate` holds the extensions of the primitive `birthDate` (FHIR R4 JSON 2.6.2.2).
    const beside = key.startsWith('_')
    const place = `${path}.${beside ? key.slice(1) : key}`
    if (!catalogue.has(place)) throw mappingFault(entry.at, `${place} is not an element of FHIR R4.`)
    const list = makesList(entry.template)
    if (catalogue.isArray(place) && !list) {
      throw mappingFault(entry.at, `${place} repeats; write a list ("- ...") or "each ... as ...".`)
    }
    if (!catalogue.isArray(place) && list)
      throw mappingFault(entry.at, `${place} does not repeat; found a list.`)
    return this.template(entry.template, beside ? 'Element' : place, variables)
  }

  private filler(
    name: string,
    withValue: Expression | undefined,
    path: string,
    at: Position,
    variables: Variables,
  ): Evaluate {
    const fill = this.datatype(name, path, at)
    if (withValue === undefined) return fill
    const given = this.expression(withValue, variables)
    return (run) => {
      const outer = run.with
      run.with = given(run)
      try {
        return fill(run)
      } finally {
        run.with = outer
      }
    }
  }

  private asDatatype(expression: Expression & { kind: 'as' }, path: string): Evaluate {
    const fill = this.datatype(expression.datatype, path, expression.at)
    return expression.each ? this.each(expression.path, fill) : this.from(expression.path, fill)
  }

  private datatype(name: string, path: string, at: Position): Evaluate {
    const datatype = this.input.datatypes.get(name)
    if (datatype === undefined) throw mappingFault(at, `Data type "${name}" has no file in datatypes/.`)
    for (const key of datatype.template.entries.keys()) {
      if (!this.input.catalogue.has(`${path}.${key}`)) {
        throw mappingFault(
          at,
          `${name} makes ${datatype.makes}, which has no place at ${path}: no "${key}" there.`,
        )
      }
    }
    const known = this.datatypes.get(name)
    if (known !== undefined) return known
    if (this.open.has(name)) throw mappingFault(at, `Data type "${name}" contains itself.`)
    this.open.add(name)
    const compiled = this.object(datatype.template, datatype.makes, NO_VARIABLES)
    this.open.delete(name)
    this.datatypes.set(name, compiled)
    return compiled
  }

  private each(path: PathExpression, inner: Evaluate): Evaluate {
    if (path.field === 0 && !path.relative) return this.eachSegment(path, inner)
    const items = itemsOf(path)
    return (run) => {
      const found = items(run)
      if (found.length === 0) return undefined
      const outer = run.item
      const list: Value[] = []
      let evident: boolean = false
      for (const item of found) {
        run.item = item
        const value = inner(run)
        if (value === undefined) continue
        if (isEvident(run, value)) evident = true
        list.push(value)
      }
      run.item = outer
      run.evident = evident
      return list.length === 0 ? undefined : list
    }
  }

  private eachSegment(path: PathExpression, inner: Evaluate): Evaluate {
    const { trailing } = this.input.structure
    const members = new Set([path.name, ...trailing])
    return (run) => {
      const list: Value[] = []
      let evident: boolean = false
      for (const index of run.locateAll(path.name)) {
        const value = run.inScope(segmentScope(run, index, members, trailing), () => inner(run))
        if (value === undefined) continue
        if (isEvident(run, value)) evident = true
        list.push(value)
      }
      run.evident = evident
      return list.length === 0 ? undefined : list
    }
  }

  private from(path: PathExpression, inner: Evaluate): Evaluate {
    const items = itemsOf(path)
    return (run) => {
      const item = items(run)[0]
      if (item === undefined) return undefined
      const outer = run.item
      run.item = item
      const value = inner(run)
      run.item = outer
      return value
    }
  }

  private expression(expression: Expression, variables: Variables): Evaluate {
    switch (expression.kind) {
      case 'literal': {
        const { value } = expression
        return () => value
      }
      case 'variable':
        return this.variable(expression.name, expression.at, variables)
      case 'path':
        return readerOf(expression)
      case 'whole':
        return wholeReader(expression.path)
      case 'keyword':
        return this.keyword(expression.word)
      case 'reference':
        return this.reference(expression)
      case 'call':
        return this.call(expression, variables)
      case 'as':
        throw mappingFault(
          expression.at,
          '"as" stands alone: it makes a whole element, not a value in a formula.',
        )
      case 'first': {
        const options = expression.options.map((option) => this.expression(option, variables))
        return (run) => {
          for (const option of options) {
            const value = option(run)
            if (value !== undefined) return value
          }
          return undefined
        }
      }
      case 'not':
      case 'logic':
        return this.truth(expression, variables)
      case 'compare':
        return this.compare(expression, variables)
    }
  }

  /** How a condition reads an expression: a field is there when any part of it is. */
  private truth(expression: Expression, variables: Variables): (run: Run) => boolean {
    switch (expression.kind) {
      case 'not': {
        const inner = this.truth(expression.inner, variables)
        return (run) => !inner(run)
      }
      case 'logic': {
        const left = this.truth(expression.left, variables)
        const right = this.truth(expression.right, variables)
        return expression.operator === 'and'
          ? (run) => left(run) && right(run)
          : (run) => left(run) || right(run)
      }
      default: {
        const isField = expression.kind === 'path' && expression.field > 0 && expression.component === 0
        if (isField) {
          const items = itemsOf(expression)
          return (run) => items(run).length > 0
        }
        const evaluate = this.expression(expression, variables)
        return (run) => isTrue(evaluate(run))
      }
    }
  }

  private compare(expression: Expression & { kind: 'compare' }, variables: Variables): Evaluate {
    const left = this.expression(expression.left, variables)
    const values = new Set(expression.values)
    const { equal } = expression
    return (run) => {
      const value = left(run)
      const found = Array.isArray(value) ? value : [value]
      return found.some((one) => values.has(textOf(one) ?? '')) === equal
    }
  }

  private variable(name: string, at: Position, variables: Variables): Evaluate {
    if (name === 'with') return (run) => run.with
    const slot = variables.get(name)
    if (slot === undefined) throw mappingFault(at, `$${name} is not set here; add it to $let.`)
    return (run) => run.variables[slot]
  }

  private keyword(word: 'owner' | 'sourceId' | 'receivedAt'): Evaluate {
    const { structure } = this.input
    if (word === 'owner') return (run) => ownerOf(run, structure)
    if (word === 'sourceId') return (run) => run.context.sourceId
    return (run) => run.context.receivedAt
  }

  private reference(expression: Expression & { kind: 'reference' }): Evaluate {
    const { resource, labels, all, at } = expression
    if (!this.input.resources.has(resource)) throw mappingFault(at, `No resource is named "${resource}".`)
    const fits = (run: Run): Value[] => {
      const found: Value[] = []
      for (let scope: Scope | null = run.scope; scope !== null && found.length === 0; scope = scope.parent) {
        for (const made of run.made) {
          if (made.name !== resource || !isInside(made.scope, scope)) continue
          if (labels.length > 0 && !made.labels.some((label) => labels.includes(label))) continue
          found.push({ reference: `urn:uuid:${made.id}` })
          run.evident = all
          if (!all) return found
        }
      }
      return found
    }
    if (!all) return (run) => fits(run)[0]
    return (run) => {
      const found = fits(run)
      return found.length === 0 ? undefined : found
    }
  }

  private call(expression: Expression & { kind: 'call' }, variables: Variables): Evaluate {
    const { name, at } = expression
    const definition = FUNCTIONS.get(name)
    if (definition === undefined) {
      throw mappingFault(
        at,
        `"${name}" is not a function; there are: ${[...FUNCTIONS.keys()].sort().join(', ')}.`,
      )
    }
    const [fewest, most] = definition.args
    if (expression.args.length < fewest || expression.args.length > most) {
      throw mappingFault(
        at,
        `"${name}" takes ${fewest} to ${most} arguments; found ${expression.args.length}.`,
      )
    }
    const input = this.expression(expression.input, variables)
    const args = expression.args.map((arg) => ({
      literal: arg.kind === 'literal' ? String(arg.value) : undefined,
      evaluate: this.expression(arg, variables),
      holds: this.truth(arg, variables),
    }))
    const apply = definition.compile({ args, tables: this.input.tables, at })
    const one = (run: Run, value: Value): Value => {
      try {
        return apply(run, value)
      } catch (cause) {
        if (cause instanceof Fault && cause.where !== '') throw cause
        const text = `${formatPosition(at)}: "${name}" failed: ${(cause as Error).message}`
        throw new Fault('mapping-failed', text, run.pathOf(value), { cause })
      }
    }
    if (definition.takesLists === true) return (run) => one(run, input(run))
    return (run) => {
      const value = input(run)
      if (!Array.isArray(value)) return value === undefined ? undefined : one(run, value)
      const list = value.map((each) => one(run, each)).filter((each) => each !== undefined)
      return list.length === 0 ? undefined : list
    }
  }
}

/** A scope of one segment and the trailing segments after it. */
export function segmentScope(
  run: Run,
  first: number,
  members: ReadonlySet<string>,
  trailing: ReadonlySet<string>,
): Scope {
  const { names } = run.source
  let end = first + 1
  while (end < names.length && trailing.has(names[end]!)) end++
  // A trailing segment taken by itself stands alone: the one after it is not part of it.
  if (trailing.has(names[first]!)) end = first + 1
  return { first, end, shared: -1, members, parent: run.scope }
}

/** A value from the source, or something that holds one. A reference to the patient is no evidence of anything. */
const isEvident = (run: Run, value: Value): boolean =>
  value instanceof Tracked ||
  (typeof value === 'object' && (run.evident || (Array.isArray(value) && value[0] instanceof Tracked)))

/** True when a template gives a list, whatever the message holds. */
function makesList(template: Template): boolean {
  if (template.kind === 'list') return true
  if (template.kind === 'object') return template.directives.each !== undefined
  if (template.kind === 'constant') return false
  return expressionMakesList(template.expression)
}

function expressionMakesList(expression: Expression): boolean {
  switch (expression.kind) {
    case 'as':
      return expression.each
    case 'reference':
      return expression.all
    case 'path':
    case 'whole':
      return (expression.kind === 'whole' ? expression.path : expression).repetition === 'all'
    case 'call':
      return FUNCTIONS.get(expression.name)?.takesLists !== true && expressionMakesList(expression.input)
    case 'first':
      return expression.options.some(expressionMakesList)
    default:
      return false
  }
}

function readerOf(path: PathExpression): Evaluate {
  const { field, repetition, component, subcomponent } = path
  if (path.relative) return relativeReader(component, subcomponent)
  const locate = locator(path)
  if (field === 0) return (run) => (locate(run) >= 0 ? true : undefined)
  if (repetition === 'all') {
    return (run) => {
      const segment = locate(run)
      if (segment < 0) return undefined
      const list: Value[] = []
      for (const each of run.source.repetitions(segment, field)) {
        const value = run.read(run.source.find(segment, field, each, component, subcomponent))
        if (value !== undefined) list.push(value)
      }
      return list.length === 0 ? undefined : list
    }
  }
  return (run) => {
    const segment = locate(run)
    if (segment < 0) return undefined
    return run.read(run.source.find(segment, field, repetition, component, subcomponent))
  }
}

/** The path's segment in the scope in hand. A scope is one message's own, so the last answer is remembered by it. */
function locator({ name, ordinal }: PathExpression): (run: Run) => number {
  let known: Scope | undefined
  let found = -1
  return (run) => {
    if (run.scope !== known) {
      known = run.scope
      found = run.locate(name, ordinal)
    }
    return found
  }
}

/** `XPN.1.1` of the repetition in hand; of a component in hand, `HD.1` is its subcomponent. */
function relativeReader(component: number, subcomponent: number): Evaluate {
  return (run) => {
    const { item } = run
    if (item === null) return undefined
    if (item.component === 0) {
      return run.read(run.source.find(item.segment, item.field, item.repetition, component, subcomponent))
    }
    if (subcomponent > 1) return undefined
    return run.read(run.source.find(item.segment, item.field, item.repetition, item.component, component))
  }
}

type Items = (run: Run) => readonly Item[]

const NO_ITEMS: readonly Item[] = []

function itemsOf(path: PathExpression): Items {
  const { field, component, repetition } = path
  if (path.relative) {
    return (run) => {
      const { item } = run
      if (item === null || item.component !== 0) return NO_ITEMS
      const { first, end } = run.source.range(item.segment, item.field, item.repetition, component)
      return first < end ? [{ ...item, component }] : NO_ITEMS
    }
  }
  const locate = locator(path)
  return (run) => {
    const segment = locate(run)
    if (segment < 0 || run.source.firstOf(segment, field) < 0) return NO_ITEMS
    const repetitions = run.source.repetitions(segment, field)
    if (repetition === 'all' || repetition === 1) {
      return repetitions.map((each) => ({ segment, field, repetition: each, component }))
    }
    return repetitions.includes(repetition) ? [{ segment, field, repetition, component }] : NO_ITEMS
  }
}

/** A field (or every repetition of it) as one text, unescaped separators put back: free text is not structure. */
function wholeReader(path: PathExpression): Evaluate {
  const read = (run: Run, segment: number, repetition: number): Value => {
    const { leaves } = run.source
    const { first, end } = run.source.range(segment, path.field, repetition, path.component)
    const parts: Tracked[] = []
    let text = ''
    let component = path.component === 0 ? 1 : path.component
    let subcomponent = 1
    for (let i = first; i < end; i++) {
      const leaf = leaves[i]!
      if (leaf.value === null) continue
      if (leaf.component > component) {
        text += run.source.separators.component.repeat(leaf.component - component)
        subcomponent = 1
      }
      text += run.source.separators.subcomponent.repeat(leaf.subcomponent - subcomponent) + leaf.value
      component = leaf.component
      subcomponent = leaf.subcomponent
      parts.push(new Tracked(leaf.value, i))
    }
    const trimmed = text.trim()
    return trimmed === '' ? undefined : combine(trimmed, parts)
  }
  const locate = locator(path)
  return (run) => {
    const segment = locate(run)
    if (segment < 0) return undefined
    if (path.repetition !== 'all') return read(run, segment, path.repetition)
    const list = run.source.repetitions(segment, path.field).map((each) => read(run, segment, each))
    const found = list.filter((value) => value !== undefined)
    return found.length === 0 ? undefined : found
  }
}

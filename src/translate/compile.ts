/** Templates -> closures. Everything that can be wrong in a mapping file is found here, before any message. */
import type { ElementCatalogue } from './catalogue.js'
import { ExpressionCompiler, NO_VARIABLES } from './compile-expression.js'
import type { ExpressionInput, Variables } from './compile-expression.js'
import type { Expression, PathExpression } from './expression.js'
import { segmentScopes } from './groups.js'
import { mappingFault } from './position.js'
import type { Position } from './position.js'
import { itemsOf } from './readers.js'
import type { Evaluate } from './readers.js'
import type { Run } from './run.js'
import { makesList } from './shape.js'
import type { Entry, ObjectTemplate, Template } from './template.js'
import { Tracked } from './tracked.js'
import type { Scalar, Value } from './tracked.js'

export interface Datatype {
  readonly makes: string
  readonly template: ObjectTemplate
}

export interface CompileInput extends ExpressionInput {
  readonly datatypes: ReadonlyMap<string, Datatype>
  readonly catalogue: ElementCatalogue
}

export class Compiler {
  private slots = 0
  private readonly datatypes = new Map<string, Evaluate>()
  private readonly open = new Set<string>()
  private readonly expressions: ExpressionCompiler

  constructor(private readonly input: CompileInput) {
    this.expressions = new ExpressionCompiler(input)
  }

  /** The template of a resource; `path` is its type. */
  resource(template: ObjectTemplate, type: string): (run: Run) => { [key: string]: Value } | undefined {
    if (!this.input.catalogue.has(type)) throw mappingFault(template.at, `"${type}" is not a FHIR resource.`)
    const evaluate = this.object(template, type, NO_VARIABLES)
    return (run) => evaluate(run) as { [key: string]: Value } | undefined
  }

  condition(expression: Expression): (run: Run) => boolean {
    return this.expressions.truth(expression, NO_VARIABLES)
  }

  value(expression: Expression): Evaluate {
    return this.expressions.expression(expression, NO_VARIABLES)
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
        return this.expressions.expression(template.expression, variables)
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
      const evaluate = this.expressions.expression(expression, known)
      const slot = this.slots++
      known.set(name, slot)
      return { slot, evaluate }
    })
    const when = directives.when === undefined ? undefined : this.expressions.truth(directives.when, known)
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
    const parts: readonly Part[] = [...template.entries].map(([key, entry]) => ({
      key,
      constant: entry.template.kind === 'constant' ? entry.template.value : undefined,
      evaluate: this.entry(key, entry, path, variables),
    }))
    const needs = (directives.needs ?? []).map((need) => need.split('|'))
    const constant = directives.constant === true
    return (run) => {
      run.evident = false
      const base = filler?.(run) as { [key: string]: Value } | undefined
      let evident: boolean = base !== undefined && run.evident
      // Most objects come to nothing, so none is made before a value is there. What a data type made belongs to
      // this object alone.
      let object = base
      let written = 0
      for (let i = 0; i < parts.length; i++) {
        const part = parts[i]!
        if (part.constant !== undefined) continue
        run.evident = false
        const value = part.evaluate(run)
        if (value === undefined) continue
        if (!evident && isEvident(run, value)) evident = true
        object ??= {}
        for (; written < i; written++) writeConstant(object, parts[written]!)
        object[part.key] = value
        written = i + 1
      }
      run.evident = evident
      if (!evident && !constant) return undefined
      object ??= {}
      for (; written < parts.length; written++) writeConstant(object, parts[written]!)
      return needs.every((need) => need.some((name) => object[name] !== undefined)) ? object : undefined
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
    const given = this.expressions.expression(withValue, variables)
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
      for (const scope of segmentScopes(run, path.name, members, trailing)) {
        const value = run.inScope(scope, () => inner(run))
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
}

interface Part {
  readonly key: string
  readonly constant: Scalar | undefined
  readonly evaluate: Evaluate
}

function writeConstant(object: { [key: string]: Value }, { key, constant }: Part): void {
  if (constant !== undefined) object[key] = constant
}

/** A value from the source, or something that holds one. A reference to the patient is no evidence of anything. */
const isEvident = (run: Run, value: Value): boolean =>
  value instanceof Tracked ||
  (typeof value === 'object' && (run.evident || (Array.isArray(value) && value[0] instanceof Tracked)))

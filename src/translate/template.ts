/** Mapping text -> templates: YAML nodes with their places kept. Quoted text is a constant, unquoted an expression. */
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Node, Pair, Scalar, YAMLMap } from 'yaml'
import { parseExpression, parsePath } from './expression.js'
import type { Expression, PathExpression } from './expression.js'
import { mappingFault } from './position.js'
import type { Position } from './position.js'

export type Template =
  | { readonly kind: 'constant'; readonly value: string | number | boolean; readonly at: Position }
  | { readonly kind: 'expression'; readonly expression: Expression; readonly at: Position }
  | { readonly kind: 'list'; readonly items: readonly Template[]; readonly at: Position }
  | ObjectTemplate

export interface ObjectTemplate {
  readonly kind: 'object'
  readonly entries: ReadonlyMap<string, Entry>
  readonly directives: Directives
  readonly at: Position
}

export interface Entry {
  readonly template: Template
  readonly at: Position
}

/** The `$` keys of an object: how it is made, never an element of it. */
export interface Directives {
  /** One object per repetition or segment. */
  readonly each?: PathExpression
  /** The one element the object is made from. */
  readonly from?: PathExpression
  /** Data type whose template fills the object; own keys are added to it. */
  readonly as?: string
  /** What `$with` stands for inside that data type. */
  readonly with?: Expression
  readonly when?: Expression
  readonly let?: ReadonlyMap<string, Expression>
  /** Elements without which the object is left out; `name|identifier` asks for one of them. */
  readonly needs?: readonly string[]
  /** True for an object that stands without anything from the source in it. */
  readonly constant?: boolean
}

/** One YAML file with the places of its nodes. */
export class MappingFile {
  private readonly lines = new LineCounter()
  readonly root: YAMLMap

  constructor(
    readonly path: string,
    text: string,
  ) {
    const document = parseDocument(text, { lineCounter: this.lines, merge: false, strict: true })
    const problem = document.errors[0]
    if (problem !== undefined) {
      const { line, col } = problem.linePos?.[0] ?? { line: 1, col: 1 }
      throw mappingFault({ file: path, line, column: col }, problem.message.split('\n')[0] ?? 'Not YAML.')
    }
    if (!isMap(document.contents)) {
      throw mappingFault({ file: path, line: 1, column: 1 }, 'A mapping file is a map of keys; found none.')
    }
    this.root = document.contents
  }

  at(node: unknown): Position {
    const range = (node as Node | null | undefined)?.range
    const { line, col } = this.lines.linePos(range?.[0] ?? 0)
    return { file: this.path, line, column: col }
  }

  map(node: unknown, what: string): YAMLMap {
    if (!isMap(node)) throw mappingFault(this.at(node), `Expected ${what} as a map of keys.`)
    return node
  }

  /** The keys of a map with their values, in order. */
  pairs(map: YAMLMap): readonly { readonly key: string; readonly value: Node; readonly at: Position }[] {
    return map.items.map((pair: Pair) => {
      // `1` and `'*'` are names too: a plain number keeps its spelling.
      const scalar = isScalar(pair.key) ? pair.key : undefined
      const key = typeof scalar?.value === 'string' ? scalar.value : (scalar?.source ?? '')
      if (key === '') throw mappingFault(this.at(pair.key), 'Expected a name as key.')
      return { key, value: pair.value as Node, at: this.at(pair.key) }
    })
  }

  get(map: YAMLMap, key: string): Node | undefined {
    return (map.get(key, true) as Node | undefined) ?? undefined
  }

  text(node: unknown, what: string): string {
    if (!isScalar(node) || node.value === null) throw mappingFault(this.at(node), `Expected ${what} as text.`)
    return node.type === 'PLAIN' ? (node.source ?? String(node.value)) : String(node.value).trim()
  }

  texts(node: unknown, what: string): readonly string[] {
    if (isSeq(node)) return node.items.map((item) => this.text(item, what))
    return [this.text(node, what)]
  }

  expression(node: unknown): Expression {
    if (isScalar(node) && isQuoted(node)) {
      return { kind: 'literal', value: String(node.value), at: this.at(node) }
    }
    return parseExpression(this.text(node, 'an expression'), this.at(node))
  }

  /** `object(...)` that also accepts the short form of a data type: `each PID-5 as XPN`. */
  template(node: Node): Template {
    const at = this.at(node)
    if (isMap(node)) return this.object(node)
    if (isSeq(node)) return { kind: 'list', items: node.items.map((item) => this.template(item as Node)), at }
    if (!isScalar(node) || node.value === null) throw mappingFault(at, 'Expected a value; found nothing.')
    return this.scalar(node, at)
  }

  object(map: YAMLMap): ObjectTemplate {
    const entries = new Map<string, Entry>()
    const directives: Record<string, unknown> = {}
    for (const { key, value, at } of this.pairs(map)) {
      if (key.startsWith('$')) directives[key.slice(1)] = this.directive(key, value, at)
      else entries.set(key, { template: this.template(value), at })
    }
    return { kind: 'object', entries, directives: directives as Directives, at: this.at(map) }
  }

  private scalar(node: Scalar, at: Position): Template {
    if (typeof node.value === 'boolean' || typeof node.value === 'number') {
      return { kind: 'constant', value: node.value, at }
    }
    if (!isQuoted(node)) {
      return { kind: 'expression', expression: parseExpression(this.text(node, 'an expression'), at), at }
    }
    return { kind: 'constant', value: String(node.value), at }
  }

  private directive(key: string, value: Node, at: Position): unknown {
    switch (key) {
      case '$each':
      case '$from':
        return parsePath(this.text(value, 'a path'), this.at(value))
      case '$as':
        return this.text(value, 'the name of a data type')
      case '$with':
      case '$when':
        return this.expression(value)
      case '$let': {
        const pairs = this.pairs(this.map(value, '$let'))
        return new Map(pairs.map((pair) => [pair.key, this.expression(pair.value)]))
      }
      case '$needs':
        return this.texts(value, 'names of elements')
      case '$constant':
        return isScalar(value) && value.value === true
    }
    throw mappingFault(
      at,
      `"${key}" is not known; use $each, $from, $as, $with, $when, $let, $needs, $constant.`,
    )
  }
}

/** Quoted text is a constant; plain text and folded blocks (`>-`) are expressions. */
const isQuoted = (node: Scalar): boolean => node.type === 'QUOTE_SINGLE' || node.type === 'QUOTE_DOUBLE'

/** `extra` laid over `base`: maps merge key by key, `name+` adds to the end of a list, anything else replaces. */
export function mergeObjects(base: ObjectTemplate, extra: ObjectTemplate): ObjectTemplate {
  const entries = new Map(base.entries)
  for (const [key, entry] of extra.entries) {
    if (key.endsWith('+')) {
      const name = key.slice(0, -1)
      entries.set(name, { template: appended(entries.get(name)?.template, entry.template), at: entry.at })
      continue
    }
    const old = entries.get(key)?.template
    const both = old?.kind === 'object' && entry.template.kind === 'object'
    entries.set(key, { template: both ? mergeObjects(old, entry.template) : entry.template, at: entry.at })
  }
  const lets = new Map([...(base.directives.let ?? []), ...(extra.directives.let ?? [])])
  const directives = { ...base.directives, ...extra.directives, ...(lets.size > 0 ? { let: lets } : {}) }
  return { kind: 'object', entries, directives, at: extra.at }
}

function appended(base: Template | undefined, extra: Template): Template {
  const items = (template: Template | undefined): readonly Template[] =>
    template === undefined ? [] : template.kind === 'list' ? template.items : [template]
  return { kind: 'list', items: [...items(base), ...items(extra)], at: extra.at }
}

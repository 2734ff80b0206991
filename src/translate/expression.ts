/** The small language of unquoted text in mapping files: paths, pipes, fallbacks, conditions. No eval. */
import { mappingFault } from './position.js'
import type { Position } from './position.js'
import { tokenise } from './tokens.js'
import type { Token } from './tokens.js'

/** `PID-5[2].1.1`, `NTE-3[*]`, `XPN.2` or a bare segment name. Numbers start at 1, as HL7 counts. */
export interface PathExpression {
  readonly kind: 'path'
  /** Segment, or the data type of the element in hand when `relative`. */
  readonly name: string
  readonly relative: boolean
  readonly ordinal: number
  readonly field: number
  readonly repetition: number | 'all'
  readonly component: number
  readonly subcomponent: number
  readonly at: Position
}

export type Expression =
  | PathExpression
  | { readonly kind: 'literal'; readonly value: string | number; readonly at: Position }
  | { readonly kind: 'variable'; readonly name: string; readonly at: Position }
  | { readonly kind: 'whole'; readonly path: PathExpression; readonly at: Position }
  | { readonly kind: 'keyword'; readonly word: 'owner' | 'sourceId' | 'receivedAt'; readonly at: Position }
  | {
      readonly kind: 'reference'
      readonly all: boolean
      readonly resource: string
      readonly labels: readonly string[]
      readonly at: Position
    }
  | {
      readonly kind: 'call'
      readonly name: string
      readonly input: Expression
      readonly args: readonly Expression[]
      readonly at: Position
    }
  | {
      readonly kind: 'as'
      readonly each: boolean
      readonly path: PathExpression
      readonly datatype: string
      readonly at: Position
    }
  | { readonly kind: 'first'; readonly options: readonly Expression[]; readonly at: Position }
  | { readonly kind: 'not'; readonly inner: Expression; readonly at: Position }
  | {
      readonly kind: 'logic'
      readonly operator: 'and' | 'or'
      readonly left: Expression
      readonly right: Expression
      readonly at: Position
    }
  | {
      readonly kind: 'compare'
      readonly left: Expression
      readonly values: readonly string[]
      readonly equal: boolean
      readonly at: Position
    }

const PATH = /^([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?(?:-(\d+)(?:\[(\d+|\*)\])?(?:\.(\d+))?(?:\.(\d+))?)?$/
const RELATIVE = /^([A-Z][A-Z0-9]{1,2})\.(\d+)(?:\.(\d+))?$/

export function parseExpression(text: string, at: Position): Expression {
  const parser = new Parser(tokenise(text, at), at)
  const expression = parser.condition()
  parser.expectEnd()
  return expression
}

/** A path alone, for `$each`, `$from` and `drop`. */
export function parsePath(text: string, at: Position): PathExpression {
  const expression = parseExpression(text, at)
  if (expression.kind !== 'path') throw mappingFault(at, `Found "${text}"; expected one path such as PID-5.`)
  return expression
}

/** Recursive descent; each method is one rule, loosest binding first. */
class Parser {
  private next = 0

  constructor(
    private readonly tokens: readonly Token[],
    private readonly start: Position,
  ) {}

  condition(): Expression {
    let left = this.conjunction()
    while (this.accept('word', 'or')) {
      left = { kind: 'logic', operator: 'or', left, right: this.conjunction(), at: left.at }
    }
    return left
  }

  expectEnd(): void {
    const token = this.peek()
    if (token.kind !== 'end')
      throw this.fault(token, `Found "${token.text}" after the end of the expression.`)
  }

  private conjunction(): Expression {
    let left = this.negation()
    while (this.accept('word', 'and')) {
      left = { kind: 'logic', operator: 'and', left, right: this.negation(), at: left.at }
    }
    return left
  }

  private negation(): Expression {
    const at = this.position()
    if (this.accept('word', 'not')) return { kind: 'not', inner: this.negation(), at }
    return this.comparison()
  }

  private comparison(): Expression {
    const left = this.fallback()
    const at = this.position()
    if (this.accept('sign', '=')) return { kind: 'compare', left, values: [this.text()], equal: true, at }
    if (this.accept('sign', '!=')) return { kind: 'compare', left, values: [this.text()], equal: false, at }
    if (this.accept('word', 'in')) return { kind: 'compare', left, values: this.texts(), equal: true, at }
    return left
  }

  private fallback(): Expression {
    const first = this.pipe()
    if (this.peek().text !== '??' || this.peek().kind !== 'sign') return first
    const options = [first]
    while (this.accept('sign', '??')) options.push(this.pipe())
    return { kind: 'first', options, at: first.at }
  }

  private pipe(): Expression {
    let input = this.primary()
    while (this.accept('sign', '|')) {
      const at = this.position()
      const name = this.expect('word', 'the name of a function').text
      const args: Expression[] = []
      while (this.startsPrimary()) args.push(this.primary())
      input = { kind: 'call', name, input, args, at }
    }
    return input
  }

  private startsPrimary(): boolean {
    const { kind, text } = this.peek()
    if (kind === 'word') return !['and', 'or', 'in', 'as'].includes(text)
    return kind === 'path' || kind === 'text' || kind === 'number' || kind === 'variable' || text === '('
  }

  private primary(): Expression {
    const at = this.position()
    const token = this.take()
    switch (token.kind) {
      case 'text':
        return { kind: 'literal', value: token.text, at }
      case 'number':
        return { kind: 'literal', value: Number(token.text), at }
      case 'variable':
        return { kind: 'variable', name: token.text, at }
      case 'path':
        return this.maybeAs(pathOf(token.text, at), false, at)
      case 'word':
        return this.wordExpression(token, at)
      case 'sign':
        if (token.text === '(') {
          const inner = this.condition()
          this.expect('sign', '")"', ')')
          return inner
        }
    }
    throw this.fault(token, `Found "${token.text}"; expected a path, a function or quoted text.`)
  }

  private wordExpression(token: Token, at: Position): Expression {
    const word = token.text
    if (word === 'each') return this.maybeAs(this.path(), true, at)
    if (word === 'whole') return { kind: 'whole', path: this.path(), at }
    if (word === 'owner' || word === 'sourceId' || word === 'receivedAt') return { kind: 'keyword', word, at }
    if (word === 'reference' || word === 'references') {
      const resource = this.expect('word', 'the name of a resource').text
      const labels: string[] = []
      while (this.peek().kind === 'text') labels.push(this.take().text)
      return { kind: 'reference', all: word === 'references', resource, labels, at }
    }
    if (/^[A-Z][A-Z0-9]{2}$/.test(word)) return pathOf(word, at)
    // A bare word is the name of a table or scheme given to a function.
    return { kind: 'literal', value: word, at }
  }

  private maybeAs(path: PathExpression, each: boolean, at: Position): Expression {
    if (this.accept('word', 'as')) {
      return { kind: 'as', each, path, datatype: this.expect('word', 'the name of a data type').text, at }
    }
    if (each) throw mappingFault(at, '"each" needs "as" and a data type, for example "each PID-5 as XPN".')
    return path
  }

  private path(): PathExpression {
    const at = this.position()
    const token = this.take()
    const isSegment = token.kind === 'word' && /^[A-Z][A-Z0-9]{2}$/.test(token.text)
    if (token.kind === 'path' || isSegment) return pathOf(token.text, at)
    throw this.fault(token, `Found "${token.text}"; expected a path such as PID-5.`)
  }

  private texts(): readonly string[] {
    this.expect('sign', '"("', '(')
    const values: string[] = []
    while (this.peek().kind === 'text') values.push(this.take().text)
    this.expect('sign', '")"', ')')
    return values
  }

  private text(): string {
    return this.expect('text', 'quoted text').text
  }

  private peek(): Token {
    return this.tokens[this.next] ?? { kind: 'end', text: '', offset: 0 }
  }

  private take(): Token {
    const token = this.peek()
    this.next++
    return token
  }

  private accept(kind: Token['kind'], text: string): boolean {
    const token = this.peek()
    if (token.kind !== kind || token.text !== text) return false
    this.next++
    return true
  }

  private expect(kind: Token['kind'], what: string, text?: string): Token {
    const token = this.take()
    if (token.kind === kind && (text === undefined || token.text === text)) return token
    throw this.fault(token, `Found "${token.text}"; expected ${what}.`)
  }

  private position(): Position {
    return { ...this.start, column: this.start.column + this.peek().offset }
  }

  private fault(token: Token, text: string): Error {
    return mappingFault({ ...this.start, column: this.start.column + token.offset }, text)
  }
}

function pathOf(text: string, at: Position): PathExpression {
  const relative = RELATIVE.exec(text)
  if (relative !== null) {
    const [, name = '', component, subcomponent] = relative
    const own = { name, relative: true, ordinal: 1, field: 0, repetition: 1 } as const
    return { kind: 'path', ...own, component: Number(component), subcomponent: Number(subcomponent ?? 0), at }
  }
  const match = PATH.exec(text)
  if (match === null) throw mappingFault(at, `"${text}" is not a path; write PID-5, PID-5[2].1.1 or XPN.2.`)
  const [, name = '', ordinal, field, repetition, component, subcomponent] = match
  return {
    kind: 'path',
    name,
    relative: false,
    ordinal: Number(ordinal ?? 1),
    field: Number(field ?? 0),
    repetition: repetition === '*' ? 'all' : Number(repetition ?? 1),
    component: Number(component ?? 0),
    subcomponent: Number(subcomponent ?? 0),
    at,
  }
}

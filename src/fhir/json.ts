/** Strict JSON for FHIR: names used once, nesting limited before anything is built, errors by line and column. */
import type { Issue } from '../terms/issue.js'

export interface JsonLimits {
  /** Arrays and objects inside each other. Default 200. */
  readonly maxDepth?: number
  /** Characters. Default 64 Mi. */
  readonly maxCharacters?: number
}

export type JsonResult =
  { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'refused'; readonly issue: Issue }

/** RFC 8259. Never throws. Messages show no part of the text, which may be about a person. */
export function readJson(text: string, limits: JsonLimits = {}): JsonResult {
  const { maxDepth = 200, maxCharacters = 64 * 1024 * 1024 } = limits
  if (text.length > maxCharacters) {
    const found = `Found ${text.length} characters of JSON; expected at most ${maxCharacters}. Send less at once.`
    return refused('too-long', '', found)
  }
  const content = text.startsWith('\ufeff') ? text.slice(1) : text
  const problem = new Scanner(content, maxDepth).scan()
  if (problem === undefined) return { kind: 'value', value: JSON.parse(content) as unknown }
  return refused(problem.code, placeOf(content, problem.at), `Invalid JSON: ${problem.text}`)
}

function refused(code: string, where: string, text: string): JsonResult {
  return { kind: 'refused', issue: { severity: 'fatal', code, where, text } }
}

function placeOf(text: string, at: number): string {
  const before = text.slice(0, at)
  const line = before.split('\n').length
  return `line ${line}, column ${at - before.lastIndexOf('\n')}`
}

interface Problem {
  readonly at: number
  readonly code: string
  readonly text: string
}

/** Keys seen so far in an object; undefined for an array. */
type Container = Set<string> | undefined

const SPACE = /[ \t\n\r]*/y
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y
const STRING_STOP = /["\\\u0000-\u001f]/g
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

/** Walks the text once with a stack of its own: nesting depth is the sender's choice, the call stack is ours. */
class Scanner {
  private at = 0
  private readonly open: Container[] = []

  constructor(
    private readonly text: string,
    private readonly maxDepth: number,
  ) {}

  scan(): Problem | undefined {
    for (;;) {
      const problem = this.value()
      if (problem !== undefined) return problem
      const after = this.afterValue()
      if (after === 'done') return undefined
      if (after !== undefined) return after
    }
  }

  /** Reads to the end of one scalar, or of an empty container, opening as many as it meets. */
  private value(): Problem | undefined {
    for (;;) {
      this.space()
      const mark = this.text[this.at]
      if (mark === '{' || mark === '[') {
        const problem = this.enter(mark)
        if (problem === 'empty') return undefined
        if (problem !== undefined) return problem
        continue
      }
      if (mark === '"') return typeof this.string() === 'string' ? undefined : this.stringProblem()
      SCALAR.lastIndex = this.at
      if (!SCALAR.test(this.text)) return this.problem('expected a value')
      this.at = SCALAR.lastIndex
      return undefined
    }
  }

  private enter(mark: string): Problem | 'empty' | undefined {
    if (this.open.length >= this.maxDepth) {
      return {
        at: this.at,
        code: 'too-costly',
        text: `nested deeper than ${this.maxDepth} levels; flatten it.`,
      }
    }
    this.at++
    this.space()
    const isObject = mark === '{'
    if (this.text[this.at] === (isObject ? '}' : ']')) {
      this.at++
      return 'empty'
    }
    this.open.push(isObject ? new Set() : undefined)
    return isObject ? this.name() : undefined
  }

  /** Closes what ends here, then moves to the next item or name. */
  private afterValue(): Problem | 'done' | undefined {
    for (;;) {
      this.space()
      const mark = this.text[this.at]
      if (this.open.length === 0) {
        return mark === undefined ? 'done' : this.problem('expected the end after the value')
      }
      const names = this.open[this.open.length - 1]
      if (mark === ',') {
        this.at++
        return names === undefined ? undefined : this.name()
      }
      if (mark !== (names === undefined ? ']' : '}')) {
        return this.problem(`expected a comma or ${names === undefined ? ']' : '}'}`)
      }
      this.at++
      this.open.pop()
    }
  }

  private name(): Problem | undefined {
    this.space()
    const start = this.at
    if (this.text[start] !== '"') return this.problem('expected a property name in double quotes')
    const raw = this.string()
    if (raw === undefined) return this.stringProblem()
    const name = raw.includes('\\') ? (JSON.parse(raw) as string) : raw.slice(1, -1)
    const names = this.open[this.open.length - 1]
    if (names?.has(name) === true) {
      const text = 'a property name is used twice in one object; keep one of them.'
      return { at: start, code: 'duplicate', text }
    }
    names?.add(name)
    this.space()
    if (this.text[this.at] !== ':') return this.problem('expected a colon after the property name')
    this.at++
    return undefined
  }

  /** The raw string with its quotes; undefined, at the offending character, when it is malformed. */
  private string(): string | undefined {
    const start = this.at
    let from = start + 1
    for (;;) {
      STRING_STOP.lastIndex = from
      const stop = STRING_STOP.exec(this.text)
      this.at = stop?.index ?? this.text.length
      if (stop === null) return undefined
      if (stop[0] === '"') return this.text.slice(start, ++this.at)
      ESCAPE.lastIndex = this.at
      if (stop[0] !== '\\' || !ESCAPE.test(this.text)) return undefined
      from = ESCAPE.lastIndex
    }
  }

  private stringProblem(): Problem {
    const isEnd = this.at >= this.text.length
    return this.problem(isEnd ? 'text is not closed' : 'a control character or wrong escape in text')
  }

  private problem(text: string): Problem {
    return { at: this.at, code: 'structure', text: `${text} here; correct it.` }
  }

  private space(): void {
    SPACE.lastIndex = this.at
    SPACE.test(this.text)
    this.at = SPACE.lastIndex
  }
}

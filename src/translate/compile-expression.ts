/** Expressions -> closures: fallbacks, conditions, references, function calls. */
import { Fault } from '../terms/fault.js'
import type { Expression } from './expression.js'
import { FUNCTIONS } from './functions.js'
import { ownerOf } from './groups.js'
import type { Structure } from './groups.js'
import { formatPosition, mappingFault } from './position.js'
import type { Position } from './position.js'
import { itemsOf, readerOf, wholeReader } from './readers.js'
import type { Evaluate } from './readers.js'
import { reachable } from './run.js'
import type { Made, Run } from './run.js'
import type { Table } from './tables.js'
import { isTrue, textOf } from './tracked.js'
import type { Value } from './tracked.js'

/** Names that `$let` binds, with their slots, visible at one place of a template. */
export type Variables = ReadonlyMap<string, number>

export const NO_VARIABLES: Variables = new Map()

export interface ExpressionInput {
  readonly tables: ReadonlyMap<string, Table>
  readonly structure: Structure
  /** Names of the resources that a reference may name. */
  readonly resources: ReadonlySet<string>
}

export class ExpressionCompiler {
  constructor(private readonly input: ExpressionInput) {}

  expression(expression: Expression, variables: Variables): Evaluate {
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
  truth(expression: Expression, variables: Variables): (run: Run) => boolean {
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
    const fits = (made: Made): boolean =>
      labels.length === 0 || made.labels.some((label) => labels.includes(label))
    const referenceTo = (made: Made): Value => ({ reference: `urn:uuid:${made.id}` })
    return (run) => {
      const found = reachable(run, resource, fits)
      if (found.length === 0) return undefined
      run.evident = all
      return all ? found.map(referenceTo) : referenceTo(found[0]!)
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

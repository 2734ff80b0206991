/** Paths -> closures that read them: values, repetitions, free text. */
import type { PathExpression } from './expression.js'
import type { Item, Run, Scope } from './run.js'
import { combine, Tracked } from './tracked.js'
import type { Value } from './tracked.js'

export type Evaluate = (run: Run) => Value

/** The value at a path, or its list for `[*]`; a bare segment name is true when the segment is there. */
export function readerOf(path: PathExpression): Evaluate {
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
  const part = subcomponent === 0 ? 1 : subcomponent
  return (run) => {
    const { item } = run
    if (item === null) return undefined
    if (item.component === 0) return run.read(run.source.findIn(item, component, part))
    return part > 1 ? undefined : run.read(run.source.findIn(item, item.component, component))
  }
}

/** The repetitions (or components) a path names, for templates to stand on. */
export type Items = (run: Run) => readonly Item[]

const NO_ITEMS: readonly Item[] = []

export function itemsOf(path: PathExpression): Items {
  const { field, component, repetition } = path
  if (path.relative) {
    return (run) => {
      const { item } = run
      if (item === null || item.component !== 0) return NO_ITEMS
      const { leaves } = run.source
      let { first } = item
      while (first < item.end && leaves[first]!.component < component) first++
      let end = first
      while (end < item.end && leaves[end]!.component === component) end++
      return first < end ? [{ component, first, end }] : NO_ITEMS
    }
  }
  const locate = locator(path)
  return (run) => {
    const segment = locate(run)
    if (segment < 0 || run.source.firstOf(segment, field) < 0) return NO_ITEMS
    const found: Item[] = []
    for (const each of run.source.repetitions(segment, field)) {
      if (repetition !== 'all' && repetition !== 1 && repetition !== each) continue
      found.push({ component, ...run.source.range(segment, field, each, component) })
    }
    return found
  }
}

/** A field (or every repetition of it) as one text, unescaped separators put back: free text is not structure. */
export function wholeReader(path: PathExpression): Evaluate {
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

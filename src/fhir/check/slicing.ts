/** Slices: which values belong to which, how many of each, and what holds for them (profiling.html#slicing). */
import type { ElementNode } from '../element-tree.js'
import { cardinalityOf, checkCount, type Cardinality } from './cardinality.js'
import type { Checkers } from './checkers.js'
import { matcherOf, type Matcher } from './discriminator.js'
import { atItem, type Item } from './items.js'
import type { Check, Run } from './run.js'

export type SlicingCheck = (run: Run, items: readonly Item[], step: string) => void

interface Slice {
  readonly name: string
  readonly matches: Matcher
  readonly cardinality: Cardinality | undefined
  readonly content: Check | undefined
  readonly inner: SlicingCheck | undefined
}

/** Compiles what holds for one value of a slice. */
type CompileContent = (node: ElementNode, checkers: Checkers) => Check | undefined

export function slicingCheck(
  node: ElementNode,
  checkers: Checkers,
  compileContent: CompileContent,
): SlicingCheck {
  const slices = node.slices.map((slice) => compileSlice(node, slice, checkers, compileContent))
  const { rules, ordered = false } = node.definition.slicing ?? {}
  return (run, items, step) => {
    const found = items.map((item) => slices.find((slice) => slice.matches(run, item)))
    for (const slice of slices) checkSlice(run, slice, matched(items, found, slice), step)
    if (rules === 'closed') refuseUnmatched(run, items, found)
    if (rules === 'openAtEnd') refuseOutOfPlace(run, items, found)
    if (ordered) checkOrder(run, slices, items, found)
  }
}

function compileSlice(
  sliced: ElementNode,
  slice: ElementNode,
  checkers: Checkers,
  compileContent: CompileContent,
): Slice {
  return {
    name: slice.definition.sliceName ?? '',
    matches: matcherOf(sliced, slice, checkers),
    cardinality: slice.stated === undefined ? undefined : cardinalityOf(slice.stated),
    content: compileContent(slice, checkers),
    inner: slice.slices.length === 0 ? undefined : slicingCheck(slice, checkers, compileContent),
  }
}

const matched = (
  items: readonly Item[],
  found: readonly (Slice | undefined)[],
  slice: Slice,
): readonly Item[] => items.filter((_, index) => found[index] === slice)

function checkSlice(run: Run, slice: Slice, items: readonly Item[], step: string): void {
  const { cardinality, content, inner, name } = slice
  if (cardinality !== undefined) checkCount(run, step, items.length, cardinality, name)
  if (content !== undefined) {
    for (const item of items) {
      if (item.value !== undefined) atItem(run, item, () => content(run, item.value))
    }
  }
  inner?.(run, items, step)
}

function refuseUnmatched(run: Run, items: readonly Item[], found: readonly (Slice | undefined)[]): void {
  for (const [index, item] of items.entries()) {
    if (found[index] !== undefined) continue
    const text = 'Found a value of no slice of the profile, whose slicing is closed. Correct or remove it.'
    atItem(run, item, () => run.error('structure', text))
  }
}

/** openAtEnd: values of no slice come after all others. */
function refuseOutOfPlace(run: Run, items: readonly Item[], found: readonly (Slice | undefined)[]): void {
  let last = -1
  for (const [index, slice] of found.entries()) if (slice !== undefined) last = index
  for (const [index, item] of items.entries()) {
    if (found[index] !== undefined || index > last) continue
    const text =
      'Found a value of no slice before the end; the profile allows others only at the end. Move it.'
    atItem(run, item, () => run.error('structure', text))
  }
}

function checkOrder(
  run: Run,
  slices: readonly Slice[],
  items: readonly Item[],
  found: readonly (Slice | undefined)[],
): void {
  let reached = 0
  for (const [index, item] of items.entries()) {
    const slice = found[index]
    if (slice === undefined) continue
    const place = slices.indexOf(slice)
    if (place < reached) {
      const text = `Found a value of the slice "${slice.name}" after a later slice; the profile orders them. Move it.`
      atItem(run, item, () => run.error('structure', text))
    }
    reached = Math.max(reached, place)
  }
}

/** Merges a profile's differential onto its base: the part of snapshot generation a validator needs.
 *  FHIR R4 profiling.html sections 5.1.0.2 to 5.1.0.14. */
import type { ElementDefinition, ElementDefinitionType } from 'fhir/r4.js'
import type { Definitions } from './definitions.js'
import {
  cloneTree,
  findSlice,
  holderOf,
  nameOf,
  sliceOf,
  stepsOf,
  type ElementNode,
  type MutableNode,
} from './element-tree.js'

type Lookup = Pick<Definitions, 'tree' | 'type'>

const TYPE_BASE = 'http://hl7.org/fhir/StructureDefinition/'

/** A new tree: `base` with every element of `differential` merged in. A path that leads nowhere is passed over. */
export function applyDifferential(
  base: ElementNode,
  differential: readonly ElementDefinition[],
  lookup: Lookup,
): ElementNode {
  const root = cloneTree(base)
  // Without ids, the slice an element belongs to is the one opened last at that path.
  const openSlices = new Map<string, string>()
  for (const element of differential) {
    const steps = withOpenSlices(element, openSlices)
    const target = steps.length === 1 ? root : reach(root, steps.slice(1), element, lookup)
    if (target !== undefined) state(target, element)
  }
  return root
}

function withOpenSlices(element: ElementDefinition, open: Map<string, string>): readonly string[] {
  const path = element.path.split('.')
  const steps = stepsOf(element)
  for (const known of [...open.keys()]) {
    const ended = known === element.path || !`${element.path}.`.startsWith(`${known}.`)
    if (ended && known.length >= element.path.length) open.delete(known)
  }
  if (element.sliceName !== undefined) open.set(element.path, element.sliceName)
  if (element.id !== undefined && element.id.split('.').length === path.length) return steps
  return path.map((name, index) => {
    const slice = open.get(path.slice(0, index + 1).join('.'))
    return slice === undefined ? name : `${name}:${slice}`
  })
}

/** Walks to the element, opening data types and slices on the way. */
function reach(
  root: MutableNode,
  steps: readonly string[],
  element: ElementDefinition,
  lookup: Lookup,
): MutableNode | undefined {
  let at: MutableNode | undefined = root
  for (const [index, step] of steps.entries()) {
    if (at === undefined) return undefined
    const isLast = index === steps.length - 1
    at = stepInto(at, step, isLast ? element : undefined, lookup)
  }
  return at
}

function stepInto(
  parent: MutableNode,
  step: string,
  element: ElementDefinition | undefined,
  lookup: Lookup,
): MutableNode | undefined {
  openType(parent, lookup)
  const name = nameOf(step)
  const child = parent.children.find((node) => node.name === name)
  const slice = sliceOf(step)
  if (child === undefined) return choiceSlice(parent, name, lookup)
  if (slice === undefined) return child
  const known = findSlice(child, slice)
  if (known !== undefined) return known
  // `valueQuantity` named as a slice without being declared: only a declared slice starts a new one.
  if (element !== undefined && element.sliceName !== slice && !name.endsWith('[x]')) return undefined
  return newSlice(child, slice, lookup)
}

/** The elements of a data type appear under an element when a profile constrains them (`Patient.name.family`). */
function openType(node: MutableNode, lookup: Lookup): void {
  if (node.children.length > 0) return
  const types = node.definition.type ?? []
  const type = types.length === 1 ? types[0] : undefined
  const reference = node.definition.contentReference
  const source = reference !== undefined ? referred(reference, lookup) : sourceOf(type, types.length, lookup)
  // A statement of the data type's own profile is checked where that profile is named, not here again.
  if (source !== undefined) {
    const copy = cloneTree(source, false)
    node.children = copy.children
  }
}

function sourceOf(
  type: ElementDefinitionType | undefined,
  count: number,
  lookup: Lookup,
): ElementNode | undefined {
  if (type !== undefined) return profiledTree(type.profile, lookup) ?? lookup.tree(TYPE_BASE + type.code)
  // Of several types, only what every element has can be constrained.
  return count > 1 ? lookup.tree(`${TYPE_BASE}Element`) : undefined
}

function profiledTree(profiles: readonly string[] | undefined, lookup: Lookup): ElementNode | undefined {
  return profiles?.length === 1 && profiles[0] !== undefined ? lookup.tree(profiles[0]) : undefined
}

function referred(reference: string, lookup: Lookup): ElementNode | undefined {
  const path = reference.slice(reference.indexOf('#') + 1).split('.')
  let at: ElementNode | undefined = lookup.tree(TYPE_BASE + (path[0] ?? ''))
  for (const name of path.slice(1)) at = at?.children.find((child) => child.name === name)
  return at
}

/** A slice starts as the element it divides, less what was said of that element as a whole. */
function newSlice(sliced: MutableNode, sliceName: string, lookup: Lookup): MutableNode {
  const holder = holderOf(sliced, sliceName)
  const whole = cloneTree({ ...holder, slices: [] }, false)
  const { slicing: _slicing, ...definition } = whole.definition
  const slice: MutableNode = { ...whole, definition: { ...definition, sliceName, min: 0 } }
  const choice = sliced.name.endsWith('[x]') ? typeOfChoiceSlice(sliced, sliceName, lookup) : undefined
  if (choice !== undefined) slice.definition = { ...slice.definition, type: [choice] }
  holder.slices.push(slice)
  return slice
}

/** `valueQuantity` in a path or as a slice name stands for `value[x]` of that type (profiling.html 5.1.0.14). */
function choiceSlice(parent: MutableNode, name: string, lookup: Lookup): MutableNode | undefined {
  const child = parent.children.find(
    (node) => node.name.endsWith('[x]') && typeOfChoiceSlice(node, name, lookup) !== undefined,
  )
  if (child === undefined) return undefined
  return findSlice(child, name) ?? newSlice(child, name, lookup)
}

function typeOfChoiceSlice(choice: MutableNode, name: string, lookup: Lookup) {
  const stem = choice.name.slice(0, -3)
  if (!name.startsWith(stem)) return undefined
  const rest = name.slice(stem.length)
  const named = (choice.definition.type ?? []).find((t) => upperFirst(t.code) === rest)
  if (named !== undefined) return named
  return lookup.type(rest) === undefined ? undefined : { code: rest }
}

const upperFirst = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** Properties of the differential win; constraints and conditions add to those of the base. */
function state(node: MutableNode, element: ElementDefinition): void {
  node.definition = overlay(node.definition, element)
  node.stated = node.stated === undefined ? element : overlay(node.stated, element)
}

function overlay(base: ElementDefinition, over: ElementDefinition): ElementDefinition {
  const merged: ElementDefinition = { ...base, ...over, path: base.path }
  if (base.constraint !== undefined && over.constraint !== undefined) {
    const replaced = new Set(over.constraint.map((c) => c.key))
    merged.constraint = [...base.constraint.filter((c) => !replaced.has(c.key)), ...over.constraint]
  }
  if (base.sliceName !== undefined && over.sliceName === undefined) merged.sliceName = base.sliceName
  return merged
}

/** Element definitions as a tree: children under their parent, slices under the element they slice. */
import type { ElementDefinition } from 'fhir/r4.js'

export interface ElementNode {
  /** Last step of the path: `family`, `value[x]`; the type's name at the root. */
  readonly name: string
  /** Everything that holds here: the base's statements overlaid by each profile's. */
  readonly definition: ElementDefinition
  /** What profiles added to the base, and only that; undefined where they say nothing. */
  readonly stated: ElementDefinition | undefined
  readonly children: readonly ElementNode[]
  readonly slices: readonly ElementNode[]
}

/** The same while a profile is being merged in. */
export interface MutableNode extends ElementNode {
  definition: ElementDefinition
  stated: ElementDefinition | undefined
  children: MutableNode[]
  slices: MutableNode[]
}

/** `Patient.contact:kin.name` -> steps `Patient`, `contact:kin`, `name`.
 *  Ids are optional in a differential; without one, path and sliceName give the same steps for simple slicing. */
export function stepsOf(element: ElementDefinition): readonly string[] {
  const byPath = element.path.split('.')
  const byId = splitId(element.id)
  if (byId.length === byPath.length) return byId
  if (element.sliceName !== undefined) byPath[byPath.length - 1] += `:${element.sliceName}`
  return byPath
}

/** Dots inside a slice name (`extension:v1.2`) do not separate steps, but nothing marks them: the path's length decides. */
const splitId = (id: string | undefined): string[] => (id === undefined ? [] : id.split('.'))

export const nameOf = (step: string): string => {
  const colon = step.indexOf(':')
  return colon < 0 ? step : step.slice(0, colon)
}

export const sliceOf = (step: string): string | undefined => {
  const colon = step.indexOf(':')
  return colon < 0 ? undefined : step.slice(colon + 1)
}

export const newNode = (name: string, definition: ElementDefinition): MutableNode => ({
  name,
  definition,
  stated: undefined,
  children: [],
  slices: [],
})

/** Builds the tree of a snapshot. `isProfile`: a snapshot without differential states every element itself. */
export function treeOf(elements: readonly ElementDefinition[], isProfile: boolean): MutableNode | undefined {
  const first = elements[0]
  if (first === undefined) return undefined
  const root = newNode(first.path, first)
  if (isProfile) root.stated = first
  for (const element of elements.slice(1)) {
    const steps = stepsOf(element)
    const parent = findNode(root, steps.slice(1, -1))
    if (parent === undefined) continue
    const last = steps[steps.length - 1] ?? ''
    const node = newNode(nameOf(last), element)
    if (isProfile) node.stated = element
    addNode(parent, last, node)
  }
  return root
}

function addNode(parent: MutableNode, step: string, node: MutableNode): void {
  const sliced = parent.children.find((child) => child.name === node.name)
  if (sliceOf(step) === undefined || sliced === undefined) parent.children.push(node)
  else holderOf(sliced, sliceOf(step) ?? '').slices.push(node)
}

/** Reslices (`kin/first`) belong under the slice they divide. */
export function holderOf(sliced: MutableNode, sliceName: string): MutableNode {
  const slash = sliceName.lastIndexOf('/')
  if (slash < 0) return sliced
  return findSlice(sliced, sliceName.slice(0, slash)) ?? sliced
}

export function findSlice(node: MutableNode, sliceName: string): MutableNode | undefined {
  for (const slice of node.slices) {
    if (slice.definition.sliceName === sliceName) return slice
    const inner = findSlice(slice, sliceName)
    if (inner !== undefined) return inner
  }
  return undefined
}

export function findNode(root: MutableNode, steps: readonly string[]): MutableNode | undefined {
  let at: MutableNode | undefined = root
  for (const step of steps) {
    at = at?.children.find((child) => child.name === nameOf(step))
    const slice = sliceOf(step)
    if (at !== undefined && slice !== undefined) at = findSlice(at, slice)
  }
  return at
}

/** A copy that may be changed; definitions themselves are shared and never edited. */
export function cloneTree(node: ElementNode, keepStated = true): MutableNode {
  return {
    name: node.name,
    definition: node.definition,
    stated: keepStated ? node.stated : undefined,
    children: node.children.map((child) => cloneTree(child, keepStated)),
    slices: node.slices.map((slice) => cloneTree(slice, keepStated)),
  }
}

/** Discriminators: how a value shows which slice it belongs to (profiling.html#discriminator). */
import type { ElementDefinitionSlicingDiscriminator } from 'fhir/r4.js'
import { splitCanonical } from '../definitions.js'
import type { ElementNode } from '../element-tree.js'
import { membership } from './binding.js'
import type { Checkers } from './checkers.js'
import type { Item } from './items.js'
import { choiceField, isSame, matchesPattern } from './pattern.js'
import { resolveReference } from './reference.js'
import { isObject, type Run, textOf } from './run.js'
import { conforms } from './type-profiles.js'

export type Matcher = (run: Run, item: Item) => boolean

type Step =
  | { readonly kind: 'child'; readonly name: string }
  | { readonly kind: 'extension'; readonly url: string }
  | { readonly kind: 'ofType'; readonly type: string }
  | { readonly kind: 'resolve' }

/** A place in the slice's definition, with the part of an enclosing fixed value or pattern that falls on it. */
interface Place {
  readonly node: ElementNode
  readonly fixed: unknown
  readonly pattern: unknown
  /** Profiles a value there may conform to. */
  readonly profiles: readonly string[]
}

/** Decides whether an item is of this slice: every discriminator must agree. */
export function matcherOf(sliced: ElementNode, slice: ElementNode, checkers: Checkers): Matcher {
  const stated = sliced.definition.slicing?.discriminator ?? []
  const discriminators = stated.length > 0 ? stated : usualDiscriminators(sliced)
  const tests = discriminators.flatMap((discriminator) => testOf(discriminator, slice, checkers) ?? [])
  // A slice that says nothing at one discriminator is told apart by the others; by none, it claims no value.
  return (run, item) => tests.length > 0 && tests.every((test) => test(run, item))
}

/** Choices are sliced by type and extensions by url, whether or not the profile repeats it. */
function usualDiscriminators(sliced: ElementNode): readonly ElementDefinitionSlicingDiscriminator[] {
  if (sliced.name.endsWith('[x]')) return [{ type: 'type', path: '$this' }]
  if (/^(modifierE|e)xtension$/.test(sliced.name)) return [{ type: 'value', path: 'url' }]
  return []
}

function testOf(
  { type, path }: ElementDefinitionSlicingDiscriminator,
  slice: ElementNode,
  checkers: Checkers,
): Matcher | undefined {
  const steps = stepsOf(path)
  const places = steps.reduce<readonly Place[]>(
    (from, step) => from.flatMap((place) => placesAfter(place, step, checkers)),
    [placeOf(slice)],
  )
  const valuesOf = (run: Run, item: Item): readonly unknown[] =>
    steps.reduce<readonly unknown[]>(
      (from, step) => from.flatMap((v) => valuesAfter(run, v, step)),
      [item.value],
    )
  switch (type) {
    case 'exists':
      return existsTest(places, valuesOf)
    case 'type':
      return typeTest(places, steps, valuesOf, checkers)
    case 'profile':
      return profileTest(places, valuesOf, checkers)
    default:
      return valueTest(places, slice, path, valuesOf, checkers)
  }
}

function stepsOf(path: string): readonly Step[] {
  const parts = path.match(/[^.(]+(\([^)]*\))?/g) ?? []
  return parts.flatMap((part): Step[] => {
    const call = /^(\w+)\(\s*['"]?([^'")]*)['"]?\s*\)$/.exec(part)
    if (call === null) return part === '$this' ? [] : [{ kind: 'child', name: part }]
    if (call[1] === 'extension') return [{ kind: 'extension', url: call[2] ?? '' }]
    if (call[1] === 'ofType') return [{ kind: 'ofType', type: call[2] ?? '' }]
    return call[1] === 'resolve' ? [{ kind: 'resolve' }] : []
  })
}

const placeOf = (node: ElementNode, fixed?: unknown, pattern?: unknown): Place => ({
  node,
  fixed: choiceField(node.definition, 'fixed') ?? fixed,
  pattern: choiceField(node.definition, 'pattern') ?? pattern,
  profiles: (node.definition.type ?? []).flatMap((type) => type.profile ?? []),
})

/** Where a step leads in the definition: children written in the profile, then those its types' profiles give. */
function placesAfter({ node, fixed, pattern }: Place, step: Step, checkers: Checkers): readonly Place[] {
  if (step.kind === 'resolve') return targetPlaces(node, checkers)
  if (step.kind === 'ofType') return [placeOf(node, fixed, pattern)]
  const name = step.kind === 'child' ? step.name : 'extension'
  const own = childrenNamed(name, [node, ...typeTrees(node, checkers)])
  // A fixed value or pattern of the whole element is enough: its type's own elements then show the way.
  return (own.length > 0 ? own : childrenNamed(name, baseTrees(node, checkers)))
    .flatMap((child) => (step.kind === 'extension' ? extensionSlices(child, step.url, checkers) : [child]))
    .map((child) => placeOf(child, partOf(fixed, name), partOf(pattern, name)))
}

const childrenNamed = (name: string, sources: readonly ElementNode[]): readonly ElementNode[] =>
  sources
    .flatMap((source) => source.children)
    .filter((child) => child.name === name || child.name === `${name}[x]`)

function baseTrees(node: ElementNode, checkers: Checkers): readonly ElementNode[] {
  const { definitions } = checkers
  return (node.definition.type ?? []).flatMap(
    ({ code }) => definitions.tree(definitions.type(code)?.url ?? '') ?? [],
  )
}

function partOf(value: unknown, name: string): unknown {
  const [first] = Array.isArray(value) ? value : [value]
  return isObject(first) ? first[name] : undefined
}

function extensionSlices(node: ElementNode, url: string, checkers: Checkers): readonly ElementNode[] {
  return node.slices.filter((slice) =>
    [slice, ...typeTrees(slice, checkers)].some((source) =>
      source.children.some((child) => child.name === 'url' && choiceField(child.definition, 'fixed') === url),
    ),
  )
}

function typeTrees(node: ElementNode, checkers: Checkers): readonly ElementNode[] {
  const urls = (node.definition.type ?? []).flatMap((type) => type.profile ?? [])
  return urls.flatMap((url) => checkers.definitions.tree(url) ?? [])
}

function targetPlaces(node: ElementNode, checkers: Checkers): readonly Place[] {
  const targets = (node.definition.type ?? []).flatMap((type) => type.targetProfile ?? [])
  return targets.flatMap((url) => {
    const tree = checkers.definitions.tree(url)
    return tree === undefined ? [] : [{ ...placeOf(tree), profiles: [url] }]
  })
}

function valuesAfter(run: Run, value: unknown, step: Step): readonly unknown[] {
  if (step.kind === 'resolve') {
    const reference = isObject(value) ? value['reference'] : value
    const target = typeof reference === 'string' ? resolveReference(run, reference) : undefined
    return target === undefined ? [] : [target]
  }
  if (step.kind === 'ofType') return [value]
  if (!isObject(value)) return []
  if (step.kind === 'extension') {
    const extensions = Array.isArray(value['extension']) ? value['extension'] : []
    return extensions.filter((extension) => isObject(extension) && extension['url'] === step.url)
  }
  return childValues(value, step.name)
}

function childValues(value: Readonly<Record<string, unknown>>, name: string): readonly unknown[] {
  const direct = value[name]
  if (direct !== undefined) return Array.isArray(direct) ? direct : [direct]
  // `value` in a path means whichever `valueQuantity`, `valueString` is there.
  return Object.keys(value)
    .filter((key) => key.startsWith(name) && /^[A-Z]/.test(key.slice(name.length)))
    .map((key) => value[key])
}

type ValuesOf = (run: Run, item: Item) => readonly unknown[]

function existsTest(places: readonly Place[], valuesOf: ValuesOf): Matcher {
  const absent = places.some(({ node }) => node.definition.max === '0')
  return (run, item) => valuesOf(run, item).length > 0 !== absent
}

function typeTest(
  places: readonly Place[],
  steps: readonly Step[],
  valuesOf: ValuesOf,
  checkers: Checkers,
): Matcher {
  const types = new Set(places.flatMap(({ node }) => (node.definition.type ?? []).map((type) => type.code)))
  // After resolve() the place is the target's own root, whose name is its type.
  const isResolved = steps.some((step) => step.kind === 'resolve')
  const names = isResolved ? new Set(places.map(({ node }) => node.name)) : types
  return (run, item) => {
    if (steps.length === 0 && item.choiceType !== undefined) return names.has(item.choiceType)
    return valuesOf(run, item).some(
      (value) => isObject(value) && isOfType(value['resourceType'], names, checkers),
    )
  }
}

function isOfType(type: unknown, names: ReadonlySet<string>, checkers: Checkers): boolean {
  if (typeof type !== 'string') return true
  return [...names].some((name) => checkers.definitions.isKindOf(type, name))
}

function profileTest(places: readonly Place[], valuesOf: ValuesOf, checkers: Checkers): Matcher {
  const urls = places.flatMap(({ profiles }) => profiles)
  return (run, item) =>
    valuesOf(run, item).some((value) => urls.some((url) => conforms(run, value, url, checkers)))
}

function valueTest(
  places: readonly Place[],
  slice: ElementNode,
  path: string,
  valuesOf: ValuesOf,
  checkers: Checkers,
): Matcher | undefined {
  const tests = places.flatMap((place) => valueTestAt(place, checkers) ?? [])
  if (tests.length > 0) {
    return (run, item) => valuesOf(run, item).some((value) => tests.some((test) => test(value)))
  }
  // An extension's definition may not be here; its URL is its profile's all the same.
  const urls = (slice.definition.type ?? [])
    .flatMap((type) => type.profile ?? [])
    .map((p) => splitCanonical(p).url)
  if (path === 'url' && urls.length > 0) {
    return (run, item) => valuesOf(run, item).some((value) => urls.includes(textOf(value)))
  }
  const isRequired = places.some(({ node }) => (node.stated?.min ?? 0) > 0)
  return isRequired ? (run, item) => valuesOf(run, item).length > 0 : undefined
}

/** What fixes the value at a place, directly or through its own children; undefined when nothing does. */
function valueTestAt(place: Place, checkers: Checkers): ((value: unknown) => boolean) | undefined {
  const { node, fixed, pattern } = place
  if (fixed !== undefined) return (value) => isSame(value, fixed)
  if (pattern !== undefined) return (value) => matchesPattern(value, pattern)
  const { binding } = node.definition
  const codes =
    binding?.strength === 'required' && binding.valueSet !== undefined
      ? checkers.definitions.codes(binding.valueSet)
      : undefined
  if (node.stated?.binding !== undefined && codes !== undefined)
    return (value) => membership(value, codes) === 'in'
  const children = node.children.flatMap((child) => {
    const test = valueTestAt(placeOf(child), checkers)
    return test === undefined ? [] : [{ name: child.name.replace('[x]', ''), test }]
  })
  if (children.length === 0) return undefined
  return (value) =>
    isObject(value) &&
    children.every(({ name, test }) => childValues(value, name).some((inner) => test(inner)))
}

/** Profiles: only what they state beyond their base, since the base is always checked as well. */
import type { ElementDefinition } from 'fhir/r4.js'
import type { ElementNode } from '../element-tree.js'
import { bindingChecks } from './binding.js'
import { cardinalityOf, checkCount } from './cardinality.js'
import { inOrder, type Checkers } from './checkers.js'
import { invariantChecks } from './invariants.js'
import { atItem, itemsReader, type Item } from './items.js'
import { valueChecks } from './pattern.js'
import { isPrimitive } from './primitives.js'
import { within } from './resource.js'
import { slicingCheck } from './slicing.js'
import { typeChecks } from './type-profiles.js'
import { isObject, type Check, type JsonObject, type Run } from './run.js'

/** What holds for one value of the element; undefined when the profile adds nothing here. */
export function compileContent(node: ElementNode, checkers: Checkers): Check | undefined {
  const checks: Check[] = []
  const { stated } = node
  if (stated !== undefined) {
    checks.push(...bindingChecks(stated.binding, checkers.definitions))
    checks.push(...valueChecks(stated), ...typeChecks(stated, checkers))
    checks.push(...invariantChecks(stated.constraint, baseOf(node), checkers))
  }
  const children = node.children.flatMap((child) => compileChild(child, checkers) ?? [])
  if (children.length > 0)
    checks.push(isNestedResource(node, checkers) ? ofResource(children) : onObjects(children))
  return checks.length === 0 ? undefined : inOrder(checks)
}

/** FHIRPath needs to know what the node is: its data type where it has one, else its path. */
function baseOf(node: ElementNode): string {
  const { path, type } = node.definition
  const code = type?.length === 1 ? type[0]?.code : undefined
  const isOwnType = code === undefined || code === 'BackboneElement' || code === 'Element'
  return isOwnType || isPrimitive(code) || code === 'Resource' ? path : code
}

/** `Patient.contained.name`: inside, the contained resource is %resource. */
function isNestedResource(node: ElementNode, checkers: Checkers): boolean {
  const code = node.definition.type?.[0]?.code
  return node.definition.path.includes('.') && checkers.definitions.type(code ?? '')?.kind === 'resource'
}

type ParentCheck = (run: Run, object: JsonObject) => void

const onObjects =
  (children: readonly ParentCheck[]): Check =>
  (run, value) => {
    if (!isObject(value) || !run.descend()) return
    for (const child of children) child(run, value)
    run.ascend()
  }

function ofResource(children: readonly ParentCheck[]): Check {
  const check = onObjects(children)
  return (run, value) => {
    if (isObject(value)) within(run, value, () => check(run, value))
  }
}

function compileChild(child: ElementNode, checkers: Checkers): ParentCheck | undefined {
  const { stated, name } = child
  const content = compileContent(child, checkers)
  const slicing = child.slices.length === 0 ? undefined : slicingCheck(child, checkers, compileContent)
  const cardinality = stated === undefined ? undefined : cardinalityOf(stated)
  const allowed = stated?.type === undefined || !name.endsWith('[x]') ? undefined : choiceTypes(stated)
  if (content === undefined && slicing === undefined && cardinality === undefined && !allowed)
    return undefined
  const itemsOf = itemsReader(name, checkers.definitions)
  const step = name.replace('[x]', '')
  return (run, object) => {
    const items = itemsOf(object)
    if (cardinality !== undefined) checkCount(run, step, items.length, cardinality)
    for (const item of items) {
      if (allowed !== undefined) checkChoiceType(run, item, allowed)
      if (content !== undefined && item.value !== undefined) atItem(run, item, () => content(run, item.value))
    }
    if (slicing !== undefined) slicing(run, items, step)
  }
}

const choiceTypes = (stated: ElementDefinition): ReadonlySet<string> =>
  new Set((stated.type ?? []).map((type) => type.code))

function checkChoiceType(run: Run, item: Item, allowed: ReadonlySet<string>): void {
  if (item.choiceType === undefined || allowed.has(item.choiceType)) return
  atItem(run, item, () => {
    const list = [...allowed].join(', ')
    run.error('structure', `Found a ${item.choiceType}; the profile expects ${list}. Use one of these types.`)
  })
}

/** Base definitions: which elements an object may and must have, and of what type each is. */
import type { ElementDefinition } from 'fhir/r4.js'
import type { ElementNode } from '../element-tree.js'
import { bindingChecks } from './binding.js'
import { inEntry } from './bundle.js'
import { inOrder, lazily, type Checkers } from './checkers.js'
import { extensionChecks } from './extension.js'
import { invariantChecks } from './invariants.js'
import { valueChecks } from './pattern.js'
import { isPrimitive, kindOf } from './primitives.js'
import { allowedTargets, checkReferenceTarget, targetCheck } from './reference.js'
import { isObject, type Check, type JsonObject, type Run } from './run.js'

/** One JSON property an object may have. A choice element gives several. */
interface Property {
  readonly name: string
  /** Step of the FHIRPath: `birthDate`, `value.ofType(Quantity)`. */
  readonly step: string
  readonly isList: boolean
  readonly isPrimitive: boolean
  readonly isChoice: boolean
  readonly check: Check
}

interface Shape {
  readonly properties: ReadonlyMap<string, Property>
  /** `_birthDate` -> the property it belongs to. */
  readonly siblings: ReadonlyMap<string, Property>
  /** Elements with min 1: any one of the names will do. */
  readonly required: readonly { readonly step: string; readonly names: readonly string[] }[]
  /** Choice elements: at most one of the names. */
  readonly choices: readonly { readonly step: string; readonly names: readonly string[] }[]
  readonly isResource: boolean
  /** Otherwise ele-1 asks for content besides an id. */
  readonly mayBeEmpty: boolean
  readonly besidePrimitive: Check
}

interface Scope {
  readonly checkers: Checkers
  /** `Questionnaire.item` -> its check, for contentReference. */
  readonly byPath: Map<string, Check>
}

/** The check of a resource or data type with everything below it. */
export function compileType(tree: ElementNode, checkers: Checkers): Check {
  const scope: Scope = { checkers, byPath: new Map() }
  const checks = [
    compileObject(tree, scope, checkers.definitions.type(tree.name)?.kind === 'resource'),
    ...invariantChecks(tree.definition.constraint, tree.name, checkers),
  ]
  if (tree.name === 'Reference') checks.push(checkReferenceTarget)
  if (tree.name === 'Extension') checks.push(...extensionChecks(checkers))
  return inOrder(checks)
}

/** `_birthDate`: what may stand beside a primitive value. An id alone is enough there. */
export function compileBesidePrimitive(element: ElementNode, checkers: Checkers): Check {
  const shape = { ...shapeOf(element, { checkers, byPath: new Map() }, false), mayBeEmpty: true }
  return (run, value) => checkObject(run, value, shape)
}

function compileObject(node: ElementNode, scope: Scope, isResource: boolean): Check {
  const shape = shapeOf(node, scope, isResource)
  const check: Check = (run, value) => checkObject(run, value, shape)
  scope.byPath.set(node.definition.path, check)
  return check
}

function shapeOf(node: ElementNode, scope: Scope, isResource: boolean): Shape {
  const properties = new Map<string, Property>()
  const siblings = new Map<string, Property>()
  const required: { step: string; names: string[] }[] = []
  const choices: { step: string; names: string[] }[] = []
  for (const child of node.children) {
    const made = propertiesOf(child, scope)
    for (const property of made) {
      properties.set(property.name, property)
      if (property.isPrimitive) siblings.set(`_${property.name}`, property)
    }
    const names = made.flatMap(({ name, isPrimitive: p }) => (p ? [name, `_${name}`] : [name]))
    const step = child.name.replace('[x]', '')
    if ((child.definition.min ?? 0) > 0) required.push({ step, names })
    if (child.name.endsWith('[x]')) choices.push({ step, names: made.map(({ name }) => name) })
  }
  const { besidePrimitive } = scope.checkers
  return { properties, siblings, required, choices, isResource, mayBeEmpty: isResource, besidePrimitive }
}

function propertiesOf(child: ElementNode, scope: Scope): readonly Property[] {
  const { definition, name } = child
  const isList = definition.max !== '1' && definition.max !== '0'
  const types = definition.type ?? []
  if (!name.endsWith('[x]')) {
    const type = types[0]?.code ?? 'BackboneElement'
    const check = valueCheck(child, type, scope)
    return [{ name, step: name, isList, isPrimitive: isPrimitive(type), isChoice: false, check }]
  }
  const stem = name.slice(0, -3)
  return types.map(({ code }) => ({
    name: stem + code.charAt(0).toUpperCase() + code.slice(1),
    step: `${stem}.ofType(${code})`,
    isList,
    isPrimitive: isPrimitive(code),
    isChoice: true,
    check: valueCheck(child, code, scope),
  }))
}

/** Everything that holds for one value of an element. */
function valueCheck(node: ElementNode, type: string, scope: Scope): Check {
  const { definition } = node
  const { checkers } = scope
  const checks: Check[] = [contentCheck(node, type, scope)]
  checks.push(...bindingChecks(definition.binding, checkers.definitions))
  checks.push(...referenceChecks(definition, type, checkers), ...valueChecks(definition))
  const base = node.children.length > 0 ? definition.path : type
  checks.push(...invariantChecks(definition.constraint, base, checkers))
  const check = inOrder(checks)
  return definition.path === 'Bundle.entry' ? inEntry(check) : check
}

function contentCheck(node: ElementNode, type: string, scope: Scope): Check {
  const { contentReference } = node.definition
  if (contentReference !== undefined) {
    const path = contentReference.slice(contentReference.indexOf('#') + 1)
    return lazily(() => scope.byPath.get(path) ?? scope.checkers.type('BackboneElement'))
  }
  if (node.children.length > 0) return compileObject(node, scope, false)
  return scope.checkers.type(type)
}

function referenceChecks(definition: ElementDefinition, type: string, checkers: Checkers): readonly Check[] {
  if (type !== 'Reference') return []
  const targets = definition.type?.find((t) => t.code === type)?.targetProfile
  const allowed = allowedTargets(targets, checkers.definitions)
  return allowed === undefined ? [] : [targetCheck(allowed, checkers.definitions)]
}

function checkObject(run: Run, value: unknown, shape: Shape): void {
  if (!isObject(value)) {
    run.error('structure', `Found ${kindOf(value)}; expected an object. Correct the element or leave it out.`)
    return
  }
  if (!run.descend()) return
  let content = 0
  let choices = 0
  for (const name in value) {
    const property = shape.properties.get(name)
    if (property !== undefined) {
      if (name !== 'id' || shape.isResource) content++
      if (property.isChoice) choices++
      checkProperty(run, value, property)
      continue
    }
    const besides = shape.siblings.get(name)
    if (besides !== undefined) {
      content++
      if (besides.isChoice) choices++
      checkBeside(run, value, besides, shape.besidePrimitive)
    } else if (name !== 'resourceType' || !shape.isResource) refuseUnknown(run, name)
  }
  // ele-1: all FHIR elements must have a @value or children
  if (content === 0 && !shape.mayBeEmpty) {
    run.error('invariant', 'Found an object without content (ele-1). Fill it or leave the element out.')
  }
  for (const { step, names } of shape.required) {
    if (!names.some((name) => value[name] !== undefined)) refuseMissing(run, step)
  }
  if (choices > 1) for (const choice of shape.choices) checkChoice(run, value, choice)
  run.ascend()
}

function refuseMissing(run: Run, step: string): void {
  run.error('required', `The required element "${step}" is missing; expected at least 1. Add it.`)
}

function checkChoice(run: Run, value: JsonObject, choice: { step: string; names: readonly string[] }): void {
  const found = choice.names.filter((n) => value[n] !== undefined || value[`_${n}`] !== undefined).length
  if (found <= 1) return
  run.error('structure', `Found ${found} types of "${choice.step}[x]"; expected one. Keep one of them.`)
}

function refuseUnknown(run: Run, name: string): void {
  const isName = /^_?[A-Za-z][A-Za-z0-9]{0,63}$/.test(name)
  const text = 'Found an element that FHIR R4 does not define here. Correct its name or remove it.'
  if (isName) run.errorAt(name, 'structure', text)
  else run.error('structure', text)
}

function checkProperty(run: Run, object: JsonObject, property: Property): void {
  const value = object[property.name]
  run.enter(property.step)
  if (value === null) refuseNull(run)
  else if (property.isList) checkList(run, value, property, object[`_${property.name}`])
  else if (Array.isArray(value)) {
    run.error('structure', 'Found an array; expected a single value. Remove the brackets.')
  } else property.check(run, value)
  run.leave()
}

const refuseNull = (run: Run): void =>
  run.error('structure', 'Found null; JSON null is no value in FHIR. Leave the element out.')

function checkList(run: Run, value: unknown, property: Property, sibling: unknown): void {
  if (!Array.isArray(value)) {
    run.error('structure', `Found ${kindOf(value)}; expected an array. Put the value in brackets.`)
    if (isObject(value)) property.check(run, value)
    return
  }
  if (value.length === 0) {
    run.error('structure', 'Found an empty array; expected at least one item. Leave the element out.')
    return
  }
  for (let i = 0; i < value.length; i++) {
    run.enter(i)
    const item: unknown = value[i]
    if (item !== null) property.check(run, item)
    // A null keeps the place of an item that has only extensions (json.html#primitive).
    else if (!property.isPrimitive || !Array.isArray(sibling) || !isObject(sibling[i])) refuseNull(run)
    run.leave()
  }
}

/** `_birthDate`: id and extensions of a primitive (json.html#primitive). */
function checkBeside(run: Run, object: JsonObject, property: Property, check: Check): void {
  const beside = object[`_${property.name}`]
  const value = object[property.name]
  run.enter(property.step)
  if (property.isList) checkBesideList(run, value, beside, check)
  else checkBesideOne(run, beside, value !== undefined, check)
  run.leave()
}

function checkBesideList(run: Run, value: unknown, beside: unknown, check: Check): void {
  if (!Array.isArray(beside)) {
    run.error('structure', `Found ${kindOf(beside)} beside the values; expected an array of the same length.`)
    return
  }
  if (Array.isArray(value) && value.length !== beside.length) {
    run.error(
      'structure',
      'The values and their extensions differ in number. Fill the shorter array with null.',
    )
  }
  for (const [index, item] of beside.entries()) {
    const hasValue = Array.isArray(value) && value[index] !== undefined && value[index] !== null
    if (item === null && hasValue) continue
    run.enter(index)
    checkBesideOne(run, item, hasValue, check)
    run.leave()
  }
}

function checkBesideOne(run: Run, element: unknown, hasValue: boolean, check: Check): void {
  if (!isObject(element)) {
    run.error('structure', `Found ${kindOf(element)}; expected an object with id or extension.`)
  } else if (!hasValue && element['extension'] === undefined) {
    run.error(
      'invariant',
      'Found neither a value nor an extension (ele-1). Add one or leave the element out.',
    )
  } else check(run, element)
}

/** The values an object has for one element of a profile, with the step and type of each. */
import type { Definitions } from '../definitions.js'
import { isPrimitive } from './primitives.js'
import type { JsonObject, Run } from './run.js'

export interface Item {
  readonly value: unknown
  readonly step: string
  readonly index: number | undefined
  /** Data type of a choice element's value: the property name says it. */
  readonly choiceType: string | undefined
}

export type ItemsOf = (object: JsonObject) => readonly Item[]

export function itemsReader(elementName: string, definitions: Definitions): ItemsOf {
  if (!elementName.endsWith('[x]')) return (object) => valuesOf(object, elementName, elementName, undefined)
  const stem = elementName.slice(0, -3)
  return (object) => {
    const items: Item[] = []
    for (const key in object) {
      const name = key.startsWith('_') ? key.slice(1) : key
      if (!name.startsWith(stem) || (key !== name && object[name] !== undefined)) continue
      const type = typeOfSuffix(name.slice(stem.length), definitions)
      if (type !== undefined) items.push(...valuesOf(object, name, `${stem}.ofType(${type})`, type))
    }
    return items
  }
}

function valuesOf(
  object: JsonObject,
  name: string,
  step: string,
  choiceType: string | undefined,
): readonly Item[] {
  const value = object[name]
  const sibling = object[`_${name}`]
  if (Array.isArray(value))
    return value.map((item: unknown, index) => ({ value: item, step, index, choiceType }))
  if (value !== undefined) return [{ value, step, index: undefined, choiceType }]
  // A primitive with extensions only is present without a value.
  if (Array.isArray(sibling))
    return sibling.map((_, index) => ({ value: undefined, step, index, choiceType }))
  return sibling === undefined ? [] : [{ value: undefined, step, index: undefined, choiceType }]
}

function typeOfSuffix(suffix: string, definitions: Definitions): string | undefined {
  if (!/^[A-Z]/.test(suffix)) return undefined
  const primitive = suffix.charAt(0).toLowerCase() + suffix.slice(1)
  if (isPrimitive(primitive)) return primitive
  return definitions.type(suffix) === undefined ? undefined : suffix
}

export function atItem(run: Run, item: Item, check: () => void): void {
  run.enter(item.step)
  if (item.index !== undefined) run.enter(item.index)
  check()
  if (item.index !== undefined) run.leave()
  run.leave()
}

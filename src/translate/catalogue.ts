/** What the mapping compiler asks of the FHIR definitions: does an element exist, and does it repeat? */
import type { Definitions } from '../fhir/definitions.js'

export interface ElementCatalogue {
  /** `Patient.name.given`, `HumanName.family`, `Patient.deceasedBoolean`. */
  has(path: string): boolean
  isArray(path: string): boolean
}

interface Child {
  readonly repeats: boolean
  /** Where its own children are described: a type, or a path inside the same one. */
  readonly inside: string
}

type Children = ReadonlyMap<string, Child>

/** The elements of the base types as JSON names them; a type is read when it is first asked for. */
export function catalogueOf(definitions: Definitions): ElementCatalogue {
  const known = new Map<string, Children | undefined>()
  const childrenOf = (place: string): Children | undefined => {
    const type = place.split('.')[0] ?? ''
    if (!known.has(type)) {
      known.set(type, undefined)
      for (const [path, children] of readType(type, definitions)) known.set(path, children)
    }
    return known.get(place)
  }
  const find = (path: string): Child | undefined => {
    const [root = '', ...names] = path.split('.')
    let place = root
    let child: Child | undefined
    for (const name of names) {
      child = childrenOf(place)?.get(name)
      if (child === undefined) return undefined
      place = child.inside
    }
    return child
  }
  return {
    has: (path) => (path.includes('.') ? find(path) !== undefined : childrenOf(path) !== undefined),
    isArray: (path) => find(path)?.repeats ?? false,
  }
}

/** Children by the path of their parent: `Patient`, `Patient.contact`. */
function readType(type: string, definitions: Definitions): ReadonlyMap<string, Children> {
  const read = new Map<string, Map<string, Child>>()
  for (const element of definitions.type(type)?.snapshot?.element ?? []) {
    const cut = element.path.lastIndexOf('.')
    if (cut < 0) {
      read.set(element.path, read.get(element.path) ?? new Map())
      continue
    }
    const parent = element.path.slice(0, cut)
    const siblings = read.get(parent) ?? new Map<string, Child>()
    read.set(parent, siblings)
    const name = element.path.slice(cut + 1)
    const repeats = element.max !== undefined && element.max !== '0' && element.max !== '1'
    const types = (element.type ?? []).map(({ code }) => code)
    if (element.contentReference !== undefined) {
      siblings.set(name, { repeats, inside: element.contentReference.replace(/^.*#/, '') })
    }
    for (const code of types) {
      // A choice is named by its type: deceased[x] is deceasedBoolean or deceasedDateTime.
      const key = name.endsWith('[x]')
        ? name.slice(0, -3) + code.charAt(0).toUpperCase() + code.slice(1)
        : name
      const structured = code === 'BackboneElement' || (code === 'Element' && types.length === 1)
      siblings.set(key, { repeats, inside: structured ? element.path : code })
    }
  }
  return read
}

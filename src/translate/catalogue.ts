/** What the mapping compiler asks of the FHIR definitions: does an element exist, and does it repeat? */

export interface ElementCatalogue {
  /** `Patient.name.given`, `HumanName.family`, `Patient.deceasedBoolean`. */
  has(path: string): boolean
  isArray(path: string): boolean
}

/** The part of a StructureDefinition that a catalogue is made of. */
export interface DefinitionOutline {
  readonly type: string
  /** Profiles and extensions (`constraint`) are passed over. */
  readonly derivation?: string
  readonly snapshot?: {
    readonly element: readonly {
      readonly path: string
      readonly max?: string
      readonly type?: readonly { readonly code: string }[]
      readonly contentReference?: string
    }[]
  }
}

interface Child {
  readonly repeats: boolean
  /** Where its own children are described: a type, or a path inside the same one. */
  readonly inside: string
}

/** A catalogue over the base StructureDefinitions (resources and data types) among those given, with snapshots:
 *  the `structures` of a definitions pack. */
export function catalogueOf(definitions: Iterable<DefinitionOutline>): ElementCatalogue {
  const children = new Map<string, Map<string, Child>>()
  for (const definition of definitions) {
    if (definition.derivation === 'constraint') continue
    for (const element of definition.snapshot?.element ?? []) addElement(children, element)
  }
  const find = (path: string): Child | undefined => {
    const [root = '', ...names] = path.split('.')
    let child: Child | undefined
    for (const name of names) {
      child = children.get(child?.inside ?? root)?.get(name)
      if (child === undefined) return undefined
    }
    return child
  }
  return {
    has: (path) => (path.includes('.') ? find(path) !== undefined : children.has(path)),
    isArray: (path) => find(path)?.repeats ?? false,
  }
}

type OutlineElement = NonNullable<DefinitionOutline['snapshot']>['element'][number]

function addElement(children: Map<string, Map<string, Child>>, element: OutlineElement): void {
  const cut = element.path.lastIndexOf('.')
  if (cut < 0) {
    if (!children.has(element.path)) children.set(element.path, new Map())
    return
  }
  const parent = element.path.slice(0, cut)
  const name = element.path.slice(cut + 1)
  const repeats = element.max !== undefined && element.max !== '0' && element.max !== '1'
  const siblings = children.get(parent) ?? new Map<string, Child>()
  children.set(parent, siblings)
  const types = element.type ?? []
  const structured = types.some(({ code }) => code === 'BackboneElement' || code === 'Element')
  for (const { code } of types) {
    const key = name.endsWith('[x]') ? name.slice(0, -3) + code.charAt(0).toUpperCase() + code.slice(1) : name
    const child = { repeats, inside: structured ? element.path : code }
    siblings.set(key, child)
    // The extensions and id of a primitive stand under its name with an underscore (FHIR R4 JSON 2.6.2.2).
    if (/^[a-z]/.test(code)) siblings.set(`_${key}`, { repeats, inside: 'Element' })
  }
  if (element.contentReference !== undefined) {
    siblings.set(name, { repeats, inside: element.contentReference.replace(/^.*#/, '') })
  }
}

/** The StructureDefinitions, ValueSets and CodeSystems a validator works from, looked up by canonical URL. */
import type { CodeSystem, ElementDefinition, StructureDefinition, ValueSet } from 'fhir/r4.js'
import { cloneTree, treeOf, type ElementNode } from './element-tree.js'
import { applyDifferential } from './snapshot.js'
import { expandValueSet, type CodeSet } from './value-sets.js'

/** What `scripts/build-definitions.mjs` writes: FHIR R4 pruned to the fields a validator reads. */
export interface DefinitionPack {
  readonly fhirVersion: string
  readonly structures: readonly PackedStructure[]
  readonly valueSets: readonly ValueSet[]
  readonly codeSystems: readonly CodeSystem[]
}

/** A StructureDefinition without the prose; the same shape as a published one where the fields overlap. */
export type PackedStructure = Pick<StructureDefinition, 'url' | 'type' | 'kind'> &
  Partial<
    Pick<
      StructureDefinition,
      'version' | 'name' | 'baseDefinition' | 'derivation' | 'context' | 'contextInvariant'
    >
  > & {
    readonly resourceType: 'StructureDefinition'
    readonly abstract?: boolean
    readonly snapshot?: { readonly element: readonly ElementDefinition[] }
    readonly differential?: { readonly element: readonly ElementDefinition[] }
  }

export const FHIR_BASE = 'http://hl7.org/fhir/StructureDefinition/'

export interface Definitions {
  /** `url` or `url|version`; another version is taken when that one is not here. */
  structure(canonical: string): PackedStructure | undefined
  /** The base definition of a type: `Patient`, `HumanName`, `string`. */
  type(name: string): PackedStructure | undefined
  isResourceType(name: string): boolean
  /** `name` and its ancestors by specialization: Age -> Quantity -> Element. */
  isKindOf(name: string, ancestor: string): boolean
  /** The elements of a structure with its base's merged in; undefined when it or its base is not here. */
  tree(canonical: string): ElementNode | undefined
  codes(valueSet: string): CodeSet | undefined
  codeSystem(canonical: string): CodeSystem | undefined
  valueSet(canonical: string): ValueSet | undefined
  /** The same definitions plus `resources`, which win over those of the same URL; this value is unchanged. */
  with(resources: readonly unknown[]): Definitions
}

/** Definitions of the base pack and of any further conformance resources (`profiles/`, packages, job files). */
export function createDefinitions(pack: DefinitionPack, resources: readonly unknown[] = []): Definitions {
  const base = layer([...pack.structures, ...pack.valueSets, ...pack.codeSystems], undefined)
  return resources.length === 0 ? base : base.with(resources)
}

/** Canonicals as written in resources: `http://example.org/a|1.0`, sometimes with a `#fragment`. */
export function splitCanonical(canonical: string): { readonly url: string; readonly version?: string } {
  const bar = canonical.indexOf('|')
  if (bar < 0) return { url: canonical }
  return { url: canonical.slice(0, bar), version: canonical.slice(bar + 1) }
}

interface Conformance {
  readonly resourceType: string
  readonly url: string
  readonly version?: string | undefined
}

/** Several versions of one URL may be loaded; the one loaded last answers an unversioned canonical. */
class ByCanonical<T extends Conformance> {
  private readonly byUrl = new Map<string, T>()
  private readonly byVersion = new Map<string, T>()

  add(resource: T): void {
    this.byUrl.set(resource.url, resource)
    if (resource.version !== undefined) this.byVersion.set(`${resource.url}|${resource.version}`, resource)
  }

  get(canonical: string): T | undefined {
    if (!canonical.includes('|')) return this.byUrl.get(canonical)
    return this.byVersion.get(canonical) ?? this.byUrl.get(splitCanonical(canonical).url)
  }
}

function layer(resources: readonly unknown[], below: Definitions | undefined): Definitions {
  const structures = new ByCanonical<PackedStructure>()
  const resourceTypes = new Set<string>()
  const valueSets = new ByCanonical<ValueSet & Conformance>()
  const codeSystems = new ByCanonical<CodeSystem & Conformance>()
  for (const resource of resources) {
    if (!isConformance(resource)) continue
    if (isStructure(resource)) {
      structures.add(resource)
      if (isResourceDefinition(resource)) resourceTypes.add(resource.type)
    } else if (resource.resourceType === 'ValueSet') valueSets.add(resource as ValueSet & Conformance)
    else if (resource.resourceType === 'CodeSystem') codeSystems.add(resource as CodeSystem & Conformance)
  }
  const trees = new Map<string, ElementNode | undefined>()
  const expanded = new Map<string, CodeSet | undefined>()

  const definitions: Definitions = {
    structure: (canonical) => structures.get(canonical) ?? below?.structure(canonical),
    type: (name) => definitions.structure(FHIR_BASE + name),
    isResourceType: (name) => resourceTypes.has(name) || below?.isResourceType(name) === true,
    isKindOf: (name, ancestor) => {
      let at: string | undefined = name
      for (let steps = 0; at !== undefined && steps < 8; steps++) {
        if (at === ancestor) return true
        at = definitions.type(at)?.baseDefinition?.slice(FHIR_BASE.length)
      }
      return false
    },
    tree: (canonical) => {
      const structure = definitions.structure(canonical)
      if (structure === undefined) return undefined
      // A layer that does not replace the structure shares the tree already built below.
      if (below !== undefined && structures.get(canonical) === undefined) return below.tree(canonical)
      const key = `${structure.url}|${structure.version ?? ''}`
      if (!trees.has(key)) {
        trees.set(key, undefined) // a definition that is its own base ends here
        trees.set(key, buildTree(structure, definitions))
      }
      return trees.get(key)
    },
    codes: (canonical) => {
      if (!expanded.has(canonical)) {
        expanded.set(canonical, undefined) // a value set that includes itself ends here
        expanded.set(canonical, expandValueSet(canonical, definitions))
      }
      return expanded.get(canonical)
    },
    valueSet: (canonical) => valueSets.get(canonical) ?? below?.valueSet(canonical),
    codeSystem: (canonical) => codeSystems.get(canonical) ?? below?.codeSystem(canonical),
    with: (more) => layer(more, definitions),
  }
  return definitions
}

/** A profile is rebuilt from its differential where there is one: published snapshots differ in what they inherit. */
function buildTree(structure: PackedStructure, definitions: Definitions): ElementNode | undefined {
  const differential = structure.differential?.element ?? []
  const base = structure.baseDefinition === undefined ? undefined : definitions.tree(structure.baseDefinition)
  // Some publishers mark a profile as a specialization; constraining a type of the same name makes it a profile.
  const isProfile = definitions.structure(structure.baseDefinition ?? '')?.type === structure.type
  if (isProfile && differential.length > 0 && base !== undefined) {
    return applyDifferential(base, differential, definitions)
  }
  const snapshot = structure.snapshot?.element ?? []
  if (snapshot.length > 0) return treeOf(snapshot, isProfile || structure.derivation === 'constraint')
  return base === undefined ? undefined : cloneTree(base)
}

function isConformance(value: unknown): value is Conformance {
  if (typeof value !== 'object' || value === null) return false
  const { resourceType, url } = value as Record<string, unknown>
  return typeof resourceType === 'string' && typeof url === 'string'
}

/** Elements without a path cannot be placed: such a definition is left out rather than half read. */
function isStructure(value: Conformance): value is Conformance & PackedStructure {
  if (value.resourceType !== 'StructureDefinition') return false
  const { type, snapshot, differential } = value as unknown as Record<string, unknown>
  return typeof type === 'string' && [snapshot, differential].every(isElementList)
}

/** The definition of a type itself, not of a profile on it. */
const isResourceDefinition = ({ url, type, kind, abstract, derivation }: PackedStructure): boolean =>
  kind === 'resource' && abstract !== true && derivation !== 'constraint' && url === FHIR_BASE + type

function isElementList(view: unknown): boolean {
  if (view === undefined) return true
  const elements = (view as { element?: unknown } | null)?.element
  return (
    Array.isArray(elements) &&
    elements.every((e: unknown) => typeof (e as { path?: unknown } | null)?.path === 'string')
  )
}

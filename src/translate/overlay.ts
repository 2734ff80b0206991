/** An overlay changes the base mappings for one country or sender: tables, data types and resources, no fork. */
import { mappingFault } from './position.js'
import type { DatatypeMapping, Library, Overlay, ResourceMapping } from './library.js'
import { extendTable } from './tables.js'
import type { Table } from './tables.js'
import { mergeObjects } from './template.js'
import type { MappingFile, ObjectTemplate } from './template.js'

export function withOverlay(library: Library, overlay: Overlay): Library {
  const { file } = overlay
  for (const { key, at } of file.pairs(file.root)) {
    if (!['overlay', 'about', 'tables', 'datatypes', 'resources'].includes(key)) {
      throw mappingFault(at, `"${key}" cannot be overlaid; an overlay has tables, datatypes and resources.`)
    }
  }
  return {
    ...library,
    tables: overlaidTables(file, library.tables),
    datatypes: overlaid(file, 'datatypes', library.datatypes, (base: DatatypeMapping, node) => ({
      ...base,
      template: mergeObjects(base.template, elementsOf(file, node)),
    })),
    resources: overlaid(file, 'resources', library.resources, (base: ResourceMapping, node) => ({
      ...base,
      template: mergeObjects(base.template, elementsOf(file, node)),
    })),
  }
}

const elementsOf = (file: MappingFile, node: unknown): ObjectTemplate =>
  file.object(file.map(file.get(file.map(node, 'an overlay'), 'elements'), 'elements'))

/** An overlay may also bring tables of its own. */
function overlaidTables(file: MappingFile, base: ReadonlyMap<string, Table>): ReadonlyMap<string, Table> {
  const node = file.get(file.root, 'tables')
  if (node === undefined) return base
  const result = new Map(base)
  for (const { key, value } of file.pairs(file.map(node, 'tables'))) {
    const known = result.get(key) ?? { name: key, rows: new Map(), ignoreCase: false }
    result.set(key, extendTable(known, file, value))
  }
  return result
}

function overlaid<T>(
  file: MappingFile,
  section: string,
  base: ReadonlyMap<string, T>,
  change: (value: T, node: unknown) => T,
): ReadonlyMap<string, T> {
  const node = file.get(file.root, section)
  if (node === undefined) return base
  const result = new Map(base)
  for (const { key, value, at } of file.pairs(file.map(node, section))) {
    const known = result.get(key)
    if (known === undefined) throw mappingFault(at, `There is no "${key}" in ${section} to lay this over.`)
    result.set(key, change(known, value))
  }
  return result
}

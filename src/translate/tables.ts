/** Code tables as data: what a sender's code means in FHIR, and what an unknown one does. */
import { isMap, isScalar } from 'yaml'
import { mappingFault } from './position.js'
import type { Position } from './position.js'
import type { Run } from './run.js'
import type { MappingFile } from './template.js'
import { textOf, Tracked } from './tracked.js'
import type { Value } from './tracked.js'

export interface Table {
  readonly name: string
  readonly rows: ReadonlyMap<string, string>
  /** Codes are compared without regard to case. */
  readonly ignoreCase: boolean
  readonly unknown?: Unknown
}

/** What an unlisted code gives. The code itself is not mapped by it: it stays in the carried text. */
export interface Unknown {
  readonly value?: string
  readonly warning?: string
}

export function readTable(file: MappingFile): Table {
  const { root } = file
  const name = file.text(file.get(root, 'table'), 'the name of a table')
  const folded = file.get(root, 'ignoreCase')
  const ignoreCase = isScalar(folded) && folded.value === true
  const unknown = file.get(root, 'unknown')
  const rows = readRows(file, file.get(root, 'rows'), ignoreCase)
  return { name, rows, ignoreCase, ...(unknown === undefined ? {} : { unknown: readUnknown(file, unknown) }) }
}

/** A table with an overlay's rows laid over it. */
export function extendTable(table: Table, file: MappingFile, node: unknown): Table {
  const map = file.map(node, 'a table')
  const rows = readRows(file, file.get(map, 'rows'), table.ignoreCase)
  const unknown = file.get(map, 'unknown')
  return {
    ...table,
    rows: new Map([...table.rows, ...rows]),
    ...(unknown === undefined ? {} : { unknown: readUnknown(file, unknown) }),
  }
}

function readRows(file: MappingFile, node: unknown, ignoreCase: boolean): Map<string, string> {
  if (node === undefined) return new Map()
  const pairs = file.pairs(file.map(node, 'rows'))
  return new Map(
    pairs.map(({ key, value }) => [ignoreCase ? key.toUpperCase() : key, file.text(value, 'a value')]),
  )
}

function readUnknown(file: MappingFile, node: unknown): Unknown {
  if (!isMap(node)) throw mappingFault(file.at(node), 'Expected "unknown" with "value", "warning" or both.')
  const value = file.get(node, 'value')
  const warning = file.get(node, 'warning')
  return {
    ...(value === undefined ? {} : { value: file.text(value, 'a value') }),
    ...(warning === undefined ? {} : { warning: file.text(warning, 'a warning') }),
  }
}

export function tableNamed(
  tables: ReadonlyMap<string, Table>,
  name: string | undefined,
  at: Position,
): Table {
  const table = name === undefined ? undefined : tables.get(name)
  if (table === undefined) throw mappingFault(at, `There is no table "${name ?? ''}" in tables/.`)
  return table
}

export function lookUp(table: Table, key: string): string | undefined {
  return table.rows.get(table.ignoreCase ? key.toUpperCase() : key)
}

/** The table's meaning of a value. Warnings quote codes, never names or free text. */
export function translateCode(run: Run, table: Table, value: Value): Value {
  const key = textOf(value)
  if (key === undefined) return undefined
  const found = lookUp(table, key)
  if (found !== undefined) return value instanceof Tracked ? value.as(found) : found
  const { unknown } = table
  if (unknown?.warning !== undefined) run.warn('code-invalid', value, unknown.warning)
  return unknown?.value === undefined ? undefined : new Tracked(unknown.value, -1)
}

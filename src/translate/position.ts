/** Places in mapping files, and the faults that name them. */
import { Fault } from '../terms/fault.js'

export interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
}

export const formatPosition = (at: Position): string => `${at.file}:${at.line}:${at.column}`

/** A mapping file that cannot be used: found while it is compiled, before any message. */
export const mappingFault = (at: Position, text: string): Fault =>
  new Fault('mapping-invalid', text, formatPosition(at))

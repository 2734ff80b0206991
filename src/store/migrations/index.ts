/** Every migration, oldest first. Append only; each one only expands, so that the version before it keeps working. */
import { CASES } from './0001-cases.js'
import { STATUS } from './0002-status.js'

export interface Migration {
  readonly number: number
  readonly name: string
  readonly sql: string
}

export const MIGRATIONS: readonly Migration[] = [
  { number: 1, name: 'cases', sql: CASES },
  { number: 2, name: 'status', sql: STATUS },
]

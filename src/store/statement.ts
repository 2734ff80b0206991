/** Builds a statement and its values together, so that a placeholder cannot drift from its value. */
import type { Statement } from './database.js'

/** Takes a value and gives its placeholder. */
export type Bind = (value: unknown) => string

export function statement(name: string, write: (bind: Bind) => string): Statement {
  const values: unknown[] = []
  const text = write((value) => `$${values.push(value)}`)
  return { name, text, values }
}

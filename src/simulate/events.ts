/** What a simulated partner tells its audience: one JSON line per event, and a file of the ids it has received that
 *  a checker can compare with what was sent. */
import { appendFileSync } from 'node:fs'
import type { Instant } from '../terms/instant.js'

export type Emit = (event: string, fields?: Readonly<Record<string, unknown>>) => void

/** A twin runs until it is stopped. */
export interface Twin {
  readonly port: number
  close(): Promise<void>
}

/** The outside world of a twin, handed in so that tests give their own. */
export interface SimulateDeps {
  readonly write: (line: string) => void
  readonly now: () => Instant
  readonly newId: () => string
}

export function createEmit({ write, now }: SimulateDeps, logFile: string | undefined): Emit {
  return (event, fields = {}) => {
    const line = JSON.stringify({ event, at: now(), ...fields })
    write(`${line}\n`)
    if (logFile !== undefined && event === 'received') appendFileSync(logFile, `${line}\n`)
  }
}

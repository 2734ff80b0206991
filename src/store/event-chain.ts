/** The hash chain over a case's events: whoever alters, removes or inserts one breaks every hash after it. */
import { createHash } from 'node:crypto'
import type { CaseEvent, CaseEventDraft } from './types.js'

/** What the first event of a case is chained to. */
export const CHAIN_START = ''

/** SHA-256 (hex) of one event in canonical form: keys sorted, so that a round trip through jsonb changes nothing. */
export function eventDigest(caseId: string, { kind, at, actor, data }: CaseEventDraft): string {
  return sha256(canonicalJson({ caseId, kind, at, actor, data }))
}

/** The same rule as the SQL function `chain_hashes`. */
export const chainedHash = (previous: string, digest: string): string => sha256(previous + digest)

/** The first event that does not fit its place, or undefined when the whole chain holds. Events in order, from 1. */
export function verifyChain(events: readonly CaseEvent[]): { readonly seq: number } | undefined {
  let previous = CHAIN_START
  for (const [index, event] of events.entries()) {
    const expected = chainedHash(previous, eventDigest(event.caseId, event))
    if (event.seq !== index + 1 || event.hash !== expected) return { seq: index + 1 }
    previous = event.hash
  }
  return undefined
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex')

/** JSON with the keys of every object in code unit order; absent and undefined are the same. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, nested: unknown) =>
    typeof nested === 'object' && nested !== null && !Array.isArray(nested)
      ? Object.fromEntries(Object.entries(nested).sort(([a], [b]) => (a < b ? -1 : 1)))
      : nested,
  )
}

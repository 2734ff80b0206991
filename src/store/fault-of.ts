/** PostgreSQL and connection errors -> Faults. No message here quotes the server's text: it may hold a patient's data. */
import { DatabaseError } from 'pg'
import { Fault, type FaultCode } from '../terms/fault.js'

/** Nothing was committed and the same work may succeed in a moment. */
const BUSY = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '55P03', // lock_not_available
  '57014', // query_canceled: our statement timeout
  '53300', // too_many_connections
])

/** Text PostgreSQL cannot hold: a NUL character or half a surrogate pair. */
const UNSTORABLE = new Set(['22021', '22P02', '22P05'])

/** pg-pool's own words when every connection stayed in use for `connectionTimeoutMillis`. */
const POOL_EXHAUSTED = /timeout exceeded when trying to connect/

export function faultOf(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown
  const code = codeOf(thrown)
  return new Fault(code, MESSAGES[code], '', { cause: thrown })
}

/** An index entry over about 2,700 bytes: only identifiers the sender chose are indexed at their full length. */
const TOO_LONG = '54000'

type StoreFault =
  'store-busy' | 'store-unavailable' | 'characters-invalid' | 'value-invalid' | 'internal-error'

const MESSAGES: Readonly<Record<StoreFault, string>> = {
  'store-busy': 'The database is too busy to take this now; nothing was kept. Send it again.',
  'store-unavailable':
    'The database did not confirm the commit. Send it again: if it was kept, the same answer comes back.',
  'characters-invalid':
    'The text holds a NUL character or half of a surrogate pair, which FHIR forbids. Remove it and send again.',
  'value-invalid': 'The identifier of the message is too long; use at most 1,000 characters.',
  'internal-error': 'The database refused a statement of ours; the log has its cause.',
}

/** A lost connection leaves the outcome unknown: it is never a success, and a resend finds out (duplicate detection). */
function codeOf(thrown: unknown): StoreFault & FaultCode {
  if (thrown instanceof DatabaseError) {
    const state = thrown.code ?? ''
    if (BUSY.has(state)) return 'store-busy'
    if (UNSTORABLE.has(state)) return 'characters-invalid'
    if (state === TOO_LONG) return 'value-invalid'
    // 08 connection, 53 resources (disk full, out of memory), 57P shutdown and start-up, 58 system error
    return /^(08|53|57P|58)/.test(state) ? 'store-unavailable' : 'internal-error'
  }
  if (thrown instanceof Error && POOL_EXHAUSTED.test(thrown.message)) return 'store-busy'
  // Everything else pg throws is about the connection: refused, reset, ended.
  return 'store-unavailable'
}

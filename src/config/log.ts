/** JSON lines of what happens: allow-listed fields only, so that no name or payload can slip in. */
import { pino, type Logger } from 'pino'
import { Fault } from '../terms/fault.js'
import type { Observer } from '../flow/gateway.js'
import type { LogLevel } from './environment.js'

export type Log = Logger

export const createLog = (level: LogLevel): Log =>
  pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime })

/** `where` of an error can quote a path inside the sender's message, never a value. */
export function logObserver(log: Log): Observer {
  return {
    answered: (info) => log[info.fault === undefined ? 'info' : 'warn']({ event: 'answered', ...info }),
    attempted: (info) => log[info.fault === undefined ? 'info' : 'warn']({ event: 'attempted', ...info }),
    failed: (event, error) => log.error({ event, ...describe(error) }),
  }
}

/** Name, code and stack frames of an error: its message may quote data, so only Faults show theirs. */
export function describe(error: unknown): Record<string, unknown> {
  if (error instanceof Fault) {
    const cause = error.cause === undefined ? {} : { cause: describe(error.cause) }
    return { fault: error.code, text: error.message, ...cause }
  }
  if (error instanceof Error) {
    const code = 'code' in error ? { code: String(error.code) } : {}
    const frames = error.stack
      ?.split('\n')
      .filter((line) => /^\s+at /.test(line))
      .slice(0, 8)
    return { error: error.name, ...code, frames }
  }
  return { error: typeof error === 'string' ? error : typeof error }
}

/** What a reply needs beyond the case's resources, read back from the outbox row. */
import type { Reason } from '../../referral/answer.js'
import type { Delivery } from '../../store/types.js'
import { Fault } from '../../terms/fault.js'

export interface ReplyContext {
  readonly status: 'accepted' | 'pending' | 'rejected' | 'completed'
  readonly reason?: Reason
  readonly origin: ReplyOrigin
}

/** The message that is answered, as `flow` kept it. */
export interface ReplyOrigin {
  readonly controlId: string
  /** MSH-9.2. */
  readonly event: string
  readonly processingId: string
  /** MSH-5 and MSH-6: the names the sender calls us by. */
  readonly application: string
  readonly facility: string
}

/** Written by `referral/apply`; a row of another shape is refused, not guessed at. */
export function readContext({ context }: Delivery): ReplyContext {
  const { status, reason, origin } = context
  if (!isStatus(status) || !isOrigin(origin)) {
    throw new Fault('required-missing', 'The reply names no message to answer.', 'Delivery.context')
  }
  return { status, origin, ...(isReason(reason) ? { reason } : {}) }
}

const STATUSES: readonly unknown[] = ['accepted', 'pending', 'rejected', 'completed']

const isStatus = (value: unknown): value is ReplyContext['status'] => STATUSES.includes(value)

const isReason = (value: unknown): value is Reason =>
  isRecord(value) && typeof value['text'] === 'string' && Array.isArray(value['codings'])

const isOrigin = (value: unknown): value is ReplyOrigin =>
  isRecord(value) &&
  ['controlId', 'event', 'processingId', 'application', 'facility'].every(
    (key) => typeof value[key] === 'string',
  )

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

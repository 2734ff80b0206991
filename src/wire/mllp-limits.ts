/** Bounds of the MLLP server. Every value is finite; 0 means 0. */
import type { FramerLimits } from '../codec/mllp/framer.js'

export interface MllpServerLimits extends FramerLimits {
  /** From a block's VT to its end: slow senders do not hold a connection for ever. */
  readonly frameTimeoutMs: number
  /** Without a finished message and with nothing being answered. */
  readonly idleTimeoutMs: number
  /** Until the peer has taken an answer. */
  readonly writeTimeoutMs: number
  readonly tlsHandshakeTimeoutMs: number
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  /** Messages of one connection handled at the same time. 1 keeps a sender's messages in their order; answers are
   *  in order whatever it is. Reading pauses while it is reached. */
  readonly maxInFlight: number
  /** Unfinished blocks of all connections together. */
  readonly maxPendingBytes: number
  /** Bytes skipped after a block that was too large, before the connection is closed. */
  readonly maxSkippedBytes: number
}

export const DEFAULT_MLLP_LIMITS: MllpServerLimits = {
  maxFrameBytes: 16 * 1024 * 1024,
  maxGarbageBytes: 64 * 1024,
  frameTimeoutMs: 60_000,
  idleTimeoutMs: 3_600_000,
  writeTimeoutMs: 30_000,
  tlsHandshakeTimeoutMs: 10_000,
  maxConnections: 1_000,
  maxConnectionsPerAddress: 200,
  maxInFlight: 1,
  maxPendingBytes: 256 * 1024 * 1024,
  maxSkippedBytes: 64 * 1024 * 1024,
}

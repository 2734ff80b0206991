/** Ids of this process: UUIDv7 from the clock and the system's randomness. */
import { randomFillSync } from 'node:crypto'
import { uuidV7 } from '../terms/uuid.js'

const BYTES_PER_ID = 10
/** A case takes some twenty ids, and drawing many bytes from the system costs as much as drawing ten. */
const pool = new Uint8Array(BYTES_PER_ID * 400)
let used = pool.length

export function newId(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += BYTES_PER_ID
  return uuidV7(Date.now(), pool.subarray(used - BYTES_PER_ID, used))
}

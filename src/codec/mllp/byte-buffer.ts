/** Bytes that arrive in pieces: one piece is kept as it is, more are gathered in a buffer that doubles, so that
 *  neither many small pieces nor one large message costs more than its size. */

export class ByteBuffer {
  private bytes: Uint8Array = EMPTY
  private used = 0

  get length(): number {
    return this.used
  }

  append(piece: Uint8Array): void {
    if (piece.length === 0) return
    if (this.used === 0) {
      this.bytes = piece
    } else {
      this.makeRoom(this.used + piece.length)
      this.bytes.set(piece, this.used)
    }
    this.used += piece.length
  }

  /** What was gathered; the buffer is empty after it. */
  take(): Uint8Array {
    const taken = this.view()
    this.bytes = EMPTY
    this.used = 0
    return taken
  }

  view(): Uint8Array {
    return this.bytes.subarray(0, this.used)
  }

  private makeRoom(needed: number): void {
    // A piece that was kept as it is fills its bytes exactly, so it is never written into.
    if (needed <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(needed, 2 * this.used, MIN_CAPACITY))
    grown.set(this.view())
    this.bytes = grown
  }
}

const MIN_CAPACITY = 256
const EMPTY = new Uint8Array(0)

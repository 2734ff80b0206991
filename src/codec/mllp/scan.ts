/** Looking for the bytes that frame an MLLP block. */

export const VT = 0x0b
export const FS = 0x1c
export const CR = 0x0d
export const LF = 0x0a

/** Places of the next VT and FS at or after `from`, or the length. Asked in rising order, each byte is looked at
 *  once. */
export interface Finder {
  readonly vt: (from: number) => number
  readonly fs: (from: number) => number
}

export function finder(data: Uint8Array): Finder {
  const next = (byte: number): ((from: number) => number) => {
    let known = -1
    return (from) => {
      if (known < from) {
        const found = data.indexOf(byte, from)
        known = found < 0 ? data.length : found
      }
      return known
    }
  }
  return { vt: next(VT), fs: next(FS) }
}

/** Does a message or batch (MSH, FHS, BHS) begin at `at`, after a byte order mark perhaps?
 *  Undefined when more bytes must come to tell. */
export function beginsMessage(data: Uint8Array, at: number): boolean | undefined {
  const begins = beginsWith(data, at, BOM)
  if (begins === undefined) return undefined
  const start = begins ? at + BOM.length : at
  for (const name of NAMES) {
    const found = beginsWith(data, start, name)
    if (found !== false) return found
  }
  return false
}

const BOM = Uint8Array.of(0xef, 0xbb, 0xbf)
const NAMES = ['MSH', 'FHS', 'BHS'].map((name) => Buffer.from(name))

function beginsWith(data: Uint8Array, at: number, expected: Uint8Array): boolean | undefined {
  for (let i = 0; i < expected.length; i++) {
    if (at + i >= data.length) return undefined
    if (data[at + i] !== expected[i]) return false
  }
  return true
}

export function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}

/** What makes a message the same message when it is sent again. */
import { createHash } from 'node:crypto'
import { encodeText } from './character-set.js'
import type { Message } from './message.js'

/** SHA-256 (hex) over the message's bytes without MSH-7 (time sent) and MSH-8 (security), which a resend may
 *  change. */
export function bodyHash(message: Message): string {
  const bytes = message.toBytes()
  const hash = createHash('sha256')
  const header = message.segments[0]
  if (header === undefined || header.fieldCount < 7) return hash.update(bytes).digest('hex')
  const { field } = message.separators
  const fields = header.rawFields
  // rawFields holds the name, MSH-1 (the separator itself), MSH-2, ...
  const before = [fields[0], ...fields.slice(2, 7), ''].join(field)
  const skipped = fields.slice(7, 9).join(field)
  const size = (text: string): number => encodeText(text, message.characterSet).length
  const start = bomLength(bytes) + size(message.text.slice(0, message.text.indexOf('MSH')) + before)
  const end = start + size(skipped)
  return hash.update(bytes.subarray(0, start)).update(bytes.subarray(end)).digest('hex')
}

function bomLength(bytes: Uint8Array): number {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 3
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  return isUtf16 ? 2 : 0
}

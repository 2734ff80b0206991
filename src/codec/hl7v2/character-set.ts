/** The character set of a message: what MSH-18 declares, checked against what the bytes show
 *  (HL7 v2.5.1 ch. 2.15.9.18, table 0211). Bytes that cannot be read are refused, never replaced. */
import { isAscii, isUtf8 } from 'node:buffer'
import iconv from 'iconv-lite'
import { Fault } from '../../terms/fault.js'

/** A name of HL7 table 0211, or `WINDOWS-1252`, which the table lacks and senders use. */
export type CharacterSet = string

export interface DecodedText {
  /** Without the byte order mark. */
  readonly text: string
  readonly characterSet: CharacterSet
  readonly bomLength: number
  /** Why the bytes were read otherwise than MSH-18 says, for the report. */
  readonly doubt?: string
}

/** Table 0211 name -> iconv-lite's name. */
const ENCODINGS: ReadonlyMap<CharacterSet, string> = new Map([
  ['ASCII', 'ascii'],
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16].map((part): [string, string] => [
    `8859/${part}`,
    `iso-8859-${part}`,
  ]),
  ['UNICODE UTF-8', 'utf8'],
  ['UNICODE UTF-16LE', 'utf-16le'],
  ['UNICODE UTF-16BE', 'utf-16be'],
  ['WINDOWS-1252', 'windows-1252'],
  ['GB 18030-2000', 'gb18030'],
  ['BIG-5', 'big5'],
  ['KS X 1001', 'euc-kr'],
])

export function decodeText(bytes: Uint8Array): DecodedText {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const wide = utf16Start(buffer)
  if (wide !== undefined) return decodeUtf16(buffer, wide.characterSet, wide.bomLength)
  const bomLength = buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf ? 3 : 0
  const body = bomLength === 0 ? buffer : buffer.subarray(bomLength)
  if (isAscii(body) && !body.includes(ESCAPE_BYTE)) {
    const text = body.toString('latin1')
    return { text, characterSet: asciiNameFor(declaredInHeader(text), bomLength), bomLength }
  }
  const declared =
    bomLength > 0 ? 'UNICODE UTF-8' : declaredInHeader(body.toString('latin1', 0, HEADER_BYTES))
  return { ...decodeDeclared(body, declared), bomLength }
}

/** Text in a character set of this module. Throws `characters-invalid` when the set lacks a character. */
export function encodeText(text: string, characterSet: CharacterSet): Buffer {
  const encoding = ENCODINGS.get(characterSet) ?? 'utf8'
  if (encoding === 'utf8') return Buffer.from(text, 'utf8')
  const bytes = iconv.encode(text, encoding, { addBOM: false })
  if (iconv.decode(bytes, encoding, { stripBOM: false }) === text) return bytes
  throw new Fault(
    'characters-invalid',
    `The text has characters that ${characterSet} cannot write; expected only characters of that set.`,
    'MSH-18',
  )
}

/** Bytes given as `\X..\`; undefined when they are no text in that set. UTF-16 messages write them in UTF-8. */
export function decodeHexBytes(bytes: Buffer, characterSet: CharacterSet): string | undefined {
  const encoding = ENCODINGS.get(characterSet) ?? 'utf8'
  if (encoding === 'utf8' || encoding.startsWith('utf-16') || characterSet === 'ASCII') {
    return isUtf8(bytes) ? bytes.toString('utf8') : undefined
  }
  const text = iconv.decode(bytes, encoding)
  return text.includes('\uFFFD') ? undefined : text
}

/** ISO 2022 sets (JIS, ISO IR87) switch with this byte, so text holding it is not plain ASCII. */
const ESCAPE_BYTE = 0x1b

/** The name of table 0211 for what a sender wrote in MSH-18; undefined when it names no set we can read. */
function knownName(declared: string): CharacterSet | 'UNICODE' | 'UNICODE UTF-16' | undefined {
  const name = declared.trim().toUpperCase()
  const part = /^(?:ISO[ _-]?)?8859[/-](\d{1,2})$/.exec(name)?.[1]
  const canonical = part === undefined ? (ALIASES.get(name) ?? name) : `8859/${Number(part)}`
  if (canonical === 'UNICODE' || canonical === 'UNICODE UTF-16') return canonical
  return ENCODINGS.has(canonical) ? canonical : undefined
}

const ALIASES: ReadonlyMap<string, string> = new Map([
  ['', 'ASCII'],
  ['""', 'ASCII'],
  ['US-ASCII', 'ASCII'],
  ['ISO IR6', 'ASCII'],
  ['UTF-8', 'UNICODE UTF-8'],
  ['UTF8', 'UNICODE UTF-8'],
  ['UTF-16', 'UNICODE UTF-16'],
  ['CP1252', 'WINDOWS-1252'],
])

/** MSH-18 as written; its first repetition is the set of the whole message. Read before anything is decoded. */
function declaredInHeader(text: string): string {
  const start = /\S/.exec(text)?.index ?? 0
  const separator = text[start + 3]
  if (separator === undefined || !text.startsWith('MSH', start)) return ''
  let at = start + 3
  const lineEnd = endOfLine(text, start)
  for (let field = 2; field < 18 && at >= 0 && at < lineEnd; field++) at = text.indexOf(separator, at + 1)
  if (at < 0 || at >= lineEnd) return ''
  const end = text.indexOf(separator, at + 1)
  const field = text.slice(at + 1, end < 0 ? lineEnd : Math.min(end, lineEnd))
  const repetition = text[start + 5] ?? ''
  const first = repetition === '' ? field : (field.split(repetition, 1)[0] ?? '')
  return first.replace(/[^\x20-\x7e]/g, '')
}

function endOfLine(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x0d || code === 0x0a) return at
  }
  return text.length
}

/** No MSH is longer; a first line beyond it declares nothing. */
const HEADER_BYTES = 4096

function asciiNameFor(declared: string, bomLength: number): CharacterSet {
  if (bomLength > 0) return 'UNICODE UTF-8'
  const name = knownName(declared)
  if (name === undefined) return 'ASCII'
  return name.startsWith('UNICODE') ? 'UNICODE UTF-8' : name
}

function decodeDeclared(body: Buffer, declared: string): Omit<DecodedText, 'bomLength'> {
  const name = knownName(declared)
  if (name === undefined) {
    throw new Fault(
      'character-set-unknown',
      'MSH-18 names a character set that cannot be read and the text is not plain ASCII; ' +
        'expected ASCII, 8859/1 to 8859/16, UNICODE UTF-8 or UNICODE UTF-16.',
      'MSH-18',
    )
  }
  if (name === 'ASCII') return decodeUndeclared(body)
  if (name.startsWith('UNICODE')) {
    const text = decodeUtf8(body)
    if (name === 'UNICODE UTF-8' || name === 'UNICODE') return { text, characterSet: 'UNICODE UTF-8' }
    return { text, characterSet: 'UNICODE UTF-8', doubt: 'MSH-18 says UTF-16; the bytes are UTF-8.' }
  }
  const text = name === '8859/1' ? body.toString('latin1') : iconv.decode(body, ENCODINGS.get(name) ?? name)
  if (text.includes('\uFFFD')) throw invalidCharacters(name, '')
  if (!isUtf8(body)) return { text, characterSet: name }
  return {
    text,
    characterSet: name,
    doubt: `MSH-18 says ${name}, as it was read; the bytes would also be UTF-8.`,
  }
}

/** ASCII declared, or nothing declared (which means ASCII), yet there are other bytes. */
function decodeUndeclared(body: Buffer): Omit<DecodedText, 'bomLength'> {
  if (isUtf8(body)) {
    return {
      text: body.toString('utf8'),
      characterSet: 'UNICODE UTF-8',
      doubt: 'MSH-18 declares no set beyond ASCII; the bytes are UTF-8 and were read so.',
    }
  }
  const text = iconv.decode(body, 'windows-1252')
  if (text.includes('\uFFFD')) throw invalidCharacters('ASCII, UTF-8 or WINDOWS-1252', '')
  return {
    text,
    characterSet: 'WINDOWS-1252',
    doubt: 'MSH-18 declares no set beyond ASCII; the bytes are not UTF-8 and were read as WINDOWS-1252.',
  }
}

function decodeUtf8(body: Buffer): string {
  const text = body.toString('utf8')
  if (isUtf8(body)) return text
  let at = text.indexOf('\uFFFD')
  while (body.subarray(byteOffset(text, at)).subarray(0, 3).toString('hex') === 'efbfbd') {
    at = text.indexOf('\uFFFD', at + 1)
  }
  throw invalidCharacters('UTF-8', `byte ${byteOffset(text, at)}`)
}

const byteOffset = (text: string, at: number): number => Buffer.byteLength(text.slice(0, at))

const invalidCharacters = (expected: string, where: string): Fault =>
  new Fault(
    'characters-invalid',
    `The text holds bytes that are not ${expected}; declare in MSH-18 the character set that is sent.`,
    where === '' ? 'MSH-18' : where,
  )

interface Utf16Start {
  readonly characterSet: CharacterSet
  readonly bomLength: number
}

function utf16Start(buffer: Buffer): Utf16Start | undefined {
  if (buffer[0] === 0xff && buffer[1] === 0xfe) return { characterSet: 'UNICODE UTF-16LE', bomLength: 2 }
  if (buffer[0] === 0xfe && buffer[1] === 0xff) return { characterSet: 'UNICODE UTF-16BE', bomLength: 2 }
  if (buffer[0] !== 0 && buffer[1] === 0 && buffer[3] === 0) {
    return { characterSet: 'UNICODE UTF-16LE', bomLength: 0 }
  }
  if (buffer[0] === 0 && buffer[1] !== 0 && buffer[2] === 0) {
    return { characterSet: 'UNICODE UTF-16BE', bomLength: 0 }
  }
  return undefined
}

/** UTF-16 counts when a byte order mark or MSH-18 says so: it shares bytes with the MLLP block characters,
 *  so a message that only looks like it is refused. */
function decodeUtf16(buffer: Buffer, characterSet: CharacterSet, bomLength: number): DecodedText {
  const text = iconv.decode(buffer.subarray(bomLength), ENCODINGS.get(characterSet) ?? 'utf-16le', {
    stripBOM: false,
  })
  const declared = knownName(declaredInHeader(text))
  if (bomLength === 0 && declared !== 'UNICODE' && declared !== 'UNICODE UTF-16') {
    throw new Fault(
      'character-set-unknown',
      'The bytes look like UTF-16 but neither a byte order mark nor MSH-18 says so; send UTF-8, or declare it.',
      'MSH-18',
    )
  }
  if ((buffer.length - bomLength) % 2 !== 0 || /[\ud800-\udfff]/u.test(text))
    throw invalidCharacters('UTF-16', '')
  return { text, characterSet, bomLength }
}

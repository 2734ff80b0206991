import { describe, expect, test } from '@jest/globals'
import iconv from 'iconv-lite'
import { createHash } from 'node:crypto'
import { bodyHash } from '../../../src/codec/hl7v2/fingerprint.js'
import { parseMessage } from '../../../src/codec/hl7v2/parse.js'

const text = (time: string, security: string, name = 'Zoë', id = 'C1'): string =>
  `MSH|^~\\&|PAS|RWX|GW|LLR|${time}|${security}|REF^I12|${id}|P|2.4||||||UNICODE UTF-8\rPID|1||||${name}\r`

const hash = (message: string | Buffer): string => bodyHash(parseMessage(message))

describe('bodyHash', () => {
  test('is SHA-256 over the bytes without MSH-7 and MSH-8', () => {
    const left = 'MSH|^~\\&|PAS|RWX|GW|LLR||REF^I12|C1|P|2.4||||||UNICODE UTF-8\rPID|1||||Zoë\r'
    expect(hash(Buffer.from(text('20261121', 'S')))).toBe(createHash('sha256').update(left).digest('hex'))
  })

  test('sent again at another time it is the same message', () => {
    expect(hash(text('20261121093000', ''))).toBe(hash(text('20261121093500+0000', 'token')))
    const wide = (time: string): Buffer => iconv.encode(text(time, '').replace('UTF-8', 'UTF-16'), 'utf-16be')
    expect(hash(wide('1'))).toBe(hash(wide('22')))
    const marked = (time: string): Buffer => Buffer.from(`\uFEFF\r\n${text(time, '')}`)
    expect(hash(marked('1'))).toBe(hash(marked('22')))
  })

  test('anything else that differs makes another message', () => {
    const all = [
      text('1', ''),
      text('1', '', 'Zoé'),
      text('1', '', 'Zoë', 'C2'),
      text('1', '').replaceAll('\r', '\r\n'),
      text('1', '').replace('PAS', 'PAS\u00e9'),
      `${text('1', '')}\r`,
    ]
    expect(new Set(all.map((one) => hash(Buffer.from(one)))).size).toBe(all.length)
  })

  test('a header without MSH-7 is hashed whole', () => {
    const short = 'MSH|^~\\&|A\rPID|1\r'
    expect(hash(short)).toBe(createHash('sha256').update(short).digest('hex'))
  })
})

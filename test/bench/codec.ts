/** HL7 v2: bytes to a message that can be read, and back, beside three other parsers. */
import { Hl7Message } from '@medplum/core'
import { HL7Message } from 'hl7v2'
import { createRequire } from 'node:module'
import { leaves } from '../../src/codec/hl7v2/leaves.js'
import { parseMessage } from '../../src/codec/hl7v2/parse.js'
import { race } from './measure.js'
import { admission, longResult, referral } from './messages.js'
import { result, type Bench, type Result } from './report.js'

/** What a gateway looks at in every message. */
const READS = [
  ['MSH', 9, 1],
  ['MSH', 9, 2],
  ['MSH', 10, 1],
  ['PID', 3, 1],
  ['PID', 5, 1],
  ['PID', 7, 1],
  ['PID', 11, 3],
] as const

interface SimpleParser {
  parse(text: string): SimpleMessage
}
interface SimpleMessage {
  readonly header: SimpleSegment
  getSegment(name: string): SimpleSegment | undefined
  toString(): string
}
interface SimpleSegment {
  getComponent(field: number, component: number): unknown
}

// The package has no types.
const simple = createRequire(import.meta.url)('simple-hl7') as { readonly Parser: new () => SimpleParser }

export const codec: Bench = {
  name: 'codec',
  run: async () =>
    [
      ['ADT 0.6 KB', admission()] as const,
      ['REF 1.6 KB', referral()] as const,
      ['ORU 50 KB', longResult()] as const,
    ].flatMap(([name, text]) => measured(name, text)),
}

function measured(name: string, text: string): Result[] {
  const bytes = Buffer.from(text)
  requireLossless(name, text)
  const simpleParser = new simple.Parser()
  const few = race({
    ours: () => {
      const message = parseMessage(bytes)
      for (const [segment, field, component] of READS) message.get(`${segment}-${field}.${component}`)
    },
    '@medplum/core': () => {
      const message = Hl7Message.parse(bytes.toString('utf8'))
      for (const [segment, field, component] of READS)
        message.getSegment(segment)?.getComponent(field, component)
    },
    hl7v2: () => {
      const message = HL7Message.parse(bytes.toString('utf8'))
      for (const [segment, field, component] of READS)
        message.getSegment(segment)?.field(field)?.getValue(component)
    },
    'simple-hl7': () => {
      const message = simpleParser.parse(bytes.toString('utf8'))
      for (const [segment, field, component] of READS) {
        // It keeps MSH apart and counts its fields without MSH-1 and MSH-2.
        if (segment === 'MSH') message.header.getComponent(field - 2, component)
        else message.getSegment(segment)?.getComponent(field, component)
      }
    },
  })
  const all = race({
    ours: () => {
      let length = 0
      for (const leaf of leaves(parseMessage(bytes))) length += leaf.value?.length ?? 0
      return length
    },
    '@medplum/core': () => {
      let length = 0
      for (const { fields } of Hl7Message.parse(bytes.toString('utf8')).segments)
        for (const { components } of fields)
          for (const repetition of components)
            for (const component of repetition) for (const part of component.split('&')) length += part.length
      return length
    },
  })
  return [...rows(`parse + 7 reads, ${name}`, few), ...rows(`parse + every element, ${name}`, all)]
}

/** A figure for a parser that lost something would be worth nothing. */
function requireLossless(name: string, text: string): void {
  const message = parseMessage(Buffer.from(text))
  const again = message.segments.map((segment) => `${segment.raw}\r`).join('')
  if (message.text !== text || again !== text) throw new Error(`${name} came back altered`)
}

/** How many times faster than each peer it has to be; none is asked where there is no entry. */
const GOALS: Readonly<Record<string, number>> = { '@medplum/core': 1, hl7v2: 4 }

function rows(name: string, { ours, ...peers }: Readonly<Record<string, number>>): Result[] {
  return Object.entries(peers).map(([peerName, peer]) => {
    const atLeast = name.startsWith('parse + 7') ? GOALS[peerName] : undefined
    return result({
      name,
      unit: 'per CPU s',
      ours: ours ?? 0,
      peer,
      peerName,
      ...(atLeast === undefined ? {} : { goal: { atLeast } }),
    })
  })
}

import { describe, expect, test } from '@jest/globals'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { buildAck } from '../../src/codec/hl7v2/ack.js'
import { parseMessage, requireHeader } from '../../src/codec/hl7v2/parse.js'
import { asFault, type Fault } from '../../src/terms/fault.js'
import { parseInstant } from '../../src/terms/instant.js'
import { startMllpServer } from '../../src/wire/mllp-server.js'
import { framed, message, Sender } from './mllp-peers.js'

const BAD = resolve('../shared/corpora/bad-input/hl7/own')
const withBad = existsSync(BAD) ? test : test.skip
const now = parseInstant('2026-11-21T09:30:00Z')!

/** What each stream is answered, and what of it is rejected before it is a message. */
const EXPECTED: Record<string, readonly [answers: readonly string[], rejects: readonly string[]]> = {
  '00': [['AA CTL1'], []],
  '01': [['AA CTL1'], ['frame-missing']],
  '02': [[], ['frame-missing']],
  '03': [['AE CTL1'], ['frame-incomplete']],
  '04': [['AE CTL1'], ['frame-incomplete']],
  '05': [['AA CTL1'], []],
  '06': [['AA CTL1', 'AA CTL2'], []],
  '07': [['AA CTL1', 'AE CTL1'], ['frame-incomplete']],
  '08': [['AE CTL1'], []],
  '09': [['AA CTL1'], ['frame-incomplete']],
  '10': [['AE CTL1'], []],
  '11': [['AE'], ['frame-empty']],
  '12': [[], []],
  '13': [['AA CTL1'], []],
  '14': [['AA CTL1'], []],
  '15': [[], ['frame-missing']],
  '16': [[], ['frame-missing']],
  '17': [[], []],
  '18': [['AE CTL1'], []],
  '19': [['AE CTL1'], []],
  '20': [['AE'], []],
  '21': [['AA CTL1'], []],
}

describe('framing streams (skipped without ../shared/corpora/bad-input)', () => {
  withBad('each gets its named answer, and none costs the server', async () => {
    const rejected: string[] = []
    const refuse = (fault: Fault, bytes: Uint8Array): Uint8Array =>
      buildAck({ original: bytes, code: fault.meaning.ack ?? 'AE', controlId: 'X', now })
    const server = await startMllpServer({
      host: '127.0.0.1',
      port: 0,
      limits: { frameTimeoutMs: 150, idleTimeoutMs: 150 },
      handle: async (bytes) => {
        try {
          const read = parseMessage(bytes)
          requireHeader(read)
          return buildAck({ original: read, code: 'AA', controlId: 'X', now })
        } catch (thrown) {
          return refuse(asFault(thrown), bytes)
        }
      },
      onReject: async ({ fault, bytes }) => {
        rejected.push(fault.code)
        return refuse(fault, bytes)
      },
    })
    for (const file of readdirSync(BAD).filter((name) => /^[012]/.test(name))) {
      rejected.length = 0
      const sender = await Sender.to(server.port)
      sender.write(readFileSync(join(BAD, file)))
      expect(await sender.closed()).toBe(true)
      expect({ file, answers: sender.answers, rejected }).toEqual({
        file,
        answers: EXPECTED[file.slice(0, 2)]?.[0],
        rejected: EXPECTED[file.slice(0, 2)]?.[1],
      })
    }
    const sender = await Sender.to(server.port)
    sender.write(framed(message('last')))
    expect(await sender.got(1)).toEqual(['AA last'])
    await server.close(0)
  })
})

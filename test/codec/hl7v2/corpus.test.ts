import { describe, expect, test } from '@jest/globals'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { splitBatch } from '../../../src/codec/hl7v2/batch.js'
import { leaves } from '../../../src/codec/hl7v2/leaves.js'
import { parseMessage, requireHeader } from '../../../src/codec/hl7v2/parse.js'
import { asFault } from '../../../src/terms/fault.js'

const CORPUS = resolve('../shared/corpora/hl7v2')
const BAD = resolve('../shared/corpora/bad-input/hl7/own')
const withCorpus = existsSync(CORPUS) ? test : test.skip
const withBad = existsSync(BAD) ? test : test.skip

const filesIn = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith('.hl7'))

describe('messages of the wild (skipped without ../shared/corpora/hl7v2)', () => {
  withCorpus('all are read, come out byte for byte, and each path finds its value', () => {
    const files = [
      ...filesIn(CORPUS),
      ...filesIn(join(CORPUS, 'malformed')).map((name) => join('malformed', name)),
    ]
    expect(files.length).toBeGreaterThan(400)
    for (const file of files) {
      const bytes = readFileSync(join(CORPUS, file))
      const message = parseMessage(bytes)
      expect({ file, same: Buffer.from(message.toBytes()).equals(bytes) }).toEqual({ file, same: true })
      for (const leaf of leaves(message)) {
        const { segmentIndex, field, repetition, component, subcomponent } = leaf
        const read = message.segments[segmentIndex]?.field(field).repetitions[repetition - 1]
        expect(read?.value(component, subcomponent)).toBe(leaf.value)
      }
    }
  })

  withCorpus('batches fall into messages that are read', () => {
    for (const file of filesIn(join(CORPUS, 'batch'))) {
      const { messages } = splitBatch(readFileSync(join(CORPUS, 'batch', file)))
      expect(messages.length).toBeGreaterThan(0)
      for (const { bytes } of messages) expect(parseMessage(bytes).segments.length).toBeGreaterThan(1)
    }
  })
})

describe('bad input (skipped without ../shared/corpora/bad-input)', () => {
  withBad('what the name expects is what the codec decides, as far as it decides', () => {
    const decided: Record<string, string> = {}
    for (const file of readdirSync(BAD).filter((name) => /^[4-6]/.test(name) && !/^6[34]/.test(name))) {
      const frame = readFileSync(join(BAD, file))
      try {
        requireHeader(parseMessage(frame.subarray(1, -2)))
      } catch (thrown) {
        decided[file.slice(0, 2)] = asFault(thrown).code
      }
    }
    expect(decided).toEqual({
      '40': 'msh-missing',
      '41': 'msh-too-short',
      '42': 'message-id-missing',
      '44': 'separators-invalid',
      '45': 'separators-invalid',
      '46': 'version-unsupported',
      '53': 'message-too-large',
      '54': 'message-too-large',
    })
  })
})

/** Whatever parses translates or is refused with a reason; the ledger adds up; the same message makes the same ids. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { DocumentReference } from 'fhir/r4.js'
import { existsSync, readFileSync } from 'node:fs'
import { leaves } from '../../src/codec/hl7v2/leaves.js'
import { parseMessage } from '../../src/codec/hl7v2/parse.js'
import { isError } from '../../src/terms/issue.js'
import type { Translation } from '../../src/translate/translation.js'
import { filesUnder, LONDON, PLAIN, translate, translator, validator } from './support.js'

const NAMES = [
  'PID',
  'PD1',
  'NK1',
  'PV1',
  'PV2',
  'RF1',
  'PRD',
  'CTD',
  'AUT',
  'DG1',
  'AL1',
  'PR1',
  'OBR',
  'OBX',
  'NTE',
  'ORC',
  'TQ1',
  'IN1',
  'GT1',
  'TXA',
  'EVN',
  'MSA',
  'ZU1',
]
const TYPES = [
  'REF^I12',
  'REF^I13',
  'REF^I14',
  'ORM^O01',
  'OMG^O19',
  'ADT^A01',
  'ORU^R01',
  'MDM^T02',
  'ACK',
  'XYZ^Z99',
]
const value = fc.oneof(
  fc.constantFrom(
    '',
    '',
    '',
    '""',
    'A',
    'ED',
    'NM',
    'CWE',
    'TM',
    '19761325',
    '20260329013000',
    '9990000018',
    '^^^NHS^NH',
    'a~b~c',
    'x^y&z^w',
    '-1',
    '1e9',
    ' ',
    '\\.br\\',
    'M',
    '2',
    'NHS',
    '1.2.3',
  ),
  fc.string({ maxLength: 12 }).map((text) => text.replace(/[\r\n|]/g, ' ')),
)
const segment = fc
  .tuple(fc.constantFrom(...NAMES), fc.array(value, { maxLength: 24 }))
  .map(([name, fields]) => `${name}|${fields.join('|')}`)
const lines = fc
  .tuple(fc.constantFrom(...TYPES), fc.array(segment, { maxLength: 14 }))
  .map(([type, segments]) => [
    `MSH|^~\\&|A|B|C|D|20260610120000||${type}|M1|P|2.5.1`,
    'PID|1||X1||Fam^Giv',
    ...segments,
  ])

function expectSound(result: Translation, total: number): void {
  if (!result.ok) {
    expect(result.issues.filter(isError).every(({ where, text }) => where !== '' && text !== '')).toBe(true)
    return
  }
  const { ledger } = result
  expect(ledger?.total).toBe(total)
  expect(ledger?.total).toBe((ledger?.mapped ?? 0) + (ledger?.carried ?? 0) + (ledger?.dropped.length ?? 0))
  const fates = result.fates()
  const kinds = [...fates.values()].map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'mapped')).toHaveLength(ledger?.mapped ?? -1)
  expect(kinds.filter((kind) => kind === 'carried')).toHaveLength(ledger?.carried ?? -1)
  const urls = (result.bundle?.entry ?? []).map(({ fullUrl }) => fullUrl)
  expect(new Set(urls).size).toBe(urls.length)
}

describe('any message', () => {
  test('translates or is refused; the ledger adds up', () => {
    fc.assert(
      fc.property(lines, (message) => {
        const parsed = parseMessage(message.join('\r'))
        expectSound(translator.translate(parsed, LONDON), leaves(parsed).length)
      }),
      { numRuns: 300 },
    )
  })

  test('what it becomes is valid FHIR R4', () => {
    fc.assert(
      fc.property(lines, (message) => {
        const { bundle } = translate(message)
        if (bundle !== null) expect(validator.validate(bundle).filter(isError)).toEqual([])
      }),
      { numRuns: 300 },
    )
  })

  test('the same message makes the same bundle, another sender other ids', () => {
    fc.assert(
      fc.property(lines, (message) => {
        const [first, second] = [translate(message), translate(message)]
        expect(second.bundle).toEqual(first.bundle)
        const other = translate(message, { ...LONDON, sourceId: 'sender-b' })
        const ids = (result: Translation): unknown[] =>
          (result.bundle?.entry ?? []).map(({ fullUrl }) => fullUrl)
        expect(ids(first).filter((id) => ids(other).includes(id))).toEqual([])
      }),
      { numRuns: 100 },
    )
  })

  test('carried elements are readable in the bundle', () => {
    const result = translate([
      'MSH|^~\\&|A|B|||20260610||REF^I12|M1|P|2.4',
      'PID|1||X1||Fam',
      'ZU1|1|20260601^Ready',
    ])
    const document = result.bundle?.entry
      ?.map(({ resource }) => resource)
      .find((r): r is DocumentReference => r?.resourceType === 'DocumentReference')
    const text = Buffer.from(document?.content[0]?.attachment.data ?? '', 'base64').toString('utf8')
    expect(text.split('\n')).toEqual(['ZU1-1: 1', 'ZU1-2.1: 20260601', 'ZU1-2.2: Ready'])
  })
})

const CORPUS = '../shared/corpora/hl7v2'
const corpus = existsSync(CORPUS) ? test : test.skip
corpus('the corpus (skipped where ../shared is absent): every message is sound and valid', () => {
  let refused = 0
  const files = filesUnder(CORPUS).filter((path) => path.endsWith('.hl7') && !/malformed|batch/.test(path))
  for (const path of files) {
    const message = parseMessage(readFileSync(path))
    const result = translator.translate(message, PLAIN)
    expectSound(result, leaves(message).length)
    if (!result.ok) refused++
    else expect([path, validator.validate(result.bundle).filter(isError)]).toEqual([path, []])
    if (message.messageCode === 'REF') expect([path, result.ok]).toEqual([path, true])
  }
  expect(refused / files.length).toBeLessThan(0.02)
})

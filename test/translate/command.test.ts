/** `onedoor translate` over files, as the outer contract words it. */
import { afterAll, describe, expect, test } from '@jest/globals'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runTranslate } from '../../src/cli/translate.js'
import type { Instant } from '../../src/terms/instant.js'
import { LONDON, translator, validator } from './support.js'

const folder = mkdtempSync(join(tmpdir(), 'onedoor-translate-'))
afterAll(() => rmSync(folder, { recursive: true }))

const REF = [
  'MSH|^~\\&|PAS|RWE01|SPOA|LLR|20260610120000||REF^I12|M-1|P|2.4',
  'RF1|A|R||||R-1^PAS|20260610',
  'PID|1||X1||Harrow^Nadia',
].join('\r')

async function run(paths: readonly string[], bundleOnly = false) {
  let text = ''
  const code = await runTranslate(
    { paths, bundleOnly },
    {
      translator,
      contextOf: () => LONDON,
      validate: (bundle) => validator.validate(bundle),
      now: () => '2026-06-10T12:00:00.000Z' as Instant,
      newId: () => 'ACK-1',
      write: (piece) => {
        text += piece
      },
    },
  )
  return {
    code,
    text,
    lines: () =>
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

function write(name: string, content: string): string {
  const path = join(folder, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, content)
  return path
}

describe('runTranslate', () => {
  test('one line per message, with bundle, ledger and answer', async () => {
    const file = write('good/a.hl7', REF)
    const { code, lines } = await run([file])
    expect(code).toBe(0)
    expect(lines()).toEqual([
      expect.objectContaining({
        file,
        ok: true,
        channel: 'hl7v2',
        messageType: 'REF^I12',
        mapping: 'referral',
      }),
    ])
    expect(lines()[0]?.['ack']).toContain('MSA|AA|M-1')
    expect(lines()[0]?.['ledger']).toMatchObject({ dropped: [{ path: 'PID-1', reason: 'sequence-only' }] })
  })

  test('a folder is read in depth, without index.json and expected results', async () => {
    write('tree/deep/b.hl7', REF)
    write('tree/index.json', '[]')
    write('tree/b.expected.json', '{}')
    const { lines } = await run([join(folder, 'tree')])
    expect(lines().map(({ file }) => file)).toEqual([join(folder, 'tree/deep/b.hl7')])
  })

  test('each message of a batch has its line', async () => {
    const file = write('batch/c.hl7', `BHS|^~\\&\r${REF}\r${REF.replace('M-1', 'M-2')}\rBTS|2\r`)
    const { lines } = await run([file])
    expect(lines().map(({ ok }) => ok)).toEqual([true, true])
  })

  test('what cannot be read or mapped is told with place, text and a negative answer', async () => {
    const files = [
      write('bad/d.hl7', 'PID|1||X'),
      write('bad/e.hl7', REF.replace(/\rPID.*/, '')),
      join(folder, 'none'),
    ]
    const { code, lines } = await run(files)
    expect(code).toBe(1)
    for (const line of lines()) {
      expect(line).toMatchObject({ ok: false, bundle: null, ledger: null })
      expect(line['issues']).toEqual([expect.objectContaining({ severity: 'error' })])
    }
    expect(lines()[0]?.['ack']).toContain('MSA|AR')
    expect(lines()[1]?.['ack']).toContain('MSA|AE|M-1')
  })

  test('--bundle prints the bundle alone', async () => {
    const { text } = await run([write('one/f.hl7', REF)], true)
    expect(JSON.parse(text)).toMatchObject({ resourceType: 'Bundle', type: 'message' })
  })
})

/** The built `onedoor` commands as a person or a script runs them: lines, exit codes, words of refusal. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseMessage } from '../../src/codec/hl7v2/parse.js'
import { aReferral, onedoor } from '../support/gateway.js'

let folder = ''
const at = (name: string): string => join(folder, name)

const bad = (id: string): Buffer =>
  Buffer.from(`MSH|^~\\&|PAS|NORTHGATE|||20261121||REF^I12|${id}|P|2.5.1\rRF1|P|A\r`)

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onedoor-cli-'))
  mkdirSync(at('in/deep'), { recursive: true })
  writeFileSync(at('in/b.hl7'), aReferral({ id: 'B' }))
  writeFileSync(at('in/deep/a.hl7'), aReferral({ id: 'A' }))
  writeFileSync(at('in/index.json'), '[]')
  writeFileSync(at('in/b.expected.json'), '{}')
  writeFileSync(at('bad.hl7'), bad('BAD'))
  writeFileSync(at('no-hl7.txt'), 'Dear Sir or Madam')
  writeFileSync(at('batch.hl7'), `BHS|^~\\&|PAS\r${aReferral({ id: 'X' })}${aReferral({ id: 'Y' })}BTS|2\r`)
})
afterAll(() => rmSync(folder, { recursive: true }))

interface Line {
  readonly file: string
  readonly ok: boolean
  readonly messageType: string
  readonly mapping: string | null
  readonly bundle: { readonly resourceType: string; readonly entry: readonly unknown[] } | null
  readonly ledger: {
    readonly total: number
    readonly mapped: number
    readonly carried: number
    readonly dropped: unknown[]
  } | null
  readonly issues: readonly {
    readonly severity: string
    readonly code: string
    readonly where: string
    readonly text: string
  }[]
  readonly ack: string
}

const linesOf = (stdout: string): Line[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)

describe('onedoor translate', () => {
  test('one line a message, its fields in their order', async () => {
    const { code, stdout, stderr } = await onedoor(['translate', at('in/b.hl7')])
    expect([code, stderr]).toEqual([0, ''])
    const [line, ...more] = linesOf(stdout)
    expect(more).toEqual([])
    expect(Object.keys(line!)).toEqual([
      'file',
      'ok',
      'channel',
      'messageType',
      'mapping',
      'bundle',
      'ledger',
      'issues',
      'ack',
    ])
    expect(line).toMatchObject({
      file: at('in/b.hl7'),
      ok: true,
      channel: 'hl7v2',
      messageType: 'REF^I12',
      mapping: 'referral',
    })
    expect(line?.bundle?.resourceType).toBe('Bundle')
    expect(Object.keys(line!.ledger!)).toEqual(['total', 'mapped', 'carried', 'dropped'])
    const { total, mapped, carried, dropped } = line!.ledger!
    expect(mapped + carried + dropped.length).toBe(total)
    const ack = parseMessage(Buffer.from(line!.ack))
    expect([ack.get('MSA-1'), ack.get('MSA-2')]).toEqual(['AA', 'B'])
    // HL7 v2.5.1 ch. 2.15.9.10: MSH-10 has twenty characters at most.
    expect(ack.controlId?.length).toBeLessThanOrEqual(20)
  })

  test('a folder: recursively, by name, without index.json and expected results', async () => {
    const { code, stdout } = await onedoor(['translate', at('in')])
    expect(code).toBe(0)
    expect(linesOf(stdout).map(({ file }) => file)).toEqual([at('in/b.hl7'), at('in/deep/a.hl7')])
  })

  test('what cannot be translated: ok false with the same fields, the reason and the negative answer; exit 1', async () => {
    const { code, stdout } = await onedoor([
      'translate',
      at('bad.hl7'),
      at('in/b.hl7'),
      at('no-hl7.txt'),
      at('not-there'),
    ])
    expect(code).toBe(1)
    const lines = linesOf(stdout)
    expect(lines.map(({ ok }) => ok)).toEqual([false, true, false, false])
    for (const line of lines) {
      expect(Object.keys(line)).toEqual([
        'file',
        'ok',
        'channel',
        'messageType',
        'mapping',
        'bundle',
        'ledger',
        'issues',
        'ack',
      ])
    }
    const [missing, , letter, nowhere] = lines
    expect(missing).toMatchObject({ messageType: 'REF^I12', bundle: null, ledger: null })
    expect(missing?.issues.filter(({ severity }) => severity === 'error')).toMatchObject([
      { code: 'required-missing', where: 'PID' },
    ])
    expect(parseMessage(Buffer.from(missing!.ack)).get('MSA-1')).toBe('AE')
    expect(letter?.issues).toMatchObject([{ severity: 'error' }])
    expect(parseMessage(Buffer.from(letter!.ack)).get('MSA-1')).toBe('AR')
    expect(nowhere?.issues).toMatchObject([{ severity: 'error', code: 'not-found', where: 'not-there' }])
  })

  test('a type that no mapping takes: AR, as at the port', async () => {
    const input = Buffer.from('MSH|^~\\&|PAS|NORTHGATE|||20261121|||C1|P|2.5.1\r')
    const { code, stdout } = await onedoor(['translate', '-'], { input })
    expect(code).toBe(1)
    const [line] = linesOf(stdout)
    expect(line).toMatchObject({ file: '-', ok: false })
    expect(parseMessage(Buffer.from(line!.ack)).get('MSA-1')).toBe('AR')
  })

  test('a batch: a line for each of its messages', async () => {
    const { stdout } = await onedoor(['translate', at('batch.hl7')])
    expect(linesOf(stdout).map(({ ok, ack }) => [ok, parseMessage(Buffer.from(ack)).get('MSA-2')])).toEqual([
      [true, 'X'],
      [true, 'Y'],
    ])
  })

  test('- reads standard input; --bundle prints the indented bundle alone', async () => {
    const { code, stdout } = await onedoor(['translate', '--bundle', '-'], { input: aReferral({ id: 'IN' }) })
    expect(code).toBe(0)
    expect(stdout.split('\n').slice(0, 2)).toEqual(['{', '  "resourceType": "Bundle",'])
    expect(JSON.parse(stdout)).toMatchObject({ resourceType: 'Bundle', type: 'message' })
  })

  test('--source decides whose local identifiers they are', async () => {
    const systemsOf = async (...args: string[]): Promise<string> =>
      (await onedoor(['translate', ...args, at('in/b.hl7')])).stdout
    expect(await systemsOf('--source', 'uhl')).toContain('/id/uhl/')
    expect(await systemsOf()).not.toContain('/id/uhl/')
    const unknown = await onedoor(['translate', '--source', 'nobody', at('in/b.hl7')])
    expect(unknown.code).toBe(1)
    expect(unknown.stderr).toMatch(/^sender-unknown: --source: .*uhl/)
  })
})

describe('onedoor validate', () => {
  beforeAll(() => {
    mkdirSync(at('fhir/deep'), { recursive: true })
    writeFileSync(at('fhir/a.json'), '{"resourceType":"Patient","gender":"female"}')
    writeFileSync(at('fhir/deep/b.json'), '{"resourceType":"Patient","gender":"w"}')
    const profile = {
      resourceType: 'StructureDefinition',
      url: 'http://example.org/born',
      name: 'Born',
      status: 'active',
      abstract: false,
      type: 'Patient',
      kind: 'resource',
      baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Patient',
      derivation: 'constraint',
      differential: { element: [{ id: 'Patient.birthDate', path: 'Patient.birthDate', min: 1 }] },
    }
    writeFileSync(at('born.json'), JSON.stringify(profile))
    const job = (id: number, more: object) => JSON.stringify({ id, file: at('fhir/a.json'), ...more })
    writeFileSync(
      at('jobs.ndjson'),
      [
        job(1, { definitions: [at('born.json')], profiles: ['http://example.org/born'] }),
        job(2, { definitions: [], profiles: [] }),
      ].join('\n'),
    )
  })

  interface Verdict {
    readonly id?: number
    readonly file: string
    readonly valid: boolean
    readonly outcome: {
      readonly resourceType: string
      readonly issue: readonly { readonly severity: string }[]
    }
  }
  const verdicts = (stdout: string): Verdict[] =>
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Verdict)

  test('a folder: one line each, exit 1 when any is not valid', async () => {
    const { code, stdout } = await onedoor(['validate', at('fhir')])
    expect(code).toBe(1)
    const found = verdicts(stdout)
    expect(found.map((line) => Object.keys(line))).toEqual([
      ['file', 'valid', 'outcome'],
      ['file', 'valid', 'outcome'],
    ])
    expect(found.map(({ file, valid }) => [file, valid])).toEqual([
      [at('fhir/a.json'), true],
      [at('fhir/deep/b.json'), false],
    ])
    expect(found[1]?.outcome.resourceType).toBe('OperationOutcome')
  })

  test('a profile, its definition and standard input', async () => {
    const args = ['validate', '--definitions', at('born.json'), '--profile', 'http://example.org/born', '-']
    expect((await onedoor(args, { input: '{"resourceType":"Patient"}' })).code).toBe(1)
    expect((await onedoor(args, { input: '{"resourceType":"Patient","birthDate":"1940"}' })).code).toBe(0)
  })

  test('--jobs: each with its id and its own definitions', async () => {
    const { code, stdout } = await onedoor(['validate', '--jobs', at('jobs.ndjson')])
    expect(code).toBe(1)
    expect(verdicts(stdout).map(({ id, valid }) => [id, valid])).toEqual([
      [1, false],
      [2, true],
    ])
  })
})

describe('what is asked wrongly', () => {
  test.each([
    [['translate'], 1, /^config-invalid: Name at least one file.*onedoor translate/],
    [['validate'], 1, /^config-invalid: Name at least one file.*onedoor validate/],
    [['translate', '--nope', 'x'], 1, /^config-invalid: Unknown option '--nope'\. See onedoor help\.\n$/],
    [['validate', '--profile'], 1, /^config-invalid: /],
    [['simulate', 'nobody'], 1, /^config-invalid: .*nobody/],
    [['nope'], 2, /^onedoor <command>/],
  ])('onedoor %j: exit %i', async (args, code, said) => {
    const finished = await onedoor(args)
    expect(finished.code).toBe(code)
    expect(finished.stdout).toBe('')
    expect(finished.stderr).toMatch(said)
  })

  test.each([['help'], ['--help'], ['-h']])('onedoor %s says what there is', async (arg) => {
    const { code, stdout, stderr } = await onedoor([arg])
    expect([code, stderr]).toEqual([0, ''])
    for (const command of ['serve', 'migrate', 'translate', 'validate', 'simulate', 'demo']) {
      expect(stdout).toContain(`\n  ${command} `)
    }
  })

  test('npx onedoor runs from the repository', () => {
    const { status, stdout } = spawnSync('npx', ['--no-install', 'onedoor', 'help'], {
      cwd: resolve(import.meta.dirname, '../..'),
      encoding: 'utf8',
    })
    expect(status).toBe(0)
    expect(stdout).toContain('onedoor <command>')
  })
})

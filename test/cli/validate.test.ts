/** `onedoor validate`: its lines, exit codes and jobs. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runValidate, type ValidateRequest } from '../../src/cli/validate.js'
import { definitions } from '../fhir/support.js'

let folder = ''
const at = (name: string): string => join(folder, name)
const URL = 'http://example.org/StructureDefinition/born'
const profile = {
  resourceType: 'StructureDefinition',
  url: URL,
  type: 'Patient',
  kind: 'resource',
  baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Patient',
  derivation: 'constraint',
  differential: { element: [{ path: 'Patient.birthDate', min: 1 }] },
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onedoor-validate-'))
  mkdirSync(at('in/deep'), { recursive: true })
  writeFileSync(at('in/b.json'), '{"resourceType":"Patient"}')
  writeFileSync(at('in/deep/a.json'), '{"resourceType":"Patient","gender":"m"}')
  writeFileSync(at('in/notes.txt'), 'not a resource')
  writeFileSync(at('patient.xml'), '<?xml version="1.0"?><Patient xmlns="http://hl7.org/fhir"/>')
  writeFileSync(at('broken.json'), '{"resourceType":')
  writeFileSync(at('profile.json'), JSON.stringify(profile))
  writeFileSync(at('profile.xml'), '<StructureDefinition xmlns="http://hl7.org/fhir"/>')
})
afterAll(() => rmSync(folder, { recursive: true }))

async function run(request: ValidateRequest, stdin = '') {
  const lines: string[] = []
  const code = await runValidate(request, {
    definitions,
    readStdin: () => Promise.resolve(stdin),
    write: (line) => lines.push(line),
  })
  return { code, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

const codesOf = (line: Record<string, unknown> | undefined): readonly string[] =>
  (line?.['outcome'] as { issue: { code: string }[] }).issue.map(({ code }) => code)

describe('files', () => {
  test('a folder is read recursively, in order, one line per resource', async () => {
    const { code, lines } = await run({ inputs: [at('in')] })
    expect(lines.map(({ file, valid }) => [file, valid])).toEqual([
      [at('in/b.json'), true],
      [at('in/deep/a.json'), false],
    ])
    expect(Object.keys(lines[0] ?? {})).toEqual(['file', 'valid', 'outcome'])
    expect(code).toBe(1)
  })

  test('0 when all are valid', async () => {
    expect((await run({ inputs: [at('in/b.json')] })).code).toBe(0)
  })

  test('standard input', async () => {
    const { code, lines } = await run({ inputs: ['-'] }, '{"resourceType":"Patient"}')
    expect([code, lines[0]?.['file'], lines[0]?.['valid']]).toEqual([0, '-', true])
  })

  test.each([
    ['broken.json', 'structure'],
    ['patient.xml', 'not-supported'],
    ['absent.json', 'not-found'],
  ])('%s: %s', async (name, issue) => {
    const { code, lines } = await run({ inputs: [at(name)] })
    expect([code, codesOf(lines[0])]).toEqual([1, [issue]])
  })

  test('definitions and profiles', async () => {
    const request = { inputs: [at('in/b.json')], definitions: [at('profile.json')], profiles: [URL] }
    const { code, lines } = await run(request)
    expect([code, codesOf(lines[0])]).toEqual([1, ['required']])
  })

  test('a definition that cannot be read is told, and judges nothing', async () => {
    const { code, lines } = await run({ inputs: [at('in/b.json')], definitions: [at('profile.xml')] })
    expect([code, lines[0]?.['valid'], codesOf(lines[0])[0]]).toEqual([0, true, 'not-supported'])
  })
})

describe('jobs', () => {
  const jobs = async (...rows: readonly unknown[]) => {
    writeFileSync(
      at('jobs.ndjson'),
      rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'),
    )
    return run({ inputs: [], jobs: at('jobs.ndjson') })
  }

  test('answers carry the id; one job does not see the definitions of another', async () => {
    const file = at('in/b.json')
    const { code, lines } = await jobs(
      { id: 'a', file, definitions: [at('profile.json')], profiles: [URL] },
      { id: 'b', file, definitions: [], profiles: [URL] },
      { id: 'c', file },
    )
    expect(lines.map((line) => [line['id'], line['valid'], codesOf(line)[0]])).toEqual([
      ['a', false, 'required'],
      ['b', false, 'not-found'],
      ['c', true, 'informational'],
    ])
    expect(code).toBe(1)
  })

  test('a profile may be named by its file', async () => {
    const { lines } = await jobs({ id: 1, file: at('in/b.json'), profiles: [at('profile.json')] })
    expect([lines[0]?.['id'], lines[0]?.['file'], codesOf(lines[0])]).toEqual([
      1,
      at('in/b.json'),
      ['required'],
    ])
  })

  test('a profile that cannot be read is an error: it was asked for', async () => {
    const { lines } = await jobs({ id: 1, file: at('in/b.json'), profiles: [at('profile.xml')] })
    expect(lines[0]?.['valid']).toBe(false)
  })

  test('a wrong line is answered, and the next one is done', async () => {
    const { lines } = await jobs('not json', { id: 2 }, { id: 3, file: at('in/b.json') })
    expect(lines.map((line) => [line['id'], line['valid']])).toEqual([
      [null, false],
      [null, false],
      [3, true],
    ])
  })
})

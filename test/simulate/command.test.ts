/** `onedoor simulate`: options, and one JSON line per event. */
import { describe, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { runSimulate } from '../../src/simulate/command.js'
import { instantOf } from '../../src/terms/instant.js'

async function run(args: readonly string[]): Promise<{ code: number; lines: string[] }> {
  const lines: string[] = []
  const code = await runSimulate(args, {
    write: (line) => void lines.push(line),
    now: () => instantOf(new Date('2026-11-21T09:00:00Z')),
    newId: randomUUID,
    stopped: Promise.resolve(),
  })
  return { code, lines }
}

test.each([
  ['bars-receiver', ['--service', '2000000042', '--decide', 'reject', '--misbehave', 'slow']],
  ['fhir-receiver', ['--decide', 'complete', '--delay-ms', '0']],
  ['hospital', ['--count', '0', '--mllp', '127.0.0.1:1']],
])('%s says where it listens, and stops', async (partner, options) => {
  const { code, lines } = await run([partner, ...options])
  expect(code).toBe(0)
  const listening = lines.map((line) => JSON.parse(line)).find(({ event }) => event === 'listening')
  expect(listening).toMatchObject({ partner, port: expect.any(Number), at: '2026-11-21T09:00:00.000Z' })
  expect(lines.every((line) => line.endsWith('\n'))).toBe(true)
})

test('without a partner it tells how', async () => {
  const { code, lines } = await run([])
  expect(code).toBe(2)
  expect(lines.join('')).toContain('bars-receiver --service ID')
})

describe('a wrong argument is named', () => {
  test.each([
    [['astronaut'], 'astronaut'],
    [['bars-receiver'], '--service'],
    [['bars-receiver', '--service', '1', '--decide', 'maybe'], '--decide maybe'],
    [['fhir-receiver', '--misbehave', 'nicely'], '--misbehave nicely'],
    [['fhir-receiver', '--port', 'x'], '--port x'],
    [['fhir-receiver', '--wrong'], '--wrong'],
  ])('%j', async (args, found) => {
    await expect(run(args)).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining(found),
    })
  })
})

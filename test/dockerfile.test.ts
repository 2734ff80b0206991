/** No container engine is needed: the Dockerfile's own COPY and RUN steps are run in clean folders, one per stage,
 *  and the result is started as its CMD says. */
import { afterAll, expect, test } from '@jest/globals'
import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Stage {
  readonly folder: string
  workdir: string
}

const root = mkdtempSync(join(tmpdir(), 'onedoor-image-'))
chmodSync(root, 0o755)
afterAll(() => rmSync(root, { recursive: true, force: true }))

const instructions = readFileSync('Dockerfile', 'utf8')
  .replace(/\\\n\s*/g, ' ')
  .split('\n')
  .filter((line) => /^[A-Z]+ /.test(line))
  .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)] as const)

const stages = new Map<string, Stage>()
let current: Stage = { folder: root, workdir: '/' }

const inside = (stage: Stage, path: string): string =>
  join(stage.folder, path.startsWith('/') ? path : join(stage.workdir, path))

function perform(instruction: string, rest: string): void {
  if (instruction === 'FROM') {
    const name = / AS (\w+)$/.exec(rest)?.[1] ?? 'final'
    current = { folder: join(root, name), workdir: '/' }
    mkdirSync(current.folder)
    stages.set(name, current)
  } else if (instruction === 'WORKDIR') {
    current.workdir = rest
    mkdirSync(inside(current, '.'), { recursive: true })
  } else if (instruction === 'COPY') {
    copy(rest)
  } else if (instruction === 'RUN') {
    execFileSync('/bin/sh', ['-ec', rest.replace('chown -R node:0', 'true')], {
      cwd: inside(current, '.'),
      stdio: 'pipe',
      // npm's own settings (registry, certificates) come from the machine; what the product reads does not.
      env: { ...process.env, DATABASE_URL: '', NODE_OPTIONS: '', HOME: root },
    })
  }
}

function copy(rest: string): void {
  const from = /^--from=(\w+) /.exec(rest)
  const paths = rest.replace(/^--from=\w+ /, '').split(' ')
  const target = paths.pop() ?? '.'
  for (const path of paths) {
    const source = from === null ? path : inside(stages.get(from[1] ?? '') ?? current, path)
    const into = target === './' || target === '.' ? join(target, path) : target
    cpSync(source, inside(current, into), { recursive: true, verbatimSymlinks: true })
  }
}

test('every step of the image runs in a clean folder, and the gateway it makes takes work', async () => {
  for (const [instruction, rest] of instructions) perform(instruction, rest)
  const app = inside(current, '.')
  chmodSync(app, 0o755)
  expect(existsSync(join(app, 'node_modules', 'typescript'))).toBe(false)
  expect(statSync(join(app, 'cluster', 'postgres', 'PG_VERSION')).isFile()).toBe(true)
  const gateway = spawn(process.execPath, ['dist/main.js', 'serve'], {
    cwd: app,
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      MLLP_PORT: '0',
      LOG_LEVEL: 'warn',
      ONEDOOR_DATA_DIR: join(app, 'data'),
      ONEDOOR_CLUSTER_TEMPLATE: join(app, 'cluster'),
    },
  })
  try {
    const line = await new Promise<string>((resolve, reject) => {
      gateway.stdout.once('data', (data: Buffer) => resolve(data.toString()))
      gateway.once('exit', (code) => reject(new Error(`the gateway ended with ${code}`)))
    })
    const { http } = JSON.parse(line) as { http: string }
    expect((await fetch(`${http}/health/ready`)).status).toBe(200)
    expect((await fetch(`${http}/FHIR/R4/metadata`)).status).toBe(200)
  } finally {
    const ended = new Promise((resolve) => gateway.once('exit', resolve))
    gateway.kill('SIGTERM')
    await ended
  }
}, 300_000)

/** Builds `dist/`: the compiled product and the FHIR definitions pack, each only when its sources changed. */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)

const newest = (path) => {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))))
}
const upToDate = (mark, sources) =>
  existsSync(mark) && sources.every((source) => newest(source) <= statSync(mark).mtimeMs)

const compiled = 'dist/.compiled'
if (!upToDate(compiled, ['src', 'tsconfig.json', 'tsconfig.build.json', 'package.json'])) {
  for (const name of existsSync('dist') ? readdirSync('dist') : []) {
    if (name !== 'definitions') rmSync(join('dist', name), { recursive: true })
  }
  const tsc = join('node_modules', 'typescript', 'bin', 'tsc')
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
  chmodSync('dist/main.js', 0o755)
  writeFileSync(compiled, '')
}

const pack = 'dist/definitions/r4.json'
if (!upToDate(pack, ['scripts/build-definitions.mjs', 'package.json'])) {
  mkdirSync('dist/definitions', { recursive: true })
  const { buildDefinitions } = await import('./build-definitions.mjs')
  await buildDefinitions(pack)
}

import { expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, Record<string, string>>
const groups = ['dependencies', 'optionalDependencies', 'devDependencies']
const packages = groups.flatMap((group) => Object.entries(manifest[group] ?? {}))

test('every dependency has its sentence in docs/dependencies.md', () => {
  const named = [...readFileSync('docs/dependencies.md', 'utf8').matchAll(/`([^`]+)`/g)].map(
    (match) => match[1] ?? '',
  )
  const covered = (name: string): boolean =>
    named.some((entry) => (entry.endsWith('/*') ? name.startsWith(entry.slice(0, -1)) : name === entry))
  expect(packages.map(([name]) => name).filter((name) => !covered(name))).toEqual([])
})

test('every version is exact', () => {
  expect(packages.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([])
})

test('the lock file holds no download addresses', () => {
  expect(readFileSync('package-lock.json', 'utf8')).not.toContain('"resolved"')
})

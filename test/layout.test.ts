import { describe, expect, test } from '@jest/globals'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/** One-way imports: a file may import from its own folder or from a group to the left of it.
 *  Names in one group never import each other. `docs/architecture.md` says why. */
const ORDER = [
  'terms',
  'fhir',
  'codec',
  'translate',
  'directory',
  'referral capacity',
  'store',
  'flow',
  'wire',
  'channels',
  'publish api console',
  'simulate cli',
  'config',
  'main',
]

const rank = (folder: string): number => ORDER.findIndex((group) => group.split(' ').includes(folder))
const folderOf = (file: string): string => (file.split('/')[0] ?? '').replace(/\.ts$/, '')

function filesUnder(dir: string): string[] {
  return readdirSync(dir).flatMap((name) => {
    const path = join(dir, name)
    if (statSync(path).isDirectory()) return filesUnder(path)
    return path.endsWith('.ts') ? [path] : []
  })
}

function importsUnder(root: string): { file: string; from: string; to: string }[] {
  return filesUnder(root).flatMap((path) => {
    const file = relative(root, path)
    const specifiers = [...readFileSync(path, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)]
    return specifiers.map((match) => ({
      file,
      from: folderOf(file),
      to: folderOf(relative(root, resolve(dirname(path), match[1] ?? ''))),
    }))
  })
}

describe('layout', () => {
  test('every folder of src has its place in the order', () => {
    const folders = readdirSync('src').map((name) => name.replace(/\.ts$/, ''))
    expect(folders.filter((folder) => rank(folder) < 0)).toEqual([])
  })

  test('imports run one way', () => {
    const wrong = importsUnder('src').filter(({ from, to }) => from !== to && rank(to) >= rank(from))
    expect(wrong).toEqual([])
  })

  test('imports stay inside src', () => {
    expect(importsUnder('src').filter(({ to }) => to === '..')).toEqual([])
  })

  test('the conformance kit imports nothing from src', () => {
    const text = filesUnder('conformance').map((path) => readFileSync(path, 'utf8'))
    expect(text.filter((source) => /from '[^']*\/src\//.test(source))).toEqual([])
  })
})

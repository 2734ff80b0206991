/** Whatever of OneDoor's own stands in a bundle is published in `profiles/`, and used as it is published. */
import { describe, expect, test } from '@jest/globals'
import type { StructureDefinition } from 'fhir/r4.js'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesUnder } from './support.js'

const published = readdirSync('profiles').map(
  (name) => JSON.parse(readFileSync(join('profiles', name), 'utf8')) as StructureDefinition,
)
const byUrl = new Map(published.map((resource) => [resource.url, resource]))

const OWN = /https:\/\/onedoor\.dev\/fhir\/(?:StructureDefinition|CodeSystem|ValueSet)\/[A-Za-z0-9-]+/g
const used = new Map(
  [...filesUnder('mappings'), ...filesUnder('src')].flatMap((path) =>
    [...readFileSync(path, 'utf8').matchAll(OWN)].map(([url]) => [url, path] as const),
  ),
)

const extensions = published.filter(({ type }) => type === 'Extension')
const goldens = readdirSync('test/golden/hl7v2').map(
  (name) => JSON.parse(readFileSync(join('test/golden/hl7v2', name, 'out.json'), 'utf8')) as unknown,
)

test.each([...used])('%s of %s is published', (url) => {
  expect(byUrl.has(url)).toBe(true)
})

test.each(extensions.map(({ url }) => url))('%s is used', (url) => {
  expect(used.has(url)).toBe(true)
})

describe('in the golden bundles', () => {
  const found = goldens.flatMap((bundle) => extensionsIn(bundle, ''))

  test('there are some', () => {
    expect(found.length).toBeGreaterThan(10)
  })

  test.each(found.map(({ url, place, value }) => [url, place, value]))(
    '%s at %s holds %s',
    (url, place, value) => {
      const definition = byUrl.get(url)
      const at = definition?.context?.map(({ expression }) => expression)
      expect(at).toContain(place)
      expect(valueTypes(definition)).toContain(value)
    },
  )
})

interface Found {
  readonly url: string
  /** `Patient`, `MessageHeader.source`. */
  readonly place: string
  /** `valueCode`, or `extension` where it has parts. */
  readonly value: string
}

function extensionsIn(node: unknown, place: string): Found[] {
  if (Array.isArray(node)) return node.flatMap((item) => extensionsIn(item, place))
  if (typeof node !== 'object' || node === null) return []
  const { resourceType, url } = node as { resourceType?: unknown; url?: unknown }
  const here = typeof resourceType === 'string' ? resourceType : place
  const own: Found[] = []
  if (typeof url === 'string' && url.startsWith('https://onedoor.dev/')) {
    const value = Object.keys(node).find((key) => key !== 'url') ?? ''
    own.push({ url, place: here.replace(/\.extension$/, ''), value })
  }
  return [...own, ...Object.entries(node).flatMap(([key, child]) => extensionsIn(child, `${here}.${key}`))]
}

function valueTypes(definition: StructureDefinition | undefined): readonly string[] {
  const value = definition?.differential?.element.find(({ path }) => path === 'Extension.value[x]')
  if (value?.max === '0') return ['extension']
  return (value?.type ?? []).map(({ code }) => `value${code.charAt(0).toUpperCase()}${code.slice(1)}`)
}

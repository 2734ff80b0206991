/** The product's own mappings, compiled against the built definitions pack, for every translation test. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseMessage } from '../../src/codec/hl7v2/parse.js'
import { createDefinitions } from '../../src/fhir/definitions.js'
import { createValidator } from '../../src/fhir/validate.js'
import type { Instant } from '../../src/terms/instant.js'
import { catalogueOf } from '../../src/translate/catalogue.js'
import type { TranslateContext, Translation } from '../../src/translate/translation.js'
import { createTranslator } from '../../src/translate/translator.js'

export function filesUnder(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const path = join(folder, name)
      return statSync(path).isDirectory() ? filesUnder(path) : [path]
    })
}

export const mappings: ReadonlyMap<string, string> = new Map(
  filesUnder('mappings')
    .filter((path) => path.endsWith('.yaml'))
    .map((path) => [path, readFileSync(path, 'utf8')]),
)

const definitions = createDefinitions(JSON.parse(readFileSync('dist/definitions/r4.json', 'utf8')))

export const catalogue = catalogueOf(definitions)
export const validator = createValidator(definitions)
export const translator = createTranslator({ mappings, catalogue })

export const LONDON: TranslateContext = {
  sourceId: 'sender-a',
  timeZone: 'Europe/London',
  overlays: ['uk'],
  receivedAt: '2026-11-21T09:30:00.000Z' as Instant,
}

/** The same sender without anything English. */
export const PLAIN: TranslateContext = { ...LONDON, overlays: [] }

export const translate = (lines: readonly string[], context: TranslateContext = LONDON): Translation =>
  translator.translate(parseMessage(lines.join('\r')), context)

/** The value at `Patient.name[0].family` of a bundle; `Observation[1]` is the second one. `ref:Type[n]` stands for the
 *  reference to an entry. */
export function valueAt(translation: Translation, path: string): unknown {
  const { bundle } = translation
  if (path.startsWith('Bundle.')) return walk(bundle, path.slice('Bundle.'.length))
  const match = /^([A-Za-z]+)(?:\[(\d+)\])?(?:\.(.+))?$/.exec(path)
  const [, type = '', nth = '0', rest] = match ?? []
  const found = (bundle?.entry ?? []).filter(({ resource }) => resource?.resourceType === type)[Number(nth)]
  return rest === undefined ? found?.resource : walk(found?.resource, rest)
}

export function fullUrl(translation: Translation, path: string): string | undefined {
  const [, type = '', nth = '0'] = /^([A-Za-z]+)(?:\[(\d+)\])?$/.exec(path) ?? []
  return (translation.bundle?.entry ?? []).filter(({ resource }) => resource?.resourceType === type)[
    Number(nth)
  ]?.fullUrl
}

function walk(from: unknown, path: string): unknown {
  let value = from
  for (const step of path.split('.')) {
    const [, name = step, index] = /^(\w+)(?:\[(\d+)\])?$/.exec(step) ?? []
    value = (value as Record<string, unknown> | undefined)?.[name]
    if (index !== undefined) value = (value as unknown[] | undefined)?.[Number(index)]
  }
  return value
}

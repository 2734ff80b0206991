/** Files that ship with the product: mappings, profiles, the definitions pack. Read once at start. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DefinitionPack } from '../fhir/definitions.js'
import { Fault } from '../terms/fault.js'
import { instantOf, type Instant } from '../terms/instant.js'
import type { TlsFiles } from './environment.js'

/** The package's own folder: two levels above this file, both in `src` and in `dist`. */
export const productRoot = fileURLToPath(new URL('../../', import.meta.url))

/** `path` as given, or the one of that name that ships with the product when there is none. */
export const shippedOr = (path: string): string =>
  existsSync(path) || isAbsolute(path) ? path : join(productRoot, path)

/** Every file under `dir` with one of the endings: path relative to `dir`, with `/`, and its text. */
export function readTexts(dir: string, endings: readonly string[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>()
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) walk(path)
      else if (endings.some((ending) => entry.name.endsWith(ending))) {
        texts.set(relative(dir, path).split(sep).join('/'), readFileSync(path, 'utf8'))
      }
    }
  }
  walk(dir)
  return texts
}

export const readMappings = (): ReadonlyMap<string, string> =>
  readTexts(join(productRoot, 'mappings'), ['.yaml'])

export const readProfiles = (): readonly unknown[] =>
  [...readTexts(join(productRoot, 'profiles'), ['.json']).values()].map((text): unknown => JSON.parse(text))

/** Throws Fault `config-invalid` when the product was not built. */
export function readDefinitionsPack(): DefinitionPack {
  const path = join(productRoot, 'dist', 'definitions', 'r4.json')
  try {
    // Written by our own build.
    return JSON.parse(readFileSync(path, 'utf8')) as DefinitionPack
  } catch (cause) {
    throw new Fault('config-invalid', 'The FHIR definitions pack is missing; run `npm run build`.', path, {
      cause,
    })
  }
}

/** When the definitions and the code were built, for the CapabilityStatement's date. */
export const productReleased = (): Instant => instantOf(statSync(join(productRoot, 'package.json')).mtime)

/** Throws Fault `config-invalid` when a file cannot be read. */
export function readTls({ certFile, keyFile, caFile }: TlsFiles) {
  const pem = (path: string): string => {
    try {
      return readFileSync(path, 'utf8')
    } catch (cause) {
      throw new Fault('config-invalid', 'The PEM file cannot be read.', path, { cause })
    }
  }
  return { cert: pem(certFile), key: pem(keyFile), ...(caFile === undefined ? {} : { ca: pem(caFile) }) }
}

export function productVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(productRoot, 'package.json'), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : '0'
}

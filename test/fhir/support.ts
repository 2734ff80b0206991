/** The R4 pack and OneDoor's profiles for tests, built when `npm run build` has not run. */
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDefinitions, type DefinitionPack, type Definitions } from '../../src/fhir/definitions.js'
import { createValidator, type Validator } from '../../src/fhir/validate.js'
import type { Issue } from '../../src/terms/issue.js'

const built = 'dist/definitions/r4.json'

async function readPack(): Promise<DefinitionPack> {
  if (existsSync(built)) return JSON.parse(readFileSync(built, 'utf8')) as DefinitionPack
  // @ts-expect-error a build script without types
  const { buildDefinitions } = (await import('../../scripts/build-definitions.mjs')) as {
    buildDefinitions: (file: string) => { file: string }
  }
  const { file } = buildDefinitions(join(mkdtempSync(join(tmpdir(), 'onedoor-pack-')), 'r4.json'))
  return JSON.parse(readFileSync(file, 'utf8')) as DefinitionPack
}

export const pack = await readPack()

export const ownProfiles: readonly { readonly url: string; readonly resourceType: string }[] = readdirSync(
  'profiles',
)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(join('profiles', name), 'utf8')) as never)

export const definitions: Definitions = createDefinitions(pack, ownProfiles)
export const validator: Validator = createValidator(definitions)

/** `code where` of every error, so that a table row can name both. */
export const errorsOf = (issues: readonly Issue[]): readonly string[] =>
  issues.filter(({ severity }) => severity !== 'warning' && severity !== 'information').map(placeOf)

export const placeOf = ({ code, where }: Issue): string => `${code} ${where}`

export const errors = (resource: unknown, profiles?: readonly string[]): readonly string[] =>
  errorsOf(validator.validate(resource, profiles))

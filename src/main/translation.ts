/** Mappings, definitions and profiles, read and compiled once. */
import { readDefinitionsPack, readMappings, readProfiles } from '../config/assets.js'
import { createDefinitions, type Definitions } from '../fhir/definitions.js'
import { createValidator, type Validator } from '../fhir/validate.js'
import type { Issue } from '../terms/issue.js'
import { catalogueOf } from '../translate/catalogue.js'
import type { Translator } from '../translate/translation.js'
import { createTranslator } from '../translate/translator.js'

export interface Translation {
  readonly translator: Translator
  readonly definitions: Definitions
  readonly validator: Validator
  readonly validate: (resource: unknown) => readonly Issue[]
}

export function loadTranslation(): Translation {
  const pack = readDefinitionsPack()
  const definitions = createDefinitions(pack, readProfiles())
  const validator = createValidator(definitions)
  const translator = createTranslator({ mappings: readMappings(), catalogue: catalogueOf(definitions) })
  return { translator, definitions, validator, validate: (resource) => validator.validate(resource) }
}

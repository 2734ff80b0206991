/** `onedoor validate`: one JSON line per resource, from files, folders, standard input or a list of jobs. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Definitions } from '../fhir/definitions.js'
import { readJson } from '../fhir/json.js'
import { outcomeOf } from '../fhir/outcome.js'
import { readPackage } from '../fhir/package.js'
import { validateText, type Verdict } from '../fhir/validate-text.js'
import { createValidator, type Validator } from '../fhir/validate.js'
import { isError, type Issue } from '../terms/issue.js'

export interface ValidateRequest {
  /** Files, folders (read recursively) or `-` for standard input. */
  readonly inputs: readonly string[]
  /** Canonical URLs every resource is checked against. */
  readonly profiles?: readonly string[]
  /** FHIR packages, `.tgz`. */
  readonly packages?: readonly string[]
  /** Files or folders of StructureDefinitions, ValueSets and CodeSystems. */
  readonly definitions?: readonly string[]
  /** A file of jobs, one JSON object per line; then `inputs` is not read. */
  readonly jobs?: string
}

export interface ValidateDeps {
  /** The base pack with OneDoor's own profiles. */
  readonly definitions: Definitions
  readonly readStdin: () => Promise<string>
  /** Writes one line of output. */
  readonly write: (line: string) => void
}

/** 0 when every resource is valid, 1 when any is not. */
export async function runValidate(request: ValidateRequest, deps: ValidateDeps): Promise<number> {
  const { definitions, issues } = loadAll(request, deps.definitions)
  const validator = createValidator(definitions)
  let allValid = true
  const tell = (line: Readonly<Record<string, unknown>> & { valid: boolean }): void => {
    allValid &&= line.valid
    deps.write(JSON.stringify(line))
  }
  if (request.jobs !== undefined) {
    for (const text of linesOf(readFileSync(request.jobs, 'utf8'))) tell(runJob(text, definitions, issues))
    return allValid ? 0 : 1
  }
  for (const input of request.inputs) {
    if (input === '-') {
      tell({
        file: '-',
        ...verdictOf(validator, await deps.readStdin(), request.profiles ?? [], issues),
      })
    } else {
      for (const file of filesOf(input))
        tell({ file, ...validateFile(validator, file, request.profiles ?? [], issues) })
    }
  }
  return allValid ? 0 : 1
}

interface Loaded {
  readonly definitions: Definitions
  /** Definition files that could not be used: the verdict may lack their rules. */
  readonly issues: readonly Issue[]
}

function loadAll({ packages = [], definitions = [] }: ValidateRequest, base: Definitions): Loaded {
  const packed = packages.flatMap((file) => readPackage(readFileSync(file)))
  return loadFiles(definitions, packed.length > 0 ? base.with(packed) : base)
}

function loadFiles(paths: readonly string[], base: Definitions): Loaded {
  const read = paths.flatMap(filesOf).map(readDefinitions)
  const resources = read.flatMap((one) => one.resources)
  return {
    definitions: resources.length > 0 ? base.with(resources) : base,
    issues: read.flatMap((one) => one.issues),
  }
}

interface DefinitionFile {
  readonly resources: readonly unknown[]
  readonly issues: readonly Issue[]
}

function readDefinitions(file: string): DefinitionFile {
  const text = textOf(file)
  if (typeof text !== 'string') return { resources: [], issues: [text] }
  if (isXml(text)) return { resources: [], issues: [definitionNotRead(file)] }
  const read = readJson(text)
  if (read.kind === 'refused') return { resources: [], issues: [{ ...read.issue, where: file }] }
  return { resources: resourcesOf(read.value), issues: [] }
}

/** A definition file may hold one resource or a Bundle of them. */
function resourcesOf(value: unknown): readonly unknown[] {
  const bundle = value as { resourceType?: unknown; entry?: unknown } | null
  if (bundle?.resourceType !== 'Bundle' || !Array.isArray(bundle.entry)) return [value]
  return bundle.entry.map((entry: { resource?: unknown } | null) => entry?.resource)
}

const definitionNotRead = (file: string): Issue => ({
  severity: 'warning',
  code: 'not-supported',
  where: file,
  text: 'Found a definition in XML; expected JSON. Its rules were not checked: convert it to JSON.',
})

const XML_NOT_SUPPORTED: Issue = {
  severity: 'error',
  code: 'not-supported',
  where: '',
  text: 'Found XML; expected FHIR JSON. Convert the resource to JSON.',
}

const isXml = (text: string): boolean => /^\ufeff?\s*</.test(text)

function validateFile(
  validator: Validator,
  file: string,
  profiles: readonly string[],
  issues: readonly Issue[],
): Verdict {
  const text = textOf(file)
  return typeof text === 'string' ? verdictOf(validator, text, profiles, issues) : refusal([text])
}

function verdictOf(
  validator: Validator,
  text: string,
  profiles: readonly string[],
  issues: readonly Issue[],
): Verdict {
  if (isXml(text)) return refusal([XML_NOT_SUPPORTED])
  const { valid, outcome } = validateText(validator, text, profiles)
  if (issues.length === 0) return { valid, outcome }
  const about = outcomeOf(issues).issue
  return {
    valid: valid && !issues.some(isError),
    outcome: { ...outcome, issue: [...about, ...outcome.issue] },
  }
}

const refusal = (issues: readonly Issue[]): Verdict => ({ valid: false, outcome: outcomeOf(issues) })

interface Job {
  readonly id: unknown
  readonly file: string
  readonly definitions: readonly string[]
  /** Canonical URLs, or files of StructureDefinitions. */
  readonly profiles: readonly string[]
}

/** Each job sees its own definitions on top of the common ones, and no other job's. */
function runJob(line: string, common: Definitions, commonIssues: readonly Issue[]) {
  const job = readJob(line)
  if (job === undefined) {
    const text =
      'Found a job line that is not {"id","file","definitions":[...],"profiles":[...]}. Correct it.'
    return { id: null, file: '', ...refusal([{ severity: 'fatal', code: 'structure', where: '', text }]) }
  }
  const profileFiles = job.profiles.filter(isFile)
  const loaded = loadFiles([...job.definitions, ...profileFiles], common)
  const named = profileFiles.map((file) => ({ file, url: urlOf(file) }))
  const unread = named.filter(({ url }) => url === undefined).map(({ file }) => profileNotRead(file))
  const profiles = job.profiles
    .map((p) => named.find(({ file }) => file === p)?.url ?? p)
    .filter((p) => !isFile(p))
  const issues = [...commonIssues, ...loaded.issues, ...unread]
  const verdict = validateFile(createValidator(loaded.definitions), job.file, profiles, issues)
  return { id: job.id, file: job.file, ...verdict }
}

function readJob(line: string): Job | undefined {
  const read = readJson(line)
  if (read.kind === 'refused' || typeof read.value !== 'object' || read.value === null) return undefined
  const { id, file, definitions = [], profiles = [] } = read.value as Record<string, unknown>
  if (typeof file !== 'string' || !isTextList(definitions) || !isTextList(profiles)) return undefined
  return { id, file, definitions, profiles }
}

const isTextList = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

function urlOf(file: string): string | undefined {
  const [first] = readDefinitions(file).resources
  const url = (first as { url?: unknown } | undefined)?.url
  return typeof url === 'string' ? url : undefined
}

const profileNotRead = (file: string): Issue => ({
  severity: 'error',
  code: 'not-supported',
  where: file,
  text: 'The profile asked for could not be read; expected a StructureDefinition in JSON. Convert or correct it.',
})

const linesOf = (text: string): readonly string[] => text.split('\n').filter((line) => line.trim() !== '')

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** A folder's resources in the order of their names, so that two runs print the same. */
function filesOf(path: string): readonly string[] {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  if (!isFolder) return [path]
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => /\.(json|xml)$/i.test(name))
    .sort()
    .map((name) => join(path, name))
}

function textOf(file: string): string | Issue {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    const text = 'The file cannot be read. Correct its path or its permissions.'
    return { severity: 'fatal', code: 'not-found', where: file, text }
  }
}

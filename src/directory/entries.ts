/** The files of a deployment sorted into entries, each with the place it stands at. */
import { checkShape, SCHEMAS, type FileKind, type PlacedProblem } from './check.js'
import { quote, suggest, type Problem } from './problem.js'
import type { DeploymentEntry } from './schema.js'
import type { PartnerEntry } from './schema-partners.js'
import type { PathwayEntry } from './schema-pathways.js'
import type { ResourceEntry, ServiceEntry } from './schema-services.js'
import { readSource, type Path, type Source } from './source.js'

export interface Entry<T> {
  readonly id: string
  readonly value: T
  readonly source: Source
  readonly path: Path
}

/** `ids` holds every id that was written, `whole` only the entries whose shape is right: a reference to a
 *  misshapen partner is not also reported as a reference to nobody. */
export interface Entries<T> {
  readonly ids: ReadonlySet<string>
  readonly whole: readonly Entry<T>[]
}

export interface DeploymentEntries {
  readonly deployment: Entry<DeploymentEntry> | undefined
  readonly partners: Entries<PartnerEntry>
  readonly services: Entries<ServiceEntry>
  readonly pathways: Entries<PathwayEntry>
  readonly resources: readonly Entry<ResourceEntry>[]
}

export type Report = (entry: Entry<unknown>, path: Path, found: string, expected: string, fix: string) => void

/** Reports a problem at a place inside an entry. */
export function reporter(problems: Problem[]): Report {
  return ({ source, path }, inside, found, expected, fix) => {
    problems.push({ file: source.file, line: source.lineOf([...path, ...inside]), found, expected, fix })
  }
}

interface CheckedFile {
  readonly kind: FileKind
  readonly source: Source
  readonly problems: readonly PlacedProblem[]
}

export function readEntries(files: ReadonlyMap<string, string>, problems: Problem[]): DeploymentEntries {
  const checked = [...files.keys()].sort().flatMap((file) => checkFile(file, files.get(file) ?? '', problems))
  const top = checked.find(({ kind }) => kind === 'deployment')
  if (top === undefined && ![...files.keys()].some((file) => kindOf(file) === 'deployment')) {
    problems.push({
      file: 'deployment.yaml',
      line: 1,
      found: 'no such file',
      expected: 'the name, zone and access point of the place',
      fix: 'add it',
    })
  }
  return {
    deployment:
      top === undefined || top.problems.length > 0
        ? undefined
        : // The schema has just checked that the file is one.
          { id: '', value: top.source.data as DeploymentEntry, source: top.source, path: [] },
    partners: section<PartnerEntry>('partners', 'partners', checked, problems),
    services: section<ServiceEntry>('directory', 'services', checked, problems),
    pathways: section<PathwayEntry>('pathways', 'pathways', checked, problems),
    resources: handWritten(checked),
  }
}

const FOLDERS = ['partners', 'directory', 'pathways'] as const

/** `deployment.yaml`, or a YAML or JSON file in one of the three folders. */
export function kindOf(file: string): FileKind | undefined {
  if (/^deployment\.(ya?ml|json)$/.test(file)) return 'deployment'
  if (!/\.(ya?ml|json)$/.test(file)) return undefined
  return FOLDERS.find((folder) => file.startsWith(`${folder}/`))
}

function checkFile(file: string, body: string, problems: Problem[]): readonly CheckedFile[] {
  const kind = kindOf(file)
  if (kind === undefined) {
    const known = [...FOLDERS.map((folder) => `${folder}/`), 'deployment.yaml']
    const place = file.includes('/') ? `${file.slice(0, file.indexOf('/'))}/` : file
    problems.push({
      file,
      line: 1,
      found: 'a file in no known place',
      expected: 'deployment.yaml, or a .yaml or .json file in partners/, directory/ or pathways/',
      fix: suggest(place, known, 'move or remove it'),
    })
    return []
  }
  const source = readSource(file, body)
  if (!('data' in source)) {
    problems.push(...source)
    return []
  }
  const found = checkShape(kind, source)
  problems.push(...found.map(({ path: _path, ...problem }) => problem))
  return [{ kind, source, problems: found }]
}

function section<T>(
  kind: keyof typeof SCHEMAS,
  key: string,
  checked: readonly CheckedFile[],
  problems: Problem[],
): Entries<T> {
  const report = reporter(problems)
  const first = new Map<string, Entry<T>>()
  const whole: Entry<T>[] = []
  for (const file of checked) {
    if (file.kind !== kind) continue
    for (const [id, value] of Object.entries(mapUnder(file.source.data, key))) {
      // An entry without a problem at or below its path has the shape the schema asks for.
      const entry: Entry<T> = { id, value: value as T, source: file.source, path: [key, id] }
      const earlier = first.get(id)
      if (earlier !== undefined) {
        const place = `${earlier.source.file}:${earlier.source.lineOf(earlier.path)}`
        report(
          entry,
          [],
          `the id ${quote(id)} again`,
          `an id of its own, ${place} has this one`,
          'rename one',
        )
        continue
      }
      first.set(id, entry)
      if (!file.problems.some(({ path }) => path[0] === key && path[1] === id)) whole.push(entry)
    }
  }
  return { ids: new Set(first.keys()), whole }
}

function handWritten(checked: readonly CheckedFile[]): readonly Entry<ResourceEntry>[] {
  return checked.flatMap(({ kind, source, problems }) => {
    const list = (source.data as { resources?: unknown } | null)?.resources
    if (kind !== 'directory' || !Array.isArray(list)) return []
    return (list as readonly ResourceEntry[]).flatMap((value, index) => {
      const broken = problems.some(({ path }) => path[0] === 'resources' && String(path[1]) === String(index))
      return broken ? [] : [{ id: value.id, value, source, path: ['resources', index] }]
    })
  })
}

function mapUnder(data: unknown, key: string): object {
  const value = (data as Record<string, unknown> | null)?.[key]
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}

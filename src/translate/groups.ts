/** Which segments belong together: grouped by what came last, not by the standard's grammar, as senders do. */
import { mappingFault } from './position.js'
import type { Position } from './position.js'
import type { Run, Scope } from './run.js'
import type { MappingFile } from './template.js'

export interface Group {
  /** Segments that begin one. */
  readonly start: ReadonlySet<string>
  /** Segments of which it holds one: a second begins the next group. */
  readonly once: ReadonlySet<string>
  /** Segments that the groups after it share until they have their own. */
  readonly share: ReadonlySet<string>
  readonly members: ReadonlySet<string>
  /** True when everything up to the next start belongs to it. */
  readonly open: boolean
}

export interface Structure {
  readonly groups: ReadonlyMap<string, Group>
  /** Segments that belong to whatever segment came before them (NTE). */
  readonly trailing: ReadonlySet<string>
}

export function readStructure(file: MappingFile): Structure {
  const at = file.at(file.root)
  const trailing = new Set(file.texts(file.get(file.root, 'trailing'), 'names of segments'))
  const groups = new Map<string, Group>()
  for (const { key, value } of file.pairs(file.map(file.get(file.root, 'structure'), 'structure'))) {
    const map = file.map(value, 'a group')
    const set = (name: string): ReadonlySet<string> => {
      const node = file.get(map, name)
      return new Set(node === undefined ? [] : file.texts(node, 'names of segments'))
    }
    const members = set('members')
    const open = members.has('any')
    const all = new Set([...set('start'), ...set('once'), ...set('share'), ...members, ...trailing])
    groups.set(key, { start: set('start'), once: set('once'), share: set('share'), members: all, open })
    if (set('start').size === 0) throw mappingFault(at, `Group "${key}" needs "start".`)
  }
  return { groups, trailing }
}

/** The group a name stands for: a declared one, or a segment with the trailing segments after it. */
export function groupNamed(structure: Structure, name: string, at: Position): Group {
  const declared = structure.groups.get(name)
  if (declared !== undefined) return declared
  if (!/^[A-Z][A-Z0-9]{2}$/.test(name)) throw mappingFault(at, `"${name}" is neither a segment nor a group.`)
  const none: ReadonlySet<string> = new Set()
  const start = new Set([name])
  return { start, once: start, share: none, members: new Set([name, ...structure.trailing]), open: false }
}

/** Every group of that kind inside the run's scope. */
export function scopesOf(run: Run, group: Group): readonly Scope[] {
  const { names } = run.source
  const outer = run.scope
  const members = group.open ? namesFromStart(names, group) : group.members
  const scopes: Scope[] = []
  let first = -1
  let shared = -1
  let seen = new Set<string>()
  const close = (end: number): void => {
    if (first < 0) return
    scopes.push({ first, end, shared, members, parent: outer, siblings: scopes })
    for (let i = first; i < end; i++) if (group.share.has(names[i]!)) shared = i
    first = -1
  }
  for (let i = outer.first; i < outer.end; i++) {
    const name = names[i]!
    const again = group.once.has(name) && (seen.has(name) || sharedComesLate(group, name, seen))
    if (group.start.has(name) && (first < 0 || again)) {
      close(i)
      first = i
      seen = new Set([name])
    } else if (first >= 0 && !group.open && !group.members.has(name)) {
      close(i)
      shared = -1
    } else if (first >= 0) {
      seen.add(name)
    }
  }
  close(outer.end)
  return scopes
}

/** An open group holds every kind of segment that the message does not already have before its first start. */
function namesFromStart(names: readonly string[], group: Group): ReadonlySet<string> {
  const start = names.findIndex((name) => group.start.has(name))
  const before = new Set(names.slice(0, Math.max(start, 0)))
  return new Set(names.filter((name) => !before.has(name)))
}

/** A shared segment (ORC) after the group's own detail (OBR) opens the next group. */
const sharedComesLate = (group: Group, name: string, seen: ReadonlySet<string>): boolean =>
  group.share.has(name) && [...group.once].some((once) => once !== name && seen.has(once))

/** Name of the segment that a trailing segment (NTE) follows, or '' at the start. */
export function ownerOf(run: Run, structure: Structure): string {
  const { names } = run.source
  for (let i = run.scope.first - 1; i >= 0; i--) if (!structure.trailing.has(names[i]!)) return names[i]!
  return ''
}

/** A scope for every segment of that name, each with the trailing segments after it. */
export function segmentScopes(
  run: Run,
  name: string,
  members: ReadonlySet<string>,
  trailing: ReadonlySet<string>,
): readonly Scope[] {
  const { names } = run.source
  const scopes: Scope[] = []
  for (const first of run.locateAll(name)) {
    let end = first + 1
    // A trailing segment taken by itself stands alone: the one after it is not part of it.
    if (!trailing.has(name)) while (end < names.length && trailing.has(names[end]!)) end++
    scopes.push({ first, end, shared: -1, members, parent: run.scope, siblings: scopes })
  }
  return scopes
}

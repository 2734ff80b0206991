/** The state of translating one message: where in it the templates stand, what they made, what they noticed. */
import type { Issue } from '../terms/issue.js'
import type { Source, Span } from './source.js'
import { Tracked } from './tracked.js'
import type { Value } from './tracked.js'
import type { DropReason, TranslateContext } from './translation.js'

/** Characters that no FHIR string may hold (R4 2.24.0.1); an escape (`\\X07\\`) can bring them in. */
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g

/** The text without them and without white space around it. Most texts have neither, and are given back as they are. */
export function cleaned(text: string): string {
  for (let i = 0; i < text.length; i++)
    if (text.charCodeAt(i) < 0x20) return text.replace(CONTROLS, '').trim()
  return text.trim()
}

/** A run of segments that belong together: the message, an order, an OBX with its notes. */
export interface Scope {
  readonly first: number
  readonly end: number
  /** A segment before the run that it shares with its neighbours (an ORC over several OBR), or -1. */
  readonly shared: number
  /** Names found inside; null for the whole message. */
  readonly members: ReadonlySet<string> | null
  readonly parent: Scope | null
  /** Every scope of its kind in the parent, itself among them: what belongs to another of them is not its own. */
  readonly siblings: readonly Scope[]
}

/** A field repetition (component 0) or one of its components. */
export interface Item extends Span {
  readonly component: number
}

export interface Made {
  readonly name: string
  readonly type: string
  readonly id: string
  readonly scope: Scope
  readonly labels: readonly string[]
  readonly body: { [key: string]: Value }
}

export class Run {
  scope: Scope
  item: Item | null = null
  /** Set by the template just evaluated: it holds something from the source. */
  evident = false
  /** What `$with` stands for. */
  with: Value = undefined
  readonly variables: Value[] = []
  private readonly all: Made[] = []
  private readonly byName = new Map<string, Made[]>()
  readonly issues: Issue[]
  readonly drops = new Map<number, DropReason>()
  /** Times that took the sender's zone: their count and the first one's path. */
  zoned = 0
  firstZoned = ''

  constructor(
    readonly source: Source,
    readonly context: TranslateContext,
  ) {
    this.issues = [...source.message.doubts]
    this.scope = { first: 0, end: source.names.length, shared: -1, members: null, parent: null, siblings: [] }
  }

  /** Every resource made so far, in order. */
  get made(): readonly Made[] {
    return this.all
  }

  madeAs(name: string): readonly Made[] {
    return this.byName.get(name) ?? NONE_MADE
  }

  add(made: Made): void {
    this.all.push(made)
    const named = this.byName.get(made.name)
    if (named === undefined) this.byName.set(made.name, [made])
    else named.push(made)
  }

  /** Index of the `ordinal`-th segment of that name, looked for in the nearest scope that holds such segments. */
  locate(name: string, ordinal: number): number {
    const names = this.source.names
    for (let scope: Scope = this.scope; ; scope = scope.parent!) {
      if (scope.members === null || scope.parent === null)
        return this.source.segments(name)[ordinal - 1] ?? -1
      if (ordinal === 1 && names[scope.first] === name) return scope.first
      if (!scope.members.has(name)) continue
      let left = ordinal
      for (let i = scope.first; i < scope.end; i++) if (names[i] === name && --left === 0) return i
      return ordinal === 1 && scope.shared >= 0 && names[scope.shared] === name ? scope.shared : -1
    }
  }

  /** Indexes of every segment of that name in the nearest scope that holds such segments. */
  locateAll(name: string): readonly number[] {
    const { names } = this.source
    let scope = this.scope
    while (scope.members !== null && !scope.members.has(name) && scope.parent !== null) scope = scope.parent
    if (scope.members === null) return this.source.segments(name)
    const found: number[] = []
    for (let i = scope.first; i < scope.end; i++) if (names[i] === name) found.push(i)
    return found
  }

  /** The value of a leaf, trimmed; undefined when it is absent, blank, or HL7 null. */
  read(leaf: number): Tracked | undefined {
    if (leaf < 0) return undefined
    const { value } = this.source.leaves[leaf]!
    if (value === null) return undefined
    const text = cleaned(value)
    return text === '' ? undefined : new Tracked(text, leaf)
  }

  pathOf(value: Value): string {
    return value instanceof Tracked && value.source >= 0 ? this.source.leaves[value.source]!.path : ''
  }

  warn(code: string, value: Value, text: string): void {
    this.issues.push({ severity: 'warning', code, where: this.pathOf(value), text })
  }

  /** The value cannot stand: it is left out with a reason, the message goes on. */
  drop(value: Value, reason: DropReason): void {
    if (!(value instanceof Tracked)) return
    if (value.source >= 0) this.drops.set(value.source, reason)
    for (const source of value.more ?? []) this.drops.set(source, reason)
  }

  inScope<T>(scope: Scope, work: () => T): T {
    const outer = this.scope
    this.scope = scope
    try {
      return work()
    } finally {
      this.scope = outer
    }
  }
}

/** Resources of a name that a reference finds from the scope in hand: the nearest scope around it that holds any
 *  decides, and what was made in a group beside one's own - another provider, order or patient - is never reached. */
export function reachable(run: Run, name: string, fits: (made: Made) => boolean): readonly Made[] {
  const named = run.madeAs(name)
  if (named.length === 0) return named
  const around: Scope[] = []
  for (let scope: Scope | null = run.scope; scope !== null; scope = scope.parent) {
    const within = scope
    const found = named.filter(
      (made) =>
        fits(made) && isInside(made.scope, within) && !around.some((own) => isBeside(made.scope, own)),
    )
    if (found.length > 0) return found
    around.push(scope)
  }
  return NONE_MADE
}

const NONE_MADE: readonly Made[] = []

/** True when the segments of `inner` lie inside `outer`. */
const isInside = (inner: Scope, outer: Scope): boolean =>
  inner === outer ||
  (outer.parent !== null && inner.first >= outer.first && inner.end <= outer.end) ||
  outer.parent === null

/** True when it lies inside a sibling of `own`. Siblings stand in order and never overlap, so one look finds it: a
 *  message may have thousands. */
function isBeside(inner: Scope, own: Scope): boolean {
  const { siblings } = own
  let low = 0
  let high = siblings.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (siblings[middle]!.first <= inner.first) low = middle + 1
    else high = middle
  }
  const last = siblings[low - 1]
  return last !== undefined && last !== own && isInside(inner, last)
}

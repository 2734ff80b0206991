/** One validation in progress: where it is, what it has found, and which resource it is inside. */
import type { Issue, Severity } from '../../terms/issue.js'

export type JsonObject = Readonly<Record<string, unknown>>

/** Looks at one value and reports what is wrong with it. Never throws. */
export type Check = (run: Run, value: unknown) => void

export interface Limits {
  /** Objects inside objects; deeper content is refused unread. */
  readonly maxDepth: number
  /** Findings kept; the rest is counted as one. */
  readonly maxIssues: number
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The text, or none: values that are not text may have no text form at all (`{"toString": 1}`). */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** The resources a reference inside a bundle can mean. */
export interface BundleIndex {
  readonly type: unknown
  readonly byUrl: ReadonlyMap<string, JsonObject>
  readonly byTypeAndId: ReadonlyMap<string, JsonObject>
}

/** A class because it lives as long as one validation and holds its position. */
export class Run {
  issues: Issue[] = []
  errors = 0
  /** Element names and array indexes from the root to here. */
  private readonly path: (string | number)[] = []
  private depth = 0
  private overflowed = false
  /** FHIRPath %resource: the nearest resource. */
  resource: JsonObject = {}
  /** FHIRPath %rootResource: the resource that contains the nearest one, or itself. */
  rootResource: JsonObject = {}
  bundle: BundleIndex | undefined
  /** fullUrl of the bundle entry being read: relative references start from it. */
  entryUrl: string | undefined

  /** Some content was too deep to read: rules that walk the whole resource would follow it. */
  isCut = false
  private readonly visiting = new Map<unknown, Set<string>>()

  constructor(private readonly limits: Limits) {}

  enter(step: string | number): void {
    this.path.push(step)
  }

  leave(): void {
    this.path.pop()
  }

  /** FHIRPath of the current element: `Bundle.entry[2].resource.birthDate`. */
  where(): string {
    let text = ''
    for (const step of this.path) {
      if (typeof step === 'number') text += `[${step}]`
      else text += text === '' ? step : `.${step}`
    }
    return text
  }

  /** False, with an issue, when the content is nested too deep to read; otherwise `ascend` must follow. */
  descend(): boolean {
    if (this.depth < this.limits.maxDepth) {
      this.depth++
      return true
    }
    this.isCut = true
    const max = this.limits.maxDepth
    this.error('too-costly', `Found content nested deeper than ${max} levels; it was not read. Flatten it.`)
    return false
  }

  ascend(): void {
    this.depth--
  }

  error(code: string, text: string): void {
    this.report('error', code, text)
  }

  report(severity: Severity, code: string, text: string): void {
    if (severity === 'error' || severity === 'fatal') this.errors++
    if (this.issues.length < this.limits.maxIssues) {
      this.issues.push({ severity, code, where: this.where(), text })
      return
    }
    if (this.overflowed) return
    this.overflowed = true
    const max = this.limits.maxIssues
    const reason = `Found more than ${max} problems; only the first ${max} are listed. Correct these and check again.`
    this.issues.push({ severity: 'error', code: 'too-costly', where: '', text: reason })
  }

  /** Reports under one more step, without having entered it. */
  errorAt(step: string | number, code: string, text: string): void {
    this.enter(step)
    this.error(code, text)
    this.leave()
  }

  /** Whether a check finds no error; what it finds is forgotten. */
  passes(check: Check, value: unknown): boolean {
    const { issues, errors, overflowed } = this
    this.issues = []
    this.errors = 0
    check(this, value)
    const passed = this.errors === 0
    this.issues = issues
    this.errors = errors
    this.overflowed = overflowed
    return passed
  }

  /** Judges a resource by a profile; true while it is already being judged by it, so that circles end. */
  once(profile: string, resource: unknown, judge: () => boolean): boolean {
    const profiles = this.visiting.get(resource) ?? new Set<string>()
    if (profiles.has(profile)) return true
    this.visiting.set(resource, profiles.add(profile))
    const holds = judge()
    profiles.delete(profile)
    return holds
  }
}

/** What is wrong with a deployment, in words its author can act on. */
import { Fault } from '../terms/fault.js'

export interface Problem {
  readonly file: string
  readonly line: number
  readonly found: string
  readonly expected: string
  readonly fix: string
}

/** A value as its author wrote it, short enough for one line. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return `\`${text.length > 60 ? `${text.slice(0, 57)}...` : text}\``
}

/** One Fault that names every problem, in the order of files and lines. */
export function deploymentInvalid(problems: readonly Problem[]): Fault {
  const sorted = [...problems].sort((a, b) =>
    a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1,
  )
  const lines = sorted.map((p) => `${p.file}:${p.line}: found ${p.found}, expected ${p.expected}; ${p.fix}`)
  const first = sorted[0]
  const count = lines.length === 1 ? 'one problem' : `${lines.length} problems`
  return new Fault(
    'deployment-invalid',
    [`The deployment has ${count}:`, ...lines].join('\n'),
    first === undefined ? '' : `${first.file}:${first.line}`,
  )
}

/** The known word nearest to `word`, when it is near enough to be a slip of the pen. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < least) {
      least = distance
      best = candidate
    }
  }
  return best
}

/** "did you mean `x`?" for a slip, else the given advice. */
export function suggest(word: string, known: Iterable<string>, otherwise: string): string {
  const near = nearest(word, known)
  return near === undefined ? otherwise : `did you mean ${quote(near)}?`
}

/** Insertions, deletions and substitutions between two words (Levenshtein). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substituted = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(substituted, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    previous = row
  }
  return previous[b.length] ?? 0
}

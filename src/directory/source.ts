/** A file of the deployment as data that still knows on which line each value stands. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml'
import { quote, type Problem } from './problem.js'

export type Path = readonly (string | number)[]

export interface Source {
  readonly file: string
  readonly data: unknown
  /** Line of the value at `path`, or of its key in a map; the nearest parent's when there is none. */
  lineOf(path: Path): number
}

/** The parsed file, or what is wrong with its YAML. JSON is read the same way, being YAML. */
export function readSource(file: string, body: string): Source | readonly Problem[] {
  const lines = new LineCounter()
  const document = parseDocument(body, { lineCounter: lines, prettyErrors: false })
  const faults = [...document.errors, ...document.warnings]
  if (faults.length > 0) {
    return faults.map((fault) => ({
      file,
      line: lines.linePos(fault.pos[0]).line,
      found: `YAML that cannot be read (${fault.message})`,
      expected: 'valid YAML 1.2',
      fix: 'correct the line',
    }))
  }
  try {
    return { file, data: document.toJS(), lineOf: (path) => lineOf(document, lines, path) }
  } catch (cause) {
    return [
      {
        file,
        line: 1,
        found: `YAML that cannot be resolved (${quote(cause instanceof Error ? cause.message : String(cause))})`,
        expected: 'at most 100 aliases, each to an anchor of the same file',
        fix: 'write the values out',
      },
    ]
  }
}

function lineOf(document: Document.Parsed, lines: LineCounter, path: Path): number {
  let node: Node | null = document.contents
  let offset = node?.range?.[0] ?? 0
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document) ?? null
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step))
      if (pair === undefined) break
      offset = (isScalar(pair.key) ? pair.key.range?.[0] : undefined) ?? offset
      node = pair.value as Node | null // parseDocument fills maps with nodes only
    } else if (isSeq(node)) {
      node = (node.items[Number(step)] ?? null) as Node | null // the same for sequences
      offset = node?.range?.[0] ?? offset
    } else break
  }
  return lines.linePos(offset).line
}

/** What a bench says: one row per figure, as a table for people and as JSON for machines. */
import { cpus, loadavg, platform, release, totalmem } from 'node:os'

export interface Result {
  readonly name: string
  readonly unit: string
  readonly ours: number
  /** Measured in the same run. */
  readonly peer?: number
  readonly peerName?: string
  /** ours / peer */
  readonly ratio?: number
  /** What bounds or is to be bounded: the bare statement in the same run, a figure measured before, a budget. */
  readonly limit?: number
  readonly limitName?: string
  /** ours / limit */
  readonly ofLimit?: number
  /** What is asked of `ratio`, else of `ofLimit`, else of `ours`. */
  readonly goal?: Goal
  readonly reached?: boolean
  readonly note?: string
}

export interface Goal {
  readonly atLeast?: number
  readonly atMost?: number
}

export type Figure = Omit<Result, 'ratio' | 'ofLimit' | 'reached'>

export interface Bench {
  readonly name: string
  readonly run: () => Promise<readonly Result[]>
}

export function result(figure: Figure): Result {
  const ratio = figure.peer === undefined ? undefined : figure.ours / figure.peer
  const ofLimit = figure.limit === undefined ? undefined : figure.ours / figure.limit
  const { goal } = figure
  const judged = ratio ?? ofLimit ?? figure.ours
  return {
    ...figure,
    ...(ratio === undefined ? {} : { ratio: rounded(ratio) }),
    ...(ofLimit === undefined ? {} : { ofLimit: rounded(ofLimit) }),
    ...(goal === undefined ? {} : { reached: isReached(judged, goal) }),
  }
}

const isReached = (value: number, { atLeast = -Infinity, atMost = Infinity }: Goal): boolean =>
  value >= atLeast && value <= atMost

const rounded = (value: number): number => Number(value.toPrecision(4))

export function machine() {
  const [cpu] = cpus()
  return {
    at: new Date().toISOString(),
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memoryMB: Math.round(totalmem() / 1024 / 1024),
    system: `${platform()} ${release()}`,
    node: process.version,
    /** Over the last minute, as the benches ended: well above `cores` means that others took part of the machine. */
    load: Number((loadavg()[0] ?? 0).toFixed(1)),
  }
}

const HEAD = ['', 'unit', 'OneDoor', 'beside', '', 'times', 'asked', 'reached']

export function table(results: readonly Result[]): string {
  const rows = [HEAD, ...results.map(cells)]
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, i) => (NUMERIC.has(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const NUMERIC: ReadonlySet<number> = new Set([2, 3, 5])

function cells(row: Result): string[] {
  const beside = row.peer ?? row.limit
  const times = row.ratio ?? row.ofLimit
  return [
    row.name,
    row.unit,
    short(row.ours),
    beside === undefined ? '' : short(beside),
    row.peerName ?? row.limitName ?? '',
    times === undefined ? '' : short(times),
    inWords(row.goal),
    row.reached === undefined ? '' : row.reached ? 'yes' : 'NO',
  ]
}

const inWords = (goal: Goal | undefined): string =>
  [
    goal?.atLeast === undefined ? '' : `>= ${goal.atLeast}`,
    goal?.atMost === undefined ? '' : `<= ${goal.atMost}`,
  ].join('')

const short = (value: number): string =>
  value >= 1000 ? Math.round(value).toLocaleString('en-GB') : String(Number(value.toPrecision(3)))

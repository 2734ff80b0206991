/** Fair clocks for a busy machine: work per CPU second, contenders in turns, the middle of several rounds. */

export interface RaceOptions {
  readonly rounds?: number
  readonly roundMs?: number
  /** Until the compiler has seen enough of it. */
  readonly warmUpMs?: number
}

/** Runs per CPU second of each contender. They take turns, so that whatever else the machine does meets all alike. */
export function race<Name extends string>(
  contenders: Readonly<Record<Name, () => unknown>>,
  { rounds = 7, roundMs = 120, warmUpMs = 600 }: RaceOptions = {},
): Readonly<Record<Name, number>> {
  // Object.keys forgets that the keys are the record's own.
  const names = Object.keys(contenders) as Name[]
  for (const name of names) spend(contenders[name], warmUpMs)
  const rates = new Map<Name, number[]>(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const name of names) rates.get(name)?.push(spend(contenders[name], roundMs))
  }
  const middles = names.map((name) => [name, median(rates.get(name) ?? [])])
  // Every name of the record has its rate.
  return Object.fromEntries(middles) as Record<Name, number>
}

/** Runs per CPU second over about `roundMs`. */
function spend(work: () => unknown, roundMs: number): number {
  const cpuBefore = process.cpuUsage()
  const until = performance.now() + roundMs
  let runs = 0
  do {
    work()
    runs++
  } while (performance.now() < until)
  return runs / cpuSeconds(cpuBefore)
}

export function cpuSeconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1e6
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

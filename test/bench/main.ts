/** `npm run bench -- [--json FILE] [BENCH ...]`: how fast the product is, beside its peers, in one run. */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { codec } from './codec.js'
import { ingest } from './ingest.js'
import { machine, table, type Bench, type Result } from './report.js'
import { restart } from './restart.js'
import { translate } from './translate.js'
import { validate } from './validate.js'

const BENCHES: readonly Bench[] = [codec, translate, validate, restart, ingest]

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'string' } } })
const unknown = positionals.filter((name) => !BENCHES.some((bench) => bench.name === name))
if (unknown.length > 0) {
  const known = BENCHES.map(({ name }) => name).join(', ')
  process.stderr.write(`There is no bench ${unknown.join(', ')}; there are: ${known}.\n`)
  process.exit(2)
}

const results: Result[] = []
for (const bench of BENCHES) {
  if (positionals.length > 0 && !positionals.includes(bench.name)) continue
  process.stderr.write(`${bench.name} ...\n`)
  results.push(...(await bench.run()))
}
process.stdout.write(`${table(results)}\n`)
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify({ machine: machine(), results }, null, 2)}\n`)
}

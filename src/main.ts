#!/usr/bin/env node
/** The only wiring. `serve`: read config, open the store, start the edges; stop in reverse. */
import { asFault } from './terms/fault.js'

/** Each command loads only what it needs, so that none waits for another's parts. */
const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  serve: async () => (await import('./main/serve.js')).serve(),
  migrate: async () => (await import('./main/migrate.js')).migrateOnce(),
  'init-cluster': async (args) => (await import('./main/migrate.js')).initTemplate(args),
  translate: async (args) => (await import('./main/tools.js')).translate(args),
  validate: async (args) => (await import('./main/tools.js')).validate(args),
  simulate: async (args) => (await import('./main/tools.js')).simulate(args),
  demo: async (args) => (await import('./main/demo.js')).demo(args),
  help: async () => usage(0),
}

const USAGE = `onedoor <command>

  serve                                     the gateway: MLLP, FHIR API, BaRS, outbox
  migrate                                   bring the database schema up to date
  translate [--source ID] [--bundle] FILE|DIR|-   HL7 v2 to FHIR, one JSON line a message
  validate [--profile URL]... FILE|DIR|-    check FHIR resources, one JSON line each
  simulate PARTNER                          a partner to test against
  demo [--exit]                             the gateway with simulated partners
`

function usage(code: number): number {
  process[code === 0 ? 'stdout' : 'stderr'].write(USAGE)
  return code
}

const [name = 'help', ...args] = process.argv.slice(2)
const command = COMMANDS[name.replace(/^--?(help|h)$/, 'help')]
try {
  process.exitCode = command === undefined ? usage(2) : await command(args)
} catch (thrown) {
  const fault = asFault(thrown)
  process.stderr.write(`${fault.code}: ${fault.where === '' ? '' : `${fault.where}: `}${fault.message}\n`)
  if (fault.code === 'internal-error') process.stderr.write(`${String(fault.cause)}\n`)
  process.exitCode = 1
}

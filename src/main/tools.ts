/** Commands that work on files, without a database: what they need is loaded here and handed in. */
import { text } from 'node:stream/consumers'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { runTranslate } from '../cli/translate.js'
import { runValidate } from '../cli/validate.js'
import type { Message } from '../codec/hl7v2/message.js'
import { shippedOr } from '../config/assets.js'
import { loadDeployment } from '../config/deployment-files.js'
import { loadConfig } from '../config/environment.js'
import { senderOf, zoneOf } from '../flow/sender.js'
import { runSimulate } from '../simulate/command.js'
import { Fault } from '../terms/fault.js'
import { instantOf } from '../terms/instant.js'
import type { TranslateContext } from '../translate/translation.js'
import { newId } from './new-id.js'
import { stopSignal } from './stop-signal.js'
import { loadTranslation } from './translation.js'

const now = () => instantOf(new Date())
const write = (line: string): void => void process.stdout.write(line)

export async function translate(args: readonly string[]): Promise<number> {
  const { values, positionals } = parsed({
    args: [...args],
    allowPositionals: true,
    options: { source: { type: 'string' }, bundle: { type: 'boolean', default: false } },
  })
  const { translator, validate } = loadTranslation()
  const options = {
    paths: required(positionals, 'translate'),
    bundleOnly: values.bundle,
    ...(values.source === undefined ? {} : { source: values.source }),
  }
  return runTranslate(options, { translator, contextOf: contexts(), validate, now, newId, write })
}

/** Zone and overlays of each sender, as the configured deployment has them. */
function contexts(): (source: string | undefined, message: Message) => TranslateContext {
  const config = loadConfig(process.env)
  const deployment = loadDeployment(shippedOr(config.deploymentDir), (name) => process.env[name])
  return (source, message) => {
    const sender =
      source === undefined ? senderOf(message, deployment, true) : deployment.partners.get(source)
    if (sender === undefined) {
      const known = [...deployment.partners.keys()].join(', ')
      throw new Fault(
        'sender-unknown',
        `The deployment has no partner of that name; it has ${known}.`,
        '--source',
      )
    }
    return {
      sourceId: sender.id,
      timeZone: zoneOf(sender, deployment),
      overlays: sender.sends.hl7v2?.overlays ?? [],
      receivedAt: now(),
    }
  }
}

export async function validate(args: readonly string[]): Promise<number> {
  const list = { type: 'string', multiple: true, default: [] as string[] } as const
  const { values, positionals } = parsed({
    args: [...args],
    allowPositionals: true,
    options: { profile: list, package: list, definitions: list, jobs: { type: 'string' } },
  })
  const request = {
    inputs: values.jobs === undefined ? required(positionals, 'validate') : [],
    profiles: values.profile,
    packages: values.package,
    definitions: values.definitions,
    ...(values.jobs === undefined ? {} : { jobs: values.jobs }),
  }
  const { definitions } = loadTranslation()
  return runValidate(request, {
    definitions,
    readStdin: () => text(process.stdin),
    write: (line) => write(`${line}\n`),
  })
}

export const simulate = (args: readonly string[]): Promise<number> =>
  runSimulate(args, { now, newId, write, stopped: stopSignal() })

/** Throws Fault `config-invalid` for an option there is not, or one without its value. */
function parsed<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config)
  } catch (cause) {
    // Node's first sentence says what is wrong, the rest how a file of that name would be given.
    const [found = ''] = cause instanceof Error ? cause.message.split('. ') : []
    throw new Fault('config-invalid', `${found}. See onedoor help.`, '', { cause })
  }
}

function required(positionals: readonly string[], command: string): readonly string[] {
  if (positionals.length > 0) return positionals
  throw new Fault(
    'config-invalid',
    `Name at least one file or folder, or - for standard input: onedoor ${command} FILE`,
  )
}

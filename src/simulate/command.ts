/** `onedoor simulate PARTNER`: a partner twin as a process of its own. */
import { parseArgs } from 'node:util'
import { Fault } from '../terms/fault.js'
import { startBarsReceiver } from './bars-receiver.js'
import { createEmit, type Emit, type SimulateDeps, type Twin } from './events.js'
import { startFhirReceiver } from './fhir-receiver.js'
import { startHospital } from './hospital.js'
import { isMisbehaviour, MISBEHAVIOURS, type Misbehaviour } from './misbehaviour.js'

export interface RunDeps extends SimulateDeps {
  /** Until when it runs; SIGINT or SIGTERM when absent. */
  readonly stopped?: Promise<unknown>
}

const OPTIONS = {
  service: { type: 'string' },
  port: { type: 'string', default: '0' },
  gateway: { type: 'string', default: 'http://127.0.0.1:8080' },
  decide: { type: 'string', default: 'accept' },
  'delay-ms': { type: 'string', default: '500' },
  'down-first': { type: 'string', default: '0' },
  misbehave: { type: 'string' },
  log: { type: 'string' },
  mllp: { type: 'string', default: '127.0.0.1:2575' },
  from: { type: 'string' },
  count: { type: 'string', default: '6' },
  'every-ms': { type: 'string', default: '200' },
  application: { type: 'string', default: 'UHLPAS' },
  facility: { type: 'string', default: 'RWE' },
  exit: { type: 'boolean', default: false },
} as const

export const SIMULATE_USAGE = `onedoor simulate PARTNER

  bars-receiver --service ID [--port N] [--gateway URL] [--decide accept|reject|complete|silent]
                [--delay-ms N] [--down-first N] [--misbehave KIND] [--log FILE]
  fhir-receiver               the same options without --service
  hospital      [--mllp HOST:PORT] [--port N] [--from FILE|DIR] [--count N] [--every-ms N]
                [--application NAME] [--facility CODE] [--exit] [--log FILE]

  KIND: ${MISBEHAVIOURS.join(', ')}
`

/** Runs until stopped; with `--exit` a hospital ends when everything it had to send was answered. */
export async function runSimulate(args: readonly string[], deps: RunDeps): Promise<number> {
  const { values, positionals } = parsed(args)
  const emit = createEmit(deps, values.log)
  const stopped = deps.stopped ?? stopSignal()
  const [partner] = positionals
  if (partner === undefined) {
    deps.write(SIMULATE_USAGE)
    return 2
  }
  const twin = await startTwin(partner, values, emit, deps)
  emit('listening', { partner, port: twin.port })
  try {
    if (values.exit && 'sent' in twin) await Promise.race([twin.sent, stopped])
    else await stopped
  } finally {
    await twin.close()
  }
  return 0
}

const stopSignal = (): Promise<void> =>
  new Promise((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch (cause) {
    const text = typeof cause === 'object' && cause !== null && 'message' in cause ? cause.message : cause
    throw invalid(String(text))
  }
}

type Values = ReturnType<typeof parsed>['values']

function startTwin(
  partner: string,
  values: Values,
  emit: Emit,
  deps: SimulateDeps,
): Promise<Twin & { readonly sent?: Promise<void> }> {
  switch (partner) {
    case 'bars-receiver': {
      const { service } = values
      if (service === undefined)
        throw invalid('bars-receiver needs --service, the DoS service id it answers for')
      return startBarsReceiver({ ...receiverOptions(values), serviceId: service }, emit, deps)
    }
    case 'fhir-receiver':
      return startFhirReceiver(receiverOptions(values), emit, deps)
    case 'hospital':
      return startHospital(hospitalOptions(values), emit, deps)
    default:
      throw invalid(`found partner ${partner}; expected bars-receiver, fhir-receiver or hospital`)
  }
}

const DECISIONS = ['accept', 'reject', 'complete', 'silent'] as const

function receiverOptions(values: Values) {
  const decide = DECISIONS.find((each) => each === values.decide)
  if (decide === undefined) throw invalid(`found --decide ${values.decide}; expected ${DECISIONS.join(', ')}`)
  return {
    port: numberOf('port', values.port),
    gateway: values.gateway.replace(/\/$/, ''),
    decide,
    delayMs: numberOf('delay-ms', values['delay-ms']),
    downFirst: numberOf('down-first', values['down-first']),
    misbehave: misbehaviourOf(values.misbehave),
  }
}

function hospitalOptions(values: Values) {
  const [host = '', port = ''] = values.mllp.split(/:(?=\d+$)/)
  return {
    application: values.application,
    facility: values.facility,
    gatewayHost: host,
    gatewayPort: numberOf('mllp', port),
    port: numberOf('port', values.port),
    from: values.from,
    count: numberOf('count', values.count),
    everyMs: numberOf('every-ms', values['every-ms']),
  }
}

function misbehaviourOf(text: string | undefined): Misbehaviour | undefined {
  if (text === undefined || isMisbehaviour(text)) return text
  throw invalid(`found --misbehave ${text}; expected one of ${MISBEHAVIOURS.join(', ')}`)
}

function numberOf(name: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  throw invalid(`found --${name} ${text}; expected a whole number`)
}

const invalid = (text: string): Fault => new Fault('config-invalid', `${text}.`, 'simulate')

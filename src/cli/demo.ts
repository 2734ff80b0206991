/** `onedoor demo`: a morning at the single point of access, everything in processes of its own: the gateway, a
 *  hospital, three BaRS services and a council that speaks plain FHIR. Prints what became of each referral. */
import { mkdtempSync, chmodSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../terms/fault.js'
import { Child, type ChildEvent } from './child.js'
import { readCaseOf, type ReferralSeen } from './demo-cases.js'
import { isAsExpected, readExpected, type Expected } from './demo-expected.js'
import { printTable } from './demo-table.js'

export interface DemoDeps {
  /** Folder with the morning's messages and what should become of them. */
  readonly morning: string
  readonly deployment: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly write: (text: string) => void
  readonly stopped: Promise<unknown>
}

const READY_TIMEOUT_MS = 60_000
const OUTCOME_TIMEOUT_MS = 90_000

/** 0 when every referral reached the state it should. */
export async function runDemo(args: readonly string[], deps: DemoDeps): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'onedoor-demo-'))
  chmodSync(folder, 0o755)
  const children: Child[] = []
  try {
    const { base, hospital } = await startAll(folder, children, deps)
    const expected = readExpected(deps.morning)
    const seen = await watch(base, expected, hospital, deps)
    const good = printTable(base, expected, seen, deps.write)
    if (!args.includes('--exit')) {
      deps.write('The gateway stays up; stop it with Ctrl-C.\n')
      await Promise.race([deps.stopped, children[0]?.ended])
    }
    return good ? 0 : 1
  } finally {
    for (const child of children.reverse()) await child.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Started {
  /** `http://127.0.0.1:8080`. */
  readonly base: string
  readonly hospital: Child
}

async function startAll(folder: string, children: Child[], deps: DemoDeps): Promise<Started> {
  const port = await portNear(8080)
  const mllpPort = await portNear(2575)
  const replyPort = await portNear(9105)
  const base = `http://127.0.0.1:${port}`
  const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Child => {
    const child = new Child(args, { ...deps.environment, ...env })
    children.push(child)
    return child
  }
  const twin = (kind: string, ...args: string[]): Child =>
    start(['simulate', kind, '--gateway', base, ...args])
  deps.write('Starting the receiving services ...\n')
  const twins = {
    ONEDOOR_UCR_URL: twin('bars-receiver', '--service', '2000099901'),
    ONEDOOR_ICRS_URL: twin('bars-receiver', '--service', '2000099902', '--decide', 'reject'),
    ONEDOOR_VIRTUAL_WARD_URL: twin('bars-receiver', '--service', '2000099903', '--down-first', '3'),
    ONEDOOR_FIRST_CONTACT_URL: twin('fhir-receiver', '--decide', 'complete'),
  }
  const urls: Record<string, string> = {}
  for (const [name, child] of Object.entries(twins)) {
    urls[name] = `http://127.0.0.1:${(await child.event('listening', READY_TIMEOUT_MS)).port}`
  }
  deps.write('Starting the gateway with its own PostgreSQL ...\n')
  const gateway = start(['serve'], {
    ...urls,
    ONEDOOR_UHL_MLLP_PORT: String(replyPort),
    PORT: String(port),
    MLLP_PORT: String(mllpPort),
    ONEDOOR_DATA_DIR: join(folder, 'data'),
    ONEDOOR_DEPLOYMENT: deps.deployment,
    LOG_LEVEL: deps.environment['LOG_LEVEL'] ?? 'warn',
  })
  await gateway.event('listening', READY_TIMEOUT_MS)
  deps.write('The hospital sends its morning ...\n')
  const sender = ['simulate', 'hospital', '--mllp', `127.0.0.1:${mllpPort}`, '--port', String(replyPort)]
  return { base, hospital: start([...sender, '--from', deps.morning, '--every-ms', '300']) }
}

/** The usual port, or any free one when something else has it. */
async function portNear(usual: number): Promise<number> {
  const free = async (port: number): Promise<number | undefined> =>
    new Promise((resolve) => {
      const server = createServer()
      server.once('error', () => resolve(undefined))
      server.listen(port, '127.0.0.1', () => {
        // A TCP server that listens has an AddressInfo.
        const { port: found } = server.address() as AddressInfo
        server.close(() => resolve(found))
      })
    })
  const port = (await free(usual)) ?? (await free(0))
  if (port === undefined) throw new Fault('config-invalid', 'No free port on 127.0.0.1.')
  return port
}

/** Looks until every referral is as expected, or time is up. */
async function watch(
  base: string,
  expected: readonly Expected[],
  hospital: Child,
  { write }: DemoDeps,
): Promise<readonly ReferralSeen[]> {
  const until = Date.now() + OUTCOME_TIMEOUT_MS
  await hospital.event('finished', OUTCOME_TIMEOUT_MS)
  write('Waiting for the services to answer ...\n')
  for (;;) {
    const seen = await Promise.all(
      expected.map(async ({ referral }) => ({
        ...(await readCaseOf(base, referral)),
        ack: firstOf(hospital.events, 'sent', referral)?.ack ?? '',
        told: all(hospital.events, 'received', referral)
          .filter(({ type }) => type?.startsWith('RRI') === true)
          .map(({ status }) => status ?? ''),
      })),
    )
    if (seen.every((one, i) => isAsExpected(one, expected[i])) || Date.now() > until) return seen
    await sleep(300)
  }
}

const all = (events: readonly ChildEvent[], event: string, referral: string): readonly ChildEvent[] =>
  events.filter((one) => one.event === event && one.referralId === referral)

/** The first answer to a referral: later messages about it have answers of their own. */
const firstOf = (events: readonly ChildEvent[], event: string, referral: string): ChildEvent | undefined =>
  all(events, event, referral)[0]

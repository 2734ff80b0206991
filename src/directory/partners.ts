/** Partners as the deployment writes them -> partners as the product sees them, every reference checked. */
import { isZone } from '../terms/zone.js'
import type { Entries, Entry, Report } from './entries.js'
import { quote, suggest } from './problem.js'
import { DEFAULTS, type EnvRef } from './schema.js'
import type { HttpEntry, MllpEntry, PartnerEntry, ReceivesEntry, RetryEntry } from './schema-partners.js'
import type { Partner, PartnerSends, Receives, ReceivesHl7v2, RetryPolicy } from './types.js'

/** Value of an environment variable; undefined or empty when it is not set. */
export type EnvLookup = (name: string) => string | undefined

const MS_PER_HOUR = 3_600_000

export function readPartners(
  entries: Entries<PartnerEntry>,
  organizations: ReadonlySet<string>,
  env: EnvLookup,
  report: Report,
): ReadonlyMap<string, Partner> {
  checkUnique(entries.whole, report)
  return new Map(
    entries.whole.map((entry) => {
      checkPartner(entry, organizations, report)
      return [entry.id, readPartner(entry, env, report)]
    }),
  )
}

function readPartner(entry: Entry<PartnerEntry>, env: EnvLookup, report: Report): Partner {
  const { name, organization, identifiers, timeZone, sends, receives } = entry.value
  const receiving = receives === undefined ? undefined : readReceives(entry, receives, env, report)
  return {
    id: entry.id,
    name,
    organization: organization ?? entry.id,
    identifiers: identifiers ?? [],
    ...(timeZone === undefined ? {} : { timeZone }),
    sends: readSends(sends ?? {}),
    ...(receiving === undefined ? {} : { receives: receiving }),
  }
}

function readSends({ hl7v2, bars, fhir }: NonNullable<PartnerEntry['sends']>): PartnerSends {
  return {
    ...(hl7v2 === undefined
      ? {}
      : {
          hl7v2: {
            applications: hl7v2.applications.map(({ application, facility }) => ({
              application,
              facility: facility ?? '',
            })),
            processingIds: hl7v2.processingIds ?? DEFAULTS.processingIds,
            duplicateWindowMs: (hl7v2.duplicateWindowHours ?? DEFAULTS.duplicateWindowHours) * MS_PER_HOUR,
            overlays: hl7v2.overlays ?? [],
            ...(hl7v2.messageTypes === undefined ? {} : { messageTypes: hl7v2.messageTypes }),
          },
        }),
    ...(bars === undefined ? {} : { bars }),
    ...(fhir === undefined ? {} : { fhir }),
  }
}

function readReceives(
  entry: Entry<PartnerEntry>,
  receives: ReceivesEntry,
  env: EnvLookup,
  report: Report,
): Receives | undefined {
  checkRetry(entry, receives.retry ?? {}, report)
  const retry = readRetry(receives.retry ?? {})
  if (receives.channel === 'hl7v2') return readMllp(entry, receives, retry, env, report)
  const url = readUrl(entry, ['receives', 'url'], receives.url, env, report)
  if (url === undefined) return undefined
  const timeoutMs = receives.timeoutMs ?? DEFAULTS.bodyTimeoutMs
  return receives.channel === 'bars'
    ? { channel: 'bars', url, serviceId: receives.serviceId, timeoutMs, retry }
    : { channel: 'fhir', url, timeoutMs, retry }
}

function readMllp(
  entry: Entry<PartnerEntry>,
  receives: MllpEntry,
  retry: RetryPolicy,
  env: EnvLookup,
  report: Report,
): ReceivesHl7v2 | undefined {
  const host = fromEnv(entry, ['receives', 'host'], receives.host, env, report)
  const port = fromEnv(entry, ['receives', 'port'], receives.port, env, report)
  if (host === undefined || port === undefined) return undefined
  if (!/^\d{1,5}$/.test(String(port)) || Number(port) < 1 || Number(port) > 65_535) {
    report(
      entry,
      ['receives', 'port'],
      quote(port),
      'a TCP port, 1 to 65535',
      'correct the environment variable',
    )
    return undefined
  }
  return {
    channel: 'hl7v2',
    host: String(host),
    port: Number(port),
    application: receives.application,
    facility: receives.facility,
    version: receives.version ?? DEFAULTS.hl7v2Version,
    discardsRepeats: receives.discardsRepeats ?? false,
    timeoutMs: receives.timeoutMs ?? DEFAULTS.mllpTimeoutMs,
    retry,
  }
}

function readRetry(entry: RetryEntry): RetryPolicy {
  const { maxAttempts, ...delays } = { ...DEFAULTS.retry, ...entry }
  return { ...delays, maxAttempts: maxAttempts === 'unlimited' ? null : maxAttempts }
}

function checkRetry(entry: Entry<unknown>, retry: RetryEntry, report: Report): void {
  const { firstDelayMs, maxDelayMs } = { ...DEFAULTS.retry, ...retry }
  if (maxDelayMs >= firstDelayMs) return
  const found = `maxDelayMs ${maxDelayMs} below firstDelayMs ${firstDelayMs}`
  report(entry, ['receives', 'retry'], found, 'maxDelayMs of at least firstDelayMs', 'raise it')
}

/** The URL without its last `/`. Undefined, and reported, when it is not one a delivery can be sent to. */
export function readUrl(
  entry: Entry<unknown>,
  path: readonly string[],
  value: HttpEntry['url'],
  env: EnvLookup,
  report: Report,
): string | undefined {
  const written = fromEnv(entry, path, value, env, report)
  if (written === undefined) return undefined
  const expected = 'an absolute http or https URL without user, password, query or fragment'
  const url = URL.canParse(String(written)) ? new URL(String(written)) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    report(entry, path, quote(written), expected, 'correct it')
    return undefined
  }
  // Never quote it: what stands before the @ is a secret.
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    report(entry, path, 'a URL with user, password, query or fragment', expected, 'remove that part')
    return undefined
  }
  return String(written).replace(/\/+$/, '')
}

function fromEnv<T extends string | number>(
  entry: Entry<unknown>,
  path: readonly string[],
  value: T | EnvRef<T>,
  env: EnvLookup,
  report: Report,
): T | string | undefined {
  if (typeof value !== 'object') return value
  const set = env(value.env)
  if (set !== undefined && set !== '') return set
  if (value.default === undefined) {
    const found = `${quote(value.env)}, which is not set`
    report(entry, path, found, 'an environment variable with a value', 'set it or give a `default`')
  }
  return value.default
}

function checkPartner(entry: Entry<PartnerEntry>, organizations: ReadonlySet<string>, report: Report): void {
  const { organization, timeZone } = entry.value
  if (organization !== undefined && !organizations.has(organization)) {
    const fix = suggest(organization, organizations, 'add that partner or leave the key out')
    report(entry, ['organization'], quote(organization), 'the id of a partner or Organization', fix)
  }
  if (timeZone !== undefined && !isZone(timeZone)) {
    report(entry, ['timeZone'], quote(timeZone), 'an IANA time zone such as `Europe/London`', 'correct it')
  }
}

/** A message, an identifier or a service id must never fit two partners. */
function checkUnique(entries: readonly Entry<PartnerEntry>[], report: Report): void {
  const taken = new Map<string, string>()
  const claim = (entry: Entry<PartnerEntry>, key: string, what: string, path: (string | number)[]): void => {
    const owner = taken.get(key)
    if (owner === undefined) taken.set(key, entry.id)
    else report(entry, path, `${what} again`, `one partner for it, ${quote(owner)} has it`, 'remove one')
  }
  for (const entry of entries) {
    const { identifiers, sends, receives } = entry.value
    identifiers?.forEach(({ system, value }, i) =>
      claim(entry, `id ${system}|${value}`, `the identifier ${quote(value)}`, ['identifiers', i]),
    )
    sends?.hl7v2?.applications.forEach(({ application, facility = '' }, i) =>
      claim(entry, `v2 ${application}|${facility}`, `the sender ${quote(`${application}|${facility}`)}`, [
        'sends',
        'hl7v2',
        'applications',
        i,
      ]),
    )
    sends?.bars?.serviceIds.forEach((id, i) =>
      claim(entry, `from ${id}`, `the service id ${quote(id)}`, ['sends', 'bars', 'serviceIds', i]),
    )
    if (receives?.channel === 'bars') {
      const { serviceId } = receives
      claim(entry, `to ${serviceId}`, `the service id ${quote(serviceId)}`, ['receives', 'serviceId'])
    }
  }
}

/** The files of a deployment -> one checked value, or one Fault that lists everything wrong with them. */
import { isZone } from '../terms/zone.js'
import {
  readEntries,
  reporter,
  type DeploymentEntries,
  type Entries,
  type Entry,
  type Report,
} from './entries.js'
import { readPartners, readUrl, type EnvLookup } from './partners.js'
import { deploymentInvalid, quote, suggest, type Problem } from './problem.js'
import { directoryResources, isOwnOrganization } from './resources.js'
import { DEFAULTS, type DeploymentEntry } from './schema.js'
import type { PathwayEntry } from './schema-pathways.js'
import { readServices } from './service-entries.js'
import type { Deployment, DirectoryResource, Pathway } from './types.js'

export type { EnvLookup } from './partners.js'

const MS_PER_MINUTE = 60_000

/** `files` holds texts by their paths inside the folder, `/` between parts: `deployment.yaml`, `partners/*.yaml`,
 *  `directory/*.yaml`, `pathways/*.yaml` (or `.yml`, `.json`). `env` answers each `{env: NAME}`.
 *  Throws Fault `deployment-invalid` with a line `file:line: found ..., expected ...; fix` for every problem. */
export function parseDeployment(
  files: ReadonlyMap<string, string>,
  env: EnvLookup = () => undefined,
): Deployment {
  const problems: Problem[] = []
  const entries = readEntries(files, problems)
  const deployment = assemble(entries, env, reporter(problems))
  if (problems.length > 0 || deployment === undefined) throw deploymentInvalid(problems)
  return deployment
}

function assemble(entries: DeploymentEntries, env: EnvLookup, report: Report): Deployment | undefined {
  const top = entries.deployment
  const pathways = readPathways(entries, report)
  const needsOf = (service: string): readonly string[] =>
    pathways
      .filter(({ services, fallback }) => !fallback && services.includes(service))
      .map(({ need }) => need)
  const partners = readPartners(entries.partners, organizationIds(entries), env, report)
  const unitLength = top?.value.postcodes?.unitLength ?? 0
  const services = readServices(entries.services, entries.partners, needsOf, unitLength, report)
  const resources = [
    ...directoryResources({ partners, services, pathways }, entries.partners.whole, entries.services.whole),
    ...entries.resources.map(({ value }) => value),
  ]
  checkResourceIds(resources, entries, report)
  if (top === undefined) return undefined
  const publicUrl = checkTop(top, entries, env, report)
  const { name, timeZone, accessPoint } = top.value
  return {
    name,
    timeZone,
    ...(publicUrl === undefined ? {} : { publicUrl }),
    accessPoint,
    partners,
    services,
    pathways,
    resources,
  }
}

function checkTop(
  top: Entry<DeploymentEntry>,
  entries: DeploymentEntries,
  env: EnvLookup,
  report: Report,
): string | undefined {
  const { timeZone, accessPoint, publicUrl } = top.value
  if (!isZone(timeZone)) {
    report(top, ['timeZone'], quote(timeZone), 'an IANA time zone such as `Europe/London`', 'correct it')
  }
  const { ids } = entries.partners
  if (!ids.has(accessPoint)) {
    report(
      top,
      ['accessPoint'],
      quote(accessPoint),
      'the id of a partner',
      suggest(accessPoint, ids, 'add that partner'),
    )
  }
  return publicUrl === undefined ? undefined : readUrl(top, ['publicUrl'], publicUrl, env, report)
}

/** A misshapen partner counts as having its own: what is wrong with it is reported where it stands. */
function organizationIds({ partners, resources }: DeploymentEntries): ReadonlySet<string> {
  const shared = partners.whole.filter(({ id, value }) => !isOwnOrganization(id, value)).map(({ id }) => id)
  const own = [...partners.ids].filter((id) => !shared.includes(id))
  const written = resources.filter(({ value }) => value.resourceType === 'Organization').map(({ id }) => id)
  return new Set([...own, ...written])
}

function checkResourceIds(
  resources: readonly DirectoryResource[],
  entries: DeploymentEntries,
  report: Report,
): void {
  const count = new Map<string, number>()
  const key = ({ resourceType, id }: DirectoryResource): string => `${resourceType}/${id}`
  for (const resource of resources) count.set(key(resource), (count.get(key(resource)) ?? 0) + 1)
  for (const entry of entries.resources) {
    if ((count.get(key(entry.value)) ?? 0) < 2) continue
    const expected = 'an id that no other resource has, written or made from a partner or service'
    report(entry, ['id'], `${quote(key(entry.value))} again`, expected, 'rename or remove it')
  }
}

function readPathways(
  { pathways, services, deployment }: DeploymentEntries,
  report: Report,
): readonly Pathway[] {
  checkCodes(pathways.whole, report)
  checkFallbacks(pathways, deployment, report)
  return pathways.whole.map((entry) => {
    entry.value.services.forEach((id, i) => {
      if (services.ids.has(id)) return
      report(
        entry,
        ['services', i],
        quote(id),
        'the id of a service',
        suggest(id, services.ids, 'add that service'),
      )
    })
    return pathwayOf(entry)
  })
}

function pathwayOf({ id, value }: Entry<PathwayEntry>): Pathway {
  return {
    need: id,
    name: value.name,
    codes: (value.codes ?? []).map(({ system, code }) =>
      system === undefined ? { code } : { system, code },
    ),
    fallback: value.fallback ?? false,
    services: value.services,
    offer: value.offer,
    answerWithinMs: (value.answerWithinMinutes ?? DEFAULTS.answerWithinMinutes) * MS_PER_MINUTE,
  }
}

/** A referral that shows no known need goes before a person, on exactly one pathway. */
function checkFallbacks(
  pathways: Entries<PathwayEntry>,
  top: Entry<DeploymentEntry> | undefined,
  report: Report,
): void {
  const fallbacks = pathways.whole.filter(({ value }) => value.fallback === true)
  for (const entry of fallbacks) {
    if (entry.value.offer === 'manual') continue
    const expected = '`offer: manual` on the fallback: nobody knows the need yet'
    report(entry, ['offer'], quote(entry.value.offer), expected, 'write `manual`')
  }
  for (const extra of fallbacks.slice(1)) {
    const expected = `one fallback, ${quote(fallbacks[0]?.id)} is it`
    report(extra, ['fallback'], 'a second fallback', expected, 'remove the key')
  }
  if (fallbacks.length === 0 && top !== undefined && pathways.whole.length === pathways.ids.size) {
    report(
      top,
      [],
      'no pathway with `fallback: true`',
      'one for referrals whose need is unknown',
      'add it in pathways/',
    )
  }
}

/** One code shows one need. A pathway without codes is reached by a name, or is the fallback. */
function checkCodes(entries: readonly Entry<PathwayEntry>[], report: Report): void {
  const taken = new Map<string, string>()
  for (const entry of entries) {
    entry.value.codes?.forEach(({ system = '', code }, i) => {
      const owner = taken.get(`${system}|${code.toUpperCase()}`)
      taken.set(`${system}|${code.toUpperCase()}`, owner ?? entry.id)
      if (owner === undefined) return
      const expected = `one need for it, ${quote(owner)} has it`
      report(entry, ['codes', i], `the code ${quote(code)} again`, expected, 'remove one')
    })
  }
}

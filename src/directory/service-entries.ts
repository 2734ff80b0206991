/** Services as the deployment writes them -> services as routing sees them, every reference checked. */
import type { Entries, Entry, Report } from './entries.js'
import { normaliseName } from './named-service.js'
import { quote, suggest } from './problem.js'
import { DEFAULTS } from './schema.js'
import type { PartnerEntry } from './schema-partners.js'
import type { ServiceEntry } from './schema-services.js'
import { normalisePostcode } from './services.js'
import type { Service } from './types.js'

export function readServices(
  services: Entries<ServiceEntry>,
  partners: Entries<PartnerEntry>,
  needsOf: (service: string) => readonly string[],
  postcodeUnitLength: number,
  report: Report,
): ReadonlyMap<string, Service> {
  checkIdentifiers(services.whole, report)
  return new Map(
    services.whole.map((entry) => {
      checkService(entry, partners, report)
      return [entry.id, readService(entry, needsOf(entry.id), postcodeUnitLength)]
    }),
  )
}

function readService(entry: Entry<ServiceEntry>, needs: readonly string[], unitLength: number): Service {
  const { name, partner, postcodes, minAgeYears, maxAgeYears, hours, closures, category, useCase } =
    entry.value
  return {
    id: entry.id,
    name,
    partner,
    aliases: aliasesOf(entry.id, entry.value),
    needs,
    postcodes: (postcodes ?? []).map((area) => postcodePattern(area, unitLength)),
    ...(minAgeYears === undefined ? {} : { minAgeYears }),
    ...(maxAgeYears === undefined ? {} : { maxAgeYears }),
    hours: hours ?? [],
    ...(closures === undefined ? {} : { closures }),
    category: category ?? DEFAULTS.category,
    ...(useCase === undefined ? {} : { useCase: { ...useCase, bilateral: useCase.bilateral ?? false } }),
  }
}

function aliasesOf(id: string, { name, aliases, identifiers }: ServiceEntry): readonly string[] {
  const numbers = (identifiers ?? []).flatMap(({ system, value }) => [value, `${system}|${value}`])
  return [...new Set([id, name, ...(aliases ?? []), ...numbers].map(normaliseName))]
}

/** `LE1` -> `LE1???` where units have three characters; `LE1 6TH` and `LE*` stay as they are, without spaces. */
function postcodePattern(area: string, unitLength: number): string {
  const open = area.endsWith('*')
  const written = open ? area.slice(0, -1) : area
  const whole = written.split('?').map(normalisePostcode).join('?')
  if (open) return `${whole}*`
  // A postcode in full is written with its unit apart, so that `D02` and `D02 X285` cannot be confused.
  const isWhole = unitLength === 0 || written.includes('?') || /[\s-]/.test(written.trim())
  return isWhole ? whole : whole + '?'.repeat(unitLength)
}

function checkService(entry: Entry<ServiceEntry>, partners: Entries<PartnerEntry>, report: Report): void {
  const { partner, minAgeYears = 0, maxAgeYears = Infinity } = entry.value
  if (!partners.ids.has(partner)) {
    const fix = suggest(partner, partners.ids, 'add that partner')
    report(entry, ['partner'], quote(partner), 'the id of a partner', fix)
  }
  if (minAgeYears > maxAgeYears) {
    const found = `minAgeYears ${minAgeYears} above maxAgeYears ${maxAgeYears}`
    report(entry, ['minAgeYears'], found, 'the youngest age first', 'exchange them')
  }
  checkTimes(entry, report)
  const receives = partners.whole.find(({ id }) => id === partner)?.value.receives
  if (receives?.channel === 'bars') checkBars(entry, receives.serviceId, report)
}

function checkTimes(entry: Entry<ServiceEntry>, report: Report): void {
  entry.value.hours?.forEach(({ from, to }, i) => {
    if (from < to) return
    const fix = `write two entries: ${from} to 24:00, and 00:00 to ${to} on the days after`
    report(
      entry,
      ['hours', i],
      `${from} to ${to}`,
      'an end after its beginning',
      from === to ? 'correct it' : fix,
    )
  })
  entry.value.closures?.forEach(({ from, to }, i) => {
    for (const [key, date] of Object.entries({ from, to })) {
      if (!isDate(date))
        report(entry, ['closures', i, key], quote(date), 'a day of the calendar', 'correct it')
    }
    if (from > to) report(entry, ['closures', i], `${from} to ${to}`, 'the first day first', 'exchange them')
  })
}

function checkBars(entry: Entry<ServiceEntry>, serviceId: string, report: Report): void {
  const { identifiers = [], useCase, partner } = entry.value
  const channel = `partner ${quote(partner)} receives over bars`
  if (useCase === undefined) {
    report(entry, [], 'no `useCase`', `the use case of offers to it, since its ${channel}`, 'add it')
  } else {
    const national = /^a\d+t\d+$/.test(useCase.code)
    if (national && useCase.bilateral === true) {
      report(
        entry,
        ['useCase', 'bilateral'],
        `the national code ${quote(useCase.code)} marked bilateral`,
        'a national code unmarked',
        'remove `bilateral` or use a code of your own',
      )
    }
    if (!national && useCase.bilateral !== true) {
      report(
        entry,
        ['useCase', 'code'],
        `${quote(useCase.code)}, which is on no national list`,
        'a code such as `a4t3`, or `bilateral: true`',
        'correct the code or add `bilateral: true`',
      )
    }
  }
  if (!identifiers.some(({ value }) => value === serviceId)) {
    report(
      entry,
      identifiers.length === 0 ? [] : ['identifiers'],
      `no identifier ${quote(serviceId)}`,
      `the service id its partner ${quote(partner)} receives under`,
      'correct one of the two',
    )
  }
}

function checkIdentifiers(entries: readonly Entry<ServiceEntry>[], report: Report): void {
  const taken = new Map<string, string>()
  for (const entry of entries) {
    entry.value.identifiers?.forEach(({ system, value }, i) => {
      const owner = taken.get(`${system}|${value}`)
      taken.set(`${system}|${value}`, owner ?? entry.id)
      if (owner === undefined) return
      const expected = `one service for it, ${quote(owner)} has it`
      report(entry, ['identifiers', i], `the identifier ${quote(value)} again`, expected, 'remove one')
    })
  }
}

function isDate(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}

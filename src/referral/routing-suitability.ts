/** Is a service suitable for a patient now? Each rule gives its outcome in words a clinician can check. */
import { addMs, type Instant } from '../terms/instant.js'
import { covers, fitsAge, isOpen, opensAt, wallClock } from '../directory/services.js'
import type { Deployment, Pathway, Service } from '../directory/types.js'
import type { RoutingFacts } from './routing-facts.js'

export interface RoutingReason {
  readonly rule: 'not-asked-before' | 'delivery' | 'age' | 'catchment' | 'hours'
  /** `wait`: closed, but a routine referral may lie there until it opens;
   *  `unknown`: the sender did not say enough to tell, so a person must look. */
  readonly outcome: 'pass' | 'wait' | 'fail' | 'unknown'
  readonly text: string
}

export interface Candidate {
  readonly service: string
  /** Every rule passed or may wait. */
  readonly suitable: boolean
  readonly reasons: readonly RoutingReason[]
}

export interface Situation {
  readonly facts: RoutingFacts
  readonly deployment: Deployment
  readonly pathway: Pathway
  readonly now: Instant
}

export function judge(service: Service, situation: Situation): Candidate {
  const reasons = [
    notAskedBefore(service, situation),
    delivery(service, situation),
    age(service, situation),
    catchment(service, situation),
    hours(service, situation),
  ]
  const suitable = reasons.every(({ outcome }) => outcome === 'pass' || outcome === 'wait')
  return { service: service.id, suitable, reasons }
}

export const waits = ({ reasons }: Candidate): boolean => reasons.some(({ outcome }) => outcome === 'wait')

/** The reasons against a service, or for having to ask. */
export const obstacles = ({ reasons }: Candidate): readonly RoutingReason[] =>
  reasons.filter(({ outcome }) => outcome === 'fail' || outcome === 'unknown')

function notAskedBefore({ id }: Service, { facts }: Situation): RoutingReason {
  const rule = 'not-asked-before'
  return facts.excluded.includes(id)
    ? { rule, outcome: 'fail', text: 'was already asked for this need and did not take it' }
    : { rule, outcome: 'pass', text: 'has not been asked yet' }
}

function delivery({ partner }: Service, { deployment }: Situation): RoutingReason {
  const rule = 'delivery'
  return deployment.partners.get(partner)?.receives === undefined
    ? { rule, outcome: 'fail', text: 'receives nothing electronically: a person must make contact' }
    : { rule, outcome: 'pass', text: 'receives electronically' }
}

function age(service: Service, { facts, deployment, now }: Situation): RoutingReason {
  const rule = 'age'
  const { minAgeYears, maxAgeYears } = service
  if (minAgeYears === undefined && maxAgeYears === undefined) {
    return { rule, outcome: 'pass', text: 'takes every age' }
  }
  const limits = `ages ${minAgeYears ?? 0} to ${maxAgeYears ?? 'any'}`
  const today = wallClock(now, deployment.timeZone).slice(0, 10)
  const ages = facts.birthDate === undefined ? undefined : agesOn(today, facts.birthDate)
  if (ages === undefined) {
    return { rule, outcome: 'unknown', text: `takes ${limits}; the date of birth is not known` }
  }
  if (fitsAge(service, ages.youngest) && fitsAge(service, ages.oldest)) {
    return { rule, outcome: 'pass', text: `takes ${limits}` }
  }
  const outside = ages.oldest < (minAgeYears ?? 0) || ages.youngest > (maxAgeYears ?? Infinity)
  return outside
    ? { rule, outcome: 'fail', text: `takes ${limits} only` }
    : { rule, outcome: 'unknown', text: `takes ${limits}; the date of birth is not exact enough to tell` }
}

function catchment(service: Service, { facts }: Situation): RoutingReason {
  const rule = 'catchment'
  if (service.postcodes.length === 0) return { rule, outcome: 'pass', text: 'covers everywhere' }
  if (facts.postcode === undefined) {
    return {
      rule,
      outcome: 'unknown',
      text: 'covers certain postcodes; the postcode of the patient is not known',
    }
  }
  return covers(service, facts.postcode)
    ? { rule, outcome: 'pass', text: 'covers the postcode of the patient' }
    : { rule, outcome: 'fail', text: 'does not cover the postcode of the patient' }
}

/** Only a routine referral may lie at a closed door, and only when the door opens before its answer is due. */
function hours(service: Service, { facts, deployment, pathway, now }: Situation): RoutingReason {
  const rule = 'hours'
  const zone = deployment.timeZone
  if (isOpen(service, now, zone)) return { rule, outcome: 'pass', text: 'is open now' }
  const opening = opensAt(service, now, zone)
  if (opening === undefined) return { rule, outcome: 'fail', text: 'is closed, with no opening in sight' }
  const until = `is closed until ${wallClock(opening, zone)} (${zone})`
  if (facts.priority !== 'routine') {
    return { rule, outcome: 'fail', text: `${until}, and the referral is not marked routine` }
  }
  return opening < addMs(now, pathway.answerWithinMs)
    ? { rule, outcome: 'wait', text: `${until}; a routine referral may wait for that` }
    : { rule, outcome: 'fail', text: `${until}, after the answer is due` }
}

export interface AgeRange {
  readonly youngest: number
  readonly oldest: number
}

/** Age in full years on a day, for a birth date as precise as it is. Born on 29 February: a year older on 1 March.
 *  Undefined for what is no date, or lies after the day. */
export function agesOn(day: string, birthDate: string): AgeRange | undefined {
  if (!/^\d{4}(-\d{2}(-\d{2})?)?$/.test(birthDate)) return undefined
  const latest = birthDate + '-12-31'.slice(birthDate.length - 4)
  const earliest = birthDate + '-01-01'.slice(birthDate.length - 4)
  const oldest = fullYears(earliest, day)
  return oldest < 0 ? undefined : { youngest: Math.max(0, fullYears(latest, day)), oldest }
}

const fullYears = (born: string, day: string): number =>
  Number(day.slice(0, 4)) - Number(born.slice(0, 4)) - (day.slice(5) < born.slice(5) ? 1 : 0)

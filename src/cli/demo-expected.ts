/** What should become of each referral of the demonstration: `expected.json` beside its messages. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { serviceOf, type ReferralSeen } from './demo-cases.js'

export interface Expected {
  /** RF1-6.1. */
  readonly referral: string
  readonly story: string
  /** MSA-1. */
  readonly ack: string
  /** ServiceRequest.status; null when no case may exist. */
  readonly request: string | null
  readonly offers: readonly { readonly service: string; readonly status: string }[]
  /** True when a person must be asked; null when that depends on who was faster. */
  readonly decide?: boolean | null
  /** RF1-1 of the replies, in order; null when their number depends on who was faster. */
  readonly told: readonly string[] | null
}

// A file of our own, read by no one else.
export const readExpected = (folder: string): readonly Expected[] =>
  JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Expected[]

export function isAsExpected(seen: ReferralSeen, expected: Expected | undefined): boolean {
  if (expected === undefined) return false
  const offers = seen.offers.map((offer) => `${serviceOf(offer)} ${offer.status}`)
  return (
    seen.ack === expected.ack &&
    (seen.request?.status ?? null) === expected.request &&
    offers.join() === expected.offers.map(({ service, status }) => `${service} ${status}`).join() &&
    (expected.decide === null || seen.questions.length > 0 === (expected.decide ?? false)) &&
    (expected.told === null || seen.told.join() === expected.told.join())
  )
}

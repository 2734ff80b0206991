/** Shape of `pathways/*.yaml`: which codes show which need, and which services may meet it. */
import { byId, DEFAULTS, flag, idOf, listOf, record, text, wholeNumber } from './schema.js'
import type { PartnerCode } from './types.js'

export interface PathwayEntry {
  readonly name: string
  readonly codes?: readonly PartnerCode[]
  readonly fallback?: boolean
  readonly services: readonly string[]
  readonly offer: 'automatic' | 'manual'
  readonly answerWithinMinutes?: number
}

const PATHWAY = record('One need', ['name', 'services', 'offer'], {
  name: text('the need in words'),
  codes: listOf(
    record('A code that shows the need', ['code'], {
      system: text('the code system as a URI; absent = any'),
      code: text('the code as text'),
      display: text('what the code means, for people'),
    }),
    'Codes that show the need in a referral',
    { default: [] },
  ),
  fallback: flag('true for the one pathway taken when no other matches', false),
  services: listOf(idOf('the id of a service'), 'Candidate services in order of preference', {
    uniqueItems: true,
  }),
  offer: {
    enum: ['automatic', 'manual'],
    description: '`automatic`: the first suitable service is offered at once; `manual`: a person chooses',
  },
  answerWithinMinutes: wholeNumber(
    'minutes until an unanswered offer returns to the access point, 1 to 43,200 (30 days)',
    1,
    43_200,
    { default: DEFAULTS.answerWithinMinutes },
  ),
})

export const PATHWAYS_SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'OneDoor pathways/*.yaml',
  ...record('Pathways by their needs', ['pathways'], { pathways: byId(PATHWAY, 'Pathways by their needs') }),
}

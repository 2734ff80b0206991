/** Shape of `directory/*.yaml`: the services people are referred to, and FHIR resources written by hand. */
import { byId, DEFAULTS, flag, idOf, IDENTIFIER, listOf, record, text, wholeNumber } from './schema.js'
import type { Closure, DirectoryResource, OpeningHours, PartnerIdentifier } from './types.js'

export interface ServiceEntry {
  readonly name: string
  readonly partner: string
  readonly description?: string
  readonly phone?: string
  readonly identifiers?: readonly PartnerIdentifier[]
  readonly aliases?: readonly string[]
  readonly postcodes?: readonly string[]
  readonly minAgeYears?: number
  readonly maxAgeYears?: number
  readonly hours?: readonly OpeningHours[]
  readonly closures?: readonly Closure[]
  readonly category?: 'referral' | 'validation'
  readonly useCase?: { readonly code: string; readonly display: string; readonly bilateral?: boolean }
}

export type ResourceEntry = DirectoryResource

const day = (which: string): object => ({
  type: 'string',
  pattern: '^\\d{4}-\\d{2}-\\d{2}$',
  description: `${which} day as YYYY-MM-DD`,
})

const HOURS = record('One stretch of opening hours', ['days', 'from', 'to'], {
  days: listOf(
    { enum: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] },
    'Days it holds on; at least one',
    {
      minItems: 1,
      uniqueItems: true,
    },
  ),
  from: {
    type: 'string',
    pattern: '^([01]\\d|2[0-3]):[0-5]\\d$',
    description: 'a time of day from 00:00 to 23:59, as HH:MM',
  },
  to: {
    type: 'string',
    pattern: '^(([01]\\d|2[0-3]):[0-5]\\d|24:00)$',
    description: 'a time of day from 00:01 to 24:00, as HH:MM',
  },
})

const SERVICE = record('One receiving service', ['name', 'partner'], {
  name: text('the name of the service as people know it'),
  partner: idOf('the id of the partner that receives for it'),
  description: text('what it does and for whom, in a sentence'),
  phone: text('a telephone number'),
  identifiers: listOf(IDENTIFIER, 'What directories call it', { default: [] }),
  aliases: listOf(text('another name'), 'Other names senders write (PRD-2, PRD-4, PRD-7)', {
    uniqueItems: true,
    default: [],
  }),
  postcodes: listOf(
    {
      type: 'string',
      pattern: '^[\\p{L}\\p{N} ?-]+\\*?$',
      description: 'an area (`LE1`), a postcode (`LE1 6TH`), or the beginning of one with `*` (`LE*`)',
    },
    'Where its patients live; empty or absent = everywhere',
    { uniqueItems: true, default: [] },
  ),
  minAgeYears: wholeNumber('the youngest age it takes in full years, 0 to 130', 0, 130),
  maxAgeYears: wholeNumber('the oldest age it takes in full years, 0 to 130', 0, 130),
  hours: listOf(HOURS, 'Opening hours in the zone of the deployment; empty or absent = always open', {
    default: [],
  }),
  closures: listOf(
    record('Days it is closed, first and last included', ['from', 'to', 'reason'], {
      from: day('the first'),
      to: day('the last'),
      reason: text('why, for people'),
    }),
    'Whole days it is closed in spite of its hours',
    { default: [] },
  ),
  category: {
    enum: ['referral', 'validation'],
    description: '`referral`: its answer to the delivery is acceptance; `validation`: it may still decline',
    default: DEFAULTS.category,
  },
  useCase: record('The BaRS use case of offers to it', ['code', 'display'], {
    code: { type: 'string', pattern: '^[a-z0-9][a-z0-9-]*$', description: 'a use-case code such as `a4t3`' },
    display: text('the use case in words'),
    bilateral: flag('true for a code agreed between two parties, outside the national list', false),
  }),
})

const RESOURCE = {
  type: 'object',
  description: 'A FHIR R4 resource served as it stands',
  required: ['resourceType', 'id'],
  properties: {
    resourceType: { enum: ['Organization', 'HealthcareService', 'Location', 'Endpoint'] },
    id: { type: 'string', pattern: '^[A-Za-z0-9.-]{1,64}$', description: 'a FHIR id' },
  },
}

export const SERVICES_SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'OneDoor directory/*.yaml',
  ...record('Services by their ids, and other directory resources', [], {
    services: byId(SERVICE, 'Services by their ids'),
    resources: listOf(
      RESOURCE,
      'Organization, HealthcareService, Location, Endpoint beside the generated ones',
    ),
  }),
  minProperties: 1,
}

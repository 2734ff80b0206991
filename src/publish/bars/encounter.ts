/** The sender's own Encounter of a request: the case as its human-readable number, and the journey it belongs to. */
import type { Encounter } from 'fhir/r4.js'
import { describe } from '../../codec/bars/narrative.js'
import { SYSTEM } from '../../codec/bars/terms.js'
import { barsInstant } from './entries.js'
import type { Offer } from './offer.js'

/** Case ids are unique in the world, so one system serves every access point. */
export const CASE_ID_SYSTEM = 'https://onedoor.dev/fhir/Id/case'

const EMERGENCY = { system: SYSTEM.actCode, code: 'EMER', display: 'emergency' }
const UNKNOWN_CLASS = { system: SYSTEM.nullFlavor, code: 'UNK', display: 'unknown' }

export interface EncounterParts {
  readonly encounter: Encounter
  readonly key: string
  /** What had to give way to BaRS's fixed values, in words. */
  readonly lines: readonly string[]
}

/** Status is `triaged` (BaRS section 8); class is `EMER` for the national applications and the referrer's own where
 *  two parties agreed a use case of their own. A received Journey ID is carried on unchanged. */
export function barsEncounter(offer: Offer): EncounterParts {
  const found = mainEncounter(offer)
  const source: Partial<Encounter> = found ?? {}
  const { status, class: sourceClass, identifier, episodeOfCare, period, ...kept } = source
  const national = offer.service.useCase?.bilateral !== true
  const fixed = national ? EMERGENCY : (sourceClass ?? UNKNOWN_CLASS)
  const journey = (episodeOfCare ?? []).filter(({ reference }) => reference?.startsWith('EpisodeOfCare/'))
  const ownJourney = { reference: `EpisodeOfCare/${offer.record.journeyId}` }
  const replacedClass = sourceClass?.code === fixed.code ? undefined : sourceClass
  return {
    key: found?.id === undefined ? 'encounter' : `Encounter/${found.id}`,
    encounter: {
      ...kept,
      resourceType: 'Encounter',
      identifier: [{ system: CASE_ID_SYSTEM, value: offer.record.caseId }, ...(identifier ?? [])],
      status: 'triaged',
      class: fixed,
      subject: { reference: `Patient/${offer.patient.id}` },
      episodeOfCare: journey.length > 0 ? journey : [ownJourney],
      period: period ?? { start: offer.serviceRequest.authoredOn ?? barsInstant(offer.at) },
    },
    lines: [
      ...describe('Encounter.status', status === 'triaged' ? undefined : status),
      ...describe('Encounter.class', replacedClass),
    ],
  }
}

/** The one the referral was made in, else the first of the case. */
function mainEncounter({ record, serviceRequest }: Offer): Encounter | undefined {
  const encounters = record.resources.filter(
    (resource): resource is Encounter => resource.resourceType === 'Encounter',
  )
  const named = serviceRequest.encounter?.reference
  return encounters.find(({ id }) => named === `Encounter/${id ?? ''}`) ?? encounters[0]
}

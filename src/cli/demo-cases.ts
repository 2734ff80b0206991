/** What the FHIR API says about one referral: read as any integrator would. */
import type { Bundle, FhirResource, ServiceRequest, Task } from 'fhir/r4.js'

export interface CaseSeen {
  readonly request: ServiceRequest | undefined
  readonly offers: readonly Task[]
  /** Open questions to a person. */
  readonly questions: readonly Task[]
}

export interface ReferralSeen extends CaseSeen {
  /** MSA-1 of the referral's answer. */
  readonly ack: string
  /** RF1-1 of every reply the hospital got. */
  readonly told: readonly string[]
}

export async function readCaseOf(base: string, referral: string): Promise<CaseSeen> {
  const [request] = await search<ServiceRequest>(base, `ServiceRequest?identifier=${referral}`)
  if (request === undefined) return { request, offers: [], questions: [] }
  const tasks = await search<Task>(base, `Task?focus=ServiceRequest/${request.id}&_sort=_lastUpdated`)
  const coded = (code: string): readonly Task[] =>
    tasks
      .filter((task) => task.code?.coding?.some((coding) => coding.code === code) === true)
      .sort((a, b) => ((a.authoredOn ?? '') < (b.authoredOn ?? '') ? -1 : 1))
  return { request, offers: coded('offer'), questions: coded('decide') }
}

async function search<T extends FhirResource>(base: string, query: string): Promise<T[]> {
  const response = await fetch(`${base}/FHIR/R4/${query}`, { headers: { accept: 'application/fhir+json' } })
  // The search names the type.
  const bundle = (await response.json()) as Bundle<T>
  return (bundle.entry ?? []).flatMap(({ resource }) => (resource === undefined ? [] : [resource]))
}

/** Id of the HealthcareService an offer was put to. */
export const serviceOf = (offer: Task): string =>
  offer.input?.[0]?.valueReference?.reference?.replace('HealthcareService/', '') ?? ''

/** The names BaRS gives to things: systems, canonicals, profiles, headers. Spelt as the published CodeSystem,
 *  StructureDefinition and MessageDefinition files spell them, which rank above the guide's tables. */

/** Version of BaRS Core this face follows: `Accept` and `CapabilityStatement.version`. */
export const CORE_VERSION = '1.5.0'
export const CORE_MAJOR = '1'

export const SYSTEM = {
  event: 'https://fhir.nhs.uk/CodeSystem/message-events-bars',
  reason: 'https://fhir.nhs.uk/CodeSystem/message-reason-bars',
  category: 'https://fhir.nhs.uk/CodeSystem/message-category-servicerequest',
  useCase: 'https://fhir.nhs.uk/CodeSystem/usecases-categories-bars',
  /** For what two parties agreed among themselves: never presented as a national use case. */
  bilateralUseCase: 'https://onedoor.dev/fhir/CodeSystem/bilateral-use-case',
  httpError: 'https://fhir.nhs.uk/CodeSystem/http-error-codes',
  encounterReason: 'https://fhir.nhs.uk/CodeSystem/message-reason-encounter',
  rejectedReason: 'https://fhir.nhs.uk/CodeSystem/rejected-reasons-bars',
  responseOutcome: 'https://fhir.nhs.uk/CodeSystem/response-outcome-codes',
  flagCategory: 'https://fhir.nhs.uk/CodeSystem/flag-categories-bars',
  sceneSafety: 'https://fhir.nhs.uk/CodeSystem/scene-safety-codes-bars',
  consentCategory: 'https://fhir.nhs.uk/CodeSystem/consent-categories-bars',
  consentScope: 'http://terminology.hl7.org/CodeSystem/consentscope',
  actCode: 'http://terminology.hl7.org/CodeSystem/v3-ActCode',
  nullFlavor: 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor',
  roleCode: 'http://terminology.hl7.org/CodeSystem/v3-RoleCode',
  contactRole: 'http://terminology.hl7.org/CodeSystem/v2-0131',
  nhsNumber: 'https://fhir.nhs.uk/Id/nhs-number',
  nhsNumberStatus: 'https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatus',
  odsCode: 'https://fhir.nhs.uk/Id/ods-organization-code',
  dosServiceId: 'https://fhir.nhs.uk/Id/dos-service-id',
  roleProfileId: 'https://fhir.nhs.uk/Id/sds-role-profile-id',
  snomed: 'http://snomed.info/sct',
} as const

export const EXTENSION = {
  cdss: 'https://fhir.nhs.uk/StructureDefinition/CDSSExtension',
  nhsNumberStatus: 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus',
  contactRank: 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-ContactRank',
  birthSex: 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-BirthSex',
} as const

export const BUNDLE_PROFILE = 'https://fhir.nhs.uk/StructureDefinition/BARSBundleMessage'
export const SCENE_SAFETY_PROFILE = 'https://fhir.nhs.uk/StructureDefinition/BARSFlag-scene-safety'
export const OUTCOME_PROFILE = 'https://fhir.hl7.org.uk/StructureDefinition/UKCore-OperationOutcome'

const ukCore = (type: string): string => `https://fhir.hl7.org.uk/StructureDefinition/UKCore-${type}`
const base = (type: string): string => `http://hl7.org/fhir/StructureDefinition/${type}`

/** Resource types without a UK Core profile in BaRS. */
const BASE_PROFILED = new Set(['Flag', 'RelatedPerson'])
export const profileOf = (type: string): string => (BASE_PROFILED.has(type) ? base(type) : ukCore(type))

export type BarsCategory = 'referral' | 'validation'

export const CATEGORY_DISPLAY: Readonly<Record<BarsCategory, string>> = {
  referral: 'Transfer of Care',
  validation: 'For Validation',
}

export const serviceRequestProfile = (category: BarsCategory): string =>
  `https://fhir.nhs.uk/StructureDefinition/BARSServiceRequest-request-${category}`

export const messageHeaderProfile = (event: string): string =>
  `https://fhir.nhs.uk/StructureDefinition/BARSMessageHeader-${event}`

export const HEADER = {
  target: 'NHSD-Target-Identifier',
  organisation: 'NHSD-End-User-Organisation',
  practitioner: 'NHSD-Requesting-Practitioner',
  software: 'NHSD-Requesting-Software',
  requestId: 'X-Request-Id',
  correlationId: 'X-Correlation-Id',
  useContext: 'use-context',
} as const

/** MessageHeader.source and destination: system, pipe, service id. */
export const endpointOf = (serviceId: string): string => `${SYSTEM.dosServiceId}|${serviceId}`

/** The service id of an endpoint. `http:` and `/id/` appear in the guide's examples, so both are taken. */
export const serviceIdOf = (endpoint: string | undefined): string | undefined =>
  /^https?:\/\/fhir\.nhs\.uk\/Id\/dos-service-id\|(.+)$/i.exec(endpoint ?? '')?.[1]

export const isDosServiceId = (system: string | undefined): boolean =>
  /^https?:\/\/fhir\.nhs\.uk\/Id\/dos-service-id$/i.test(system ?? '')

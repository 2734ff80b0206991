/** What this face offers, as BaRS asks for it: a CapabilityStatement and the MessageDefinitions of our service. */
import type { Bundle, CapabilityStatement, MessageDefinition } from 'fhir/r4.js'
import { CANCELLED, REQUEST, RESPONSES, type Definition } from '../../codec/bars/definitions.js'
import { CORE_VERSION, isDosServiceId, SYSTEM } from '../../codec/bars/terms.js'
import type { Deployment } from '../../directory/types.js'
import { Fault } from '../../terms/fault.js'
import type { Instant } from '../../terms/instant.js'

const SENT = [REQUEST.referral, REQUEST.validation, CANCELLED]
const RECEIVED = Object.values(RESPONSES)

const USAGE = 'http://terminology.hl7.org/CodeSystem/usage-context-type'
const PROCESS_MESSAGE = 'http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message'

export function barsCapabilities(deployment: Deployment, startedAt: Instant): CapabilityStatement {
  const supported = (mode: 'sender' | 'receiver') => (definition: Definition) => ({
    mode,
    definition: definition.url,
  })
  return {
    resourceType: 'CapabilityStatement',
    version: CORE_VERSION,
    name: 'OneDoorBaRS',
    status: 'active',
    date: startedAt,
    kind: 'instance',
    implementation: {
      description: `${deployment.name}: booking and referral standard`,
      ...(deployment.publicUrl === undefined ? {} : { url: `${deployment.publicUrl}/bars/FHIR/R4` }),
    },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json'],
    rest: [
      {
        mode: 'server',
        security: { description: 'Mutual TLS behind the national proxy' },
        resource: [
          {
            type: 'MessageDefinition',
            versioning: 'no-version',
            interaction: [{ code: 'search-type' }],
            searchParam: [{ name: 'context', type: 'token' }],
          },
        ],
        operation: [{ name: 'process-message', definition: PROCESS_MESSAGE }],
      },
      { mode: 'client', operation: [{ name: 'process-message', definition: PROCESS_MESSAGE }] },
    ],
    messaging: [
      { supportedMessage: [...SENT.map(supported('sender')), ...RECEIVED.map(supported('receiver'))] },
    ],
  }
}

/** `context` is a token and may repeat: our service id and, where given, a use case. An unknown one is 404. */
export function messageDefinitions(
  contexts: readonly string[],
  ownIds: readonly string[],
  self: string,
): Bundle {
  if (contexts.length === 0) {
    throw new Fault('header-invalid', 'The parameter context is missing; expected a service id.', 'context')
  }
  const wanted = contexts.map(tokenOf)
  const services = wanted.filter(({ system }) => system === undefined || isDosServiceId(system))
  const useCases = wanted
    .filter(({ system }) => system === SYSTEM.useCase)
    .map(({ code }) => code.toLowerCase())
  const known = services.filter(({ code }) => ownIds.includes(code))
  // A bare value may be either; what is no service of ours must at least look like a use case.
  const strange = services.filter(
    ({ system, code }) => !ownIds.includes(code) && (system !== undefined || !/^a\d+t\d+$/i.test(code)),
  )
  const [service] = known
  if (service === undefined || strange.length > 0) {
    throw new Fault('resource-unknown', 'No service here has that id; check the context.', 'context')
  }
  const bare = services.filter(({ code }) => !ownIds.includes(code)).map(({ code }) => code.toLowerCase())
  const definitions = RECEIVED.map((definition) =>
    resourceOf(definition, service.code, [...useCases, ...bare]),
  )
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    total: definitions.length,
    link: [{ relation: 'self', url: self }],
    entry: definitions.map((resource) => ({ resource })),
  }
}

function tokenOf(context: string): { readonly system: string | undefined; readonly code: string } {
  const at = context.indexOf('|')
  return at < 0
    ? { system: undefined, code: context }
    : { system: context.slice(0, at), code: context.slice(at + 1) }
}

function resourceOf(
  definition: Definition,
  serviceId: string,
  useCases: readonly string[],
): MessageDefinition {
  const workflow = { system: USAGE, code: 'workflow' }
  const context = (system: string, code: string) => ({
    code: workflow,
    valueCodeableConcept: { coding: [{ system, code }] },
  })
  return {
    resourceType: 'MessageDefinition',
    id: definition.url.slice(definition.url.lastIndexOf('/') + 1),
    url: definition.url,
    version: definition.version,
    status: 'active',
    date: '2025-03-24',
    useContext: [
      context(SYSTEM.dosServiceId, serviceId),
      ...useCases.map((useCase) => context(SYSTEM.useCase, useCase)),
    ],
    eventCoding: { system: SYSTEM.event, code: definition.event },
    category: 'notification',
    focus: Object.entries(definition.counts).map(([type, { min, max }]) => ({
      // Keys of the table are resource types.
      code: type as MessageDefinition['resourceType'],
      min,
      max: max === undefined ? '*' : String(max),
    })),
  }
}

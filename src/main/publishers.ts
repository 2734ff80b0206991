/** Every way out, by the channel a partner receives on. */
import { productVersion, readMappings } from '../config/assets.js'
import type { Publisher } from '../flow/ports.js'
import { createBarsPublisher } from '../publish/bars/publisher.js'
import { createFhirPublisher } from '../publish/fhir/publisher.js'
import { createHl7v2Publisher } from '../publish/hl7v2/publisher.js'
import { createFhirClient } from '../wire/fhir-client.js'
import { createReplyWriter } from '../translate/reply.js'

const MB = 1024 * 1024

export interface Publishers {
  readonly byChannel: ReadonlyMap<string, Publisher>
  readonly close: () => Promise<void>
}

export function createPublishers(): Publishers {
  const client = createFhirClient({ connectTimeoutMs: 5000, maxAnswerBytes: 10 * MB })
  const hl7v2 = createHl7v2Publisher(createReplyWriter(readMappings()))
  const all = [
    createBarsPublisher({ client, softwareVersion: productVersion() }),
    createFhirPublisher({ client }),
    hl7v2,
  ]
  return {
    byChannel: new Map(all.map((publisher) => [publisher.channel, publisher])),
    close: async () => {
      await Promise.all([client.close(), hl7v2.close()])
    },
  }
}

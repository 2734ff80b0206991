/** The product's own parts as `serve` puts them together, for benches that run without a server. */
import { join } from 'node:path'
import { parseMessage } from '../../src/codec/hl7v2/parse.js'
import { productRoot } from '../../src/config/assets.js'
import { loadDeployment } from '../../src/config/deployment-files.js'
import type { Deployment, Partner } from '../../src/directory/types.js'
import { loadTranslation } from '../../src/main/translation.js'
import { senderOf, zoneOf } from '../../src/flow/sender.js'
import { parseInstant } from '../../src/terms/instant.js'
import type { TranslateContext } from '../../src/translate/translation.js'
import { referral } from './messages.js'

export const deploymentDir = join(productRoot, 'examples', 'plain')

const RECEIVED_AT = parseInstant('2026-11-20T20:15:01Z')

export interface Product extends ReturnType<typeof loadTranslation> {
  readonly deployment: Deployment
  readonly sender: Partner
  readonly context: TranslateContext
}

let loaded: Product | undefined

export function product(): Product {
  loaded ??= load()
  return loaded
}

function load(): Product {
  const deployment = loadDeployment(deploymentDir, () => undefined)
  const sender = senderOf(parseMessage(Buffer.from(referral())), deployment, false)
  const context: TranslateContext = {
    sourceId: sender.id,
    timeZone: zoneOf(sender, deployment),
    overlays: sender.sends.hl7v2?.overlays ?? [],
    ...(RECEIVED_AT === undefined ? {} : { receivedAt: RECEIVED_AT }),
  }
  return { ...loadTranslation(), deployment, sender, context }
}

/** Everything the flow works with, made once in `main` and handed to every step. */
import type { Deployment, Partner } from '../directory/types.js'
import type { Hl7Limits } from '../codec/hl7v2/limits.js'
import type { Store } from '../store/store.js'
import type { FaultCode } from '../terms/fault.js'
import type { Issue } from '../terms/issue.js'
import type { Translator } from '../translate/translation.js'
import type { Clock, NewId, Publisher } from './ports.js'

export interface Gateway {
  readonly store: Store
  readonly deployment: Deployment
  readonly translator: Translator
  /** Findings about a FHIR resource or bundle; errors refuse it. */
  readonly validate: (resource: unknown) => readonly Issue[]
  readonly publishers: ReadonlyMap<string, Publisher>
  readonly clock: Clock
  readonly newId: NewId
  /** A number in [0, 1): only back-off uses it, so that many waiting deliveries do not wake together. */
  readonly random: () => number
  /** True only on loopback without authentication: senders outside the deployment are taken too. */
  readonly acceptUnregistered: boolean
  readonly hl7Limits: Hl7Limits
  readonly observe: Observer
}

/** What the outside is told while work goes on: log lines and metrics. Codes and ids only, never content. */
export interface Observer {
  readonly answered: (info: {
    readonly channel: string
    readonly kind: string
    readonly code: string
    readonly fault?: FaultCode
    readonly where?: string
    readonly caseId?: string
    readonly messageId: string
    readonly durationMs: number
  }) => void
  readonly attempted: (info: {
    readonly receiver: string
    readonly channel: string
    readonly kind: string
    readonly state: string
    readonly fault?: FaultCode
    readonly cause?: string
    readonly caseId: string
    readonly deliveryId: string
    readonly attempts: number
    readonly durationMs: number
  }) => void
  readonly failed: (event: string, error: unknown) => void
}

export const accessPointOf = (deployment: Deployment): Partner => {
  const partner = deployment.partners.get(deployment.accessPoint)
  if (partner === undefined) throw new Error(`deployment without its access point ${deployment.accessPoint}`)
  return partner
}

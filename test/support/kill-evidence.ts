/** Gathers what the checker judges: the API's and the database's own words, beside the logs of senders and receivers. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { GatewayUnderTest } from './kill-gateway.js'
import { REFERRAL_ID } from './kill-messages.js'
import type { Arrival } from './kill-receivers.js'
import type { Sent } from './kill-senders.js'

export interface Evidence {
  readonly sent: readonly Sent[]
  readonly arrivals: readonly Arrival[]
  /** Every ServiceRequest of the FHIR API. */
  readonly api: readonly {
    readonly caseId: string
    readonly referralId: string | undefined
    readonly status: string
  }[]
  readonly messages: readonly {
    readonly message_id: string
    readonly case_id: string
    readonly raw: Buffer
  }[]
  readonly quarantine: readonly { readonly raw: Buffer }[]
  readonly cases: readonly { readonly case_id: string; readonly event_seq: number; readonly head: string }[]
  readonly events: readonly EventRow[]
  readonly deliveries: readonly {
    readonly case_id: string
    readonly receiver: string
    readonly kind: string
    readonly subject: string
    readonly state: string
    readonly attempts: number
    readonly last_cause: string | null
  }[]
  readonly resources: readonly {
    readonly type: string
    readonly id: string
    readonly version: number
    readonly superseded: number
  }[]
}

export interface EventRow {
  readonly case_id: string
  readonly seq: number
  readonly kind: string
  readonly at: Date
  readonly actor: unknown
  readonly data: unknown
  readonly hash: string
}

/** Waits until nothing is left to send; what still is then, the checker names. */
export async function drained(gateway: GatewayUnderTest, timeoutMs: number): Promise<void> {
  const client = await gateway.connect()
  try {
    const giveUpAt = Date.now() + timeoutMs
    for (;;) {
      const { rowCount } = await client.query(
        `select from delivery where state in ('queued', 'sending') limit 1`,
      )
      if (rowCount === 0 || Date.now() > giveUpAt) return
      await sleep(50)
    }
  } finally {
    await client.end()
  }
}

export async function gather(
  gateway: GatewayUnderTest,
  sent: readonly Sent[],
  arrivals: readonly Arrival[],
): Promise<Evidence> {
  const api = await readServiceRequests(`${gateway.base}/FHIR/R4/ServiceRequest?_count=200`)
  const client = await gateway.connect()
  // Casts: the columns are named in the statement.
  const rows = async <T>(sql: string): Promise<readonly T[]> => (await client.query(sql)).rows as T[]
  try {
    return {
      sent,
      arrivals,
      api,
      messages: await rows('select message_id, case_id, raw from message'),
      quarantine: await rows('select raw from quarantine'),
      cases: await rows(
        'select case_id, event_seq, event_hashes[cardinality(event_hashes)] as head from case_file',
      ),
      events: await rows(
        'select case_id, seq, kind, at, actor, data, hash from case_event order by case_id, seq',
      ),
      deliveries: await rows(
        'select case_id, receiver, kind, subject, state, attempts, last_cause from delivery order by case_id, seq',
      ),
      resources: await rows(
        `select r.type, r.id, r.version, count(h.version)::int as superseded from resource r
           left join history h on h.type = r.type and h.id = r.id group by r.type, r.id`,
      ),
    }
  } finally {
    await client.end()
  }
}

interface SearchSet {
  readonly link?: readonly { readonly relation: string; readonly url: string }[]
  readonly entry?: readonly {
    readonly resource: {
      readonly id: string
      readonly status: string
      readonly identifier?: readonly { readonly value?: string }[]
    }
  }[]
}

async function readServiceRequests(first: string): Promise<Evidence['api']> {
  const found: Evidence['api'][number][] = []
  for (let next: string | undefined = first; next !== undefined;) {
    const answer: Response = await fetch(next, { headers: { accept: 'application/fhir+json' } })
    if (!answer.ok) throw new Error(`${next}: ${answer.status} ${await answer.text()}`)
    // A search answers with a searchset Bundle.
    const page = (await answer.json()) as SearchSet
    for (const { resource } of page.entry ?? []) {
      const referralId = resource.identifier?.map(({ value }) => value).find(isReferralId)
      found.push({ caseId: resource.id, referralId, status: resource.status })
    }
    next = page.link?.find(({ relation }) => relation === 'next')?.url
  }
  return found
}

const isReferralId = (value: string | undefined): boolean => value !== undefined && REFERRAL_ID.test(value)

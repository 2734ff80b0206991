/** Judges a run from three logs that know nothing of each other: what the senders were told, what the receivers got,
 *  and what the gateway's API and database say afterwards. Every fault comes with its evidence. */
import { createHash } from 'node:crypto'
import { acknowledged } from './kill-messages.js'
import type { Evidence, EventRow } from './kill-evidence.js'
import type { Arrival } from './kill-receivers.js'
import type { Sent } from './kill-senders.js'

/** Empty when the promise was kept. */
export function findFaults(evidence: Evidence): readonly string[] {
  const found = index(evidence)
  return [
    ...evidence.sent.flatMap((sent) => faultsOfAnswers(sent)),
    ...evidence.sent.flatMap((sent) => faultsOfMessage(sent, found)),
    ...evidence.api.flatMap((seen) => faultsOfApiCase(seen, found)),
    ...evidence.cases.flatMap((row) => faultsOfChain(row, found)),
    ...evidence.cases.flatMap((row) => faultsOfDeliveries(row.case_id, found)),
    ...faultsOfVersions(evidence),
    ...faultsOfArrivals(evidence, found),
  ]
}

interface Index {
  readonly evidence: Evidence
  readonly casesOfReferral: ReadonlyMap<string, readonly Evidence['api'][number][]>
  readonly messagesOfControlId: ReadonlyMap<string, readonly Evidence['messages'][number][]>
  readonly messagesOfCase: ReadonlyMap<string, readonly Evidence['messages'][number][]>
  readonly eventsOfCase: ReadonlyMap<string, readonly EventRow[]>
  readonly deliveriesOfCase: ReadonlyMap<string, readonly Evidence['deliveries'][number][]>
  readonly sentOfReferral: ReadonlyMap<string, readonly Sent[]>
  /** By receiver and conversation. */
  readonly arrivals: ReadonlyMap<string, readonly Arrival[]>
}

function index(evidence: Evidence): Index {
  return {
    evidence,
    casesOfReferral: grouped(
      evidence.api.filter((seen) => seen.referralId !== undefined),
      (seen) => seen.referralId ?? '',
    ),
    messagesOfControlId: grouped(evidence.messages, (row) => row.message_id),
    messagesOfCase: grouped(evidence.messages, (row) => row.case_id),
    eventsOfCase: grouped(evidence.events, (row) => row.case_id),
    deliveriesOfCase: grouped(evidence.deliveries, (row) => row.case_id),
    sentOfReferral: grouped(evidence.sent, (sent) => sent.referralId),
    arrivals: grouped(evidence.arrivals, ({ receiver, conversation }) => `${receiver} ${conversation}`),
  }
}

const isAcknowledged = (sent: Sent): boolean =>
  sent.answers.some((answer) => acknowledged(answer).code === 'AA')

/** A message has one answer, for ever: the same bytes however often it is sent. A refusal is made anew each time. */
function faultsOfAnswers(sent: Sent): string[] {
  const faults: string[] = []
  for (const answer of sent.answers) {
    const { code, controlId } = acknowledged(answer)
    if (controlId !== sent.controlId) faults.push(`${sent.controlId}: got the answer for ${controlId}`)
    const isExpected = sent.kind === 'unusable' ? code === 'AE' || code === 'AR' : code === 'AA'
    if (!isExpected) faults.push(`${sent.controlId}: ${sent.kind} answered ${JSON.stringify(answer)}`)
  }
  if (sent.kind !== 'unusable' && new Set(sent.answers).size > 1) {
    faults.push(`${sent.controlId}: ${new Set(sent.answers).size} different answers to the same message`)
  }
  return faults
}

/** I1: acknowledged is exactly one case, unanswered at most one. I2: refused is in quarantine with its bytes. */
function faultsOfMessage(sent: Sent, found: Index): string[] {
  const rows = found.messagesOfControlId.get(sent.controlId) ?? []
  const cases = found.casesOfReferral.get(sent.referralId) ?? []
  const name = `${sent.controlId} (${sent.kind} ${sent.referralId})`
  if (sent.kind === 'unusable') {
    const kept = found.evidence.quarantine.filter((row) => row.raw.toString('utf8') === sent.text)
    return [
      ...(kept.length === 1 ? [] : [`${name}: refused, found ${kept.length} times in quarantine`]),
      ...(cases.length === 0 ? [] : [`${name}: refused, found as ${cases.length} cases`]),
    ]
  }
  const faults: string[] = []
  if (isAcknowledged(sent) && rows.length !== 1) {
    faults.push(`${name}: acknowledged, found ${rows.length} times among the messages`)
  } else if (rows.length > 1)
    faults.push(`${name}: unanswered, found ${rows.length} times among the messages`)
  if (isAcknowledged(sent) && cases.length !== 1) {
    faults.push(`${name}: acknowledged, found as ${cases.length} cases`)
  } else if (cases.length > 1) faults.push(`${name}: found as ${cases.length} cases`)
  if (rows.some((row) => row.raw.toString('utf8') !== sent.text))
    faults.push(`${name}: kept with other bytes`)
  const [only] = cases
  if (
    sent.kind === 'cancellation' &&
    isAcknowledged(sent) &&
    only !== undefined &&
    only.status !== 'revoked'
  ) {
    faults.push(`${name}: acknowledged, but the case is ${only.status}`)
  }
  return faults
}

function faultsOfApiCase(seen: Evidence['api'][number], found: Index): string[] {
  if (seen.referralId !== undefined && found.sentOfReferral.has(seen.referralId)) return []
  return [`case ${seen.caseId}: nobody sent its referral ${seen.referralId}`]
}

/** I6: one event for every message, numbered without a gap, each hash made from the one before. */
function faultsOfChain(row: Evidence['cases'][number], found: Index): string[] {
  const events = found.eventsOfCase.get(row.case_id) ?? []
  const faults: string[] = []
  const count = (kind: string): number => events.filter((event) => event.kind === kind).length
  let previous = ''
  for (const [at, event] of events.entries()) {
    const hash = sha256(previous + digestOf(event))
    if (event.seq !== at + 1) faults.push(`case ${row.case_id}: event ${at + 1} is numbered ${event.seq}`)
    if (event.hash !== hash) faults.push(`case ${row.case_id}: event ${event.seq} breaks the chain`)
    previous = event.hash
  }
  if (events.length !== row.event_seq || row.head !== previous) {
    faults.push(`case ${row.case_id}: ${events.length} events, the case counts ${row.event_seq}`)
  }
  const messages = found.messagesOfCase.get(row.case_id) ?? []
  const told = count('referral-received') + count('referral-cancelled')
  if (count('referral-received') !== 1 || told !== messages.length) {
    faults.push(`case ${row.case_id}: ${messages.length} messages, ${told} events about them`)
  }
  return faults
}

/** SHA-256 of the event with the keys of every object sorted, as the gateway documents its chain. */
function digestOf({ case_id: caseId, kind, at, actor, data }: EventRow): string {
  return sha256(
    JSON.stringify({ caseId, kind, at: at.toISOString(), actor, data }, (_key, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
        : value,
    ),
  )
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex')

/** I3: every offer is attempted and has exactly one effect at its receiver; one taken back may have had none. */
function faultsOfDeliveries(caseId: string, found: Index): string[] {
  const deliveries = found.deliveriesOfCase.get(caseId) ?? []
  const offers = deliveries.filter((row) => row.kind === 'offer')
  const faults = deliveries
    .filter((row) => row.state !== 'delivered' && row.state !== 'withdrawn')
    .map((row) => `case ${caseId}: ${row.kind} to ${row.receiver} is ${row.state} (${row.last_cause ?? ''})`)
  if (offers.length !== 1) faults.push(`case ${caseId}: ${offers.length} offers, expected one`)
  const isCancelled = (found.eventsOfCase.get(caseId) ?? []).some(({ kind }) => kind === 'referral-cancelled')
  if (!isCancelled && offers.some((row) => row.state === 'withdrawn')) {
    faults.push(`case ${caseId}: its offer was withdrawn although nobody took it back`)
  }
  if (isCancelled && offers.some(({ state }) => state === 'delivered')) {
    const cancelled = deliveries.filter((row) => row.kind === 'cancel' && row.state === 'delivered')
    if (cancelled.length !== 1) faults.push(`case ${caseId}: taken back, told ${cancelled.length} times`)
  }
  return [...faults, ...deliveries.flatMap((row) => faultsOfEffects(row, found))]
}

function faultsOfEffects(row: Evidence['deliveries'][number], found: Index): string[] {
  const name = `case ${row.case_id}: ${row.kind} to ${row.receiver}`
  const arrivals = arrivalsOf(row, found).filter(({ kind }) => kind === row.kind)
  const effects = arrivals.filter(({ effect }) => effect).length
  const expected = row.state === 'withdrawn' ? 0 : 1
  const faults: string[] = []
  if (effects !== expected) faults.push(`${name} is ${row.state} and had ${effects} effects`)
  if (row.state === 'delivered' && row.attempts < 1) faults.push(`${name} is delivered without an attempt`)
  const strange = arrivals.find((arrival) => {
    const referralId = arrival.referralId
    return referralId !== undefined && found.casesOfReferral.get(referralId)?.[0]?.caseId !== row.case_id
  })
  if (strange !== undefined) faults.push(`${name} spoke of ${strange.referralId}, another referral`)
  return faults
}

/** BaRS conversations are named after the case, FHIR ones after the offer Task. */
const arrivalsOf = (row: Evidence['deliveries'][number], found: Index): readonly Arrival[] =>
  [row.case_id, row.subject].flatMap((id) => found.arrivals.get(`${row.receiver} ${id}`) ?? [])

/** History holds every version before the current one. */
const faultsOfVersions = ({ resources }: Evidence): string[] =>
  resources
    .filter((row) => row.superseded !== row.version - 1)
    .map((row) => `${row.type}/${row.id}: version ${row.version}, ${row.superseded} before it`)

/** I4: at each receiver nothing of an offer arrives after its cancellation. And nothing arrives that is not known. */
function faultsOfArrivals({ deliveries }: Evidence, { arrivals }: Index): string[] {
  const known = new Set(
    deliveries.flatMap((row) => [`${row.receiver} ${row.case_id}`, `${row.receiver} ${row.subject}`]),
  )
  return [...arrivals].flatMap(([conversation, all]) => {
    const faults: string[] = []
    if (!known.has(conversation)) faults.push(`${conversation}: arrived, but no delivery is known`)
    const cancelled = all.findIndex(({ kind }) => kind === 'cancel')
    if (cancelled >= 0 && !all.slice(0, cancelled).some(({ kind, effect }) => kind === 'offer' && effect)) {
      faults.push(`${conversation}: the cancellation came before the offer had its effect`)
    }
    if (cancelled >= 0 && all.slice(cancelled).some(({ kind }) => kind === 'offer')) {
      faults.push(`${conversation}: an offer arrived after its cancellation`)
    }
    return faults
  })
}

function grouped<T>(values: readonly T[], keyOf: (value: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const value of values) {
    const group = groups.get(keyOf(value))
    if (group === undefined) groups.set(keyOf(value), [value])
    else group.push(value)
  }
  return groups
}

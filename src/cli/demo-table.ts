/** The demonstration's result, readable at a terminal: in -> case -> service -> answer. */
import { serviceOf, type ReferralSeen } from './demo-cases.js'
import { isAsExpected, type Expected } from './demo-expected.js'

const TOLD: Readonly<Record<string, string>> = { A: 'accepted', P: 'pending', R: 'rejected' }

/** True when every referral is as it should be. */
export function printTable(
  base: string,
  expected: readonly Expected[],
  seen: readonly ReferralSeen[],
  write: (text: string) => void,
): boolean {
  let good = true
  write('\n')
  expected.forEach((each, i) => {
    const one = seen[i]
    if (one === undefined) return
    const right = isAsExpected(one, each)
    good &&= right
    write(`${right ? '✓' : '✗'} ${each.referral}  ${each.story}\n`)
    for (const line of linesOf(base, one)) write(`    ${line}\n`)
    if (!right) write(`    EXPECTED ${JSON.stringify(each)}\n`)
  })
  write(`\nAll Tasks   ${base}/FHIR/R4/Task?_sort=-_lastUpdated\n`)
  write(`For people  ${base}/FHIR/R4/Task?code=decide,undeliverable&status=requested\n`)
  write(
    `Audit       ${base}/FHIR/R4/AuditEvent\nMetadata    ${base}/FHIR/R4/metadata\nMetrics     ${base}/metrics\n\n`,
  )
  return good
}

function linesOf(base: string, { ack, request, offers, questions, told }: ReferralSeen): string[] {
  const url = (type: string, id: string | undefined): string => `${base}/FHIR/R4/${type}/${id ?? ''}`
  if (request === undefined) return [`in       HL7 v2 over MLLP, answered ${ack}; no case was made`]
  return [
    `in       HL7 v2 over MLLP, answered ${ack}`,
    `case     ${request.status.padEnd(12)} ${url('ServiceRequest', request.id)}`,
    ...offers.map((offer) => {
      const reason = offer.statusReason?.text === undefined ? '' : ` (${offer.statusReason.text})`
      return `offer    ${offer.status.padEnd(12)} ${url('Task', offer.id)}  ${serviceOf(offer)}${reason}`
    }),
    ...questions.map(
      (task) => `person   ${task.status.padEnd(12)} ${url('Task', task.id)}  ${task.description ?? ''}`,
    ),
    ...told.map((status) => `told     RRI^I12      the hospital hears: ${TOLD[status] ?? status}`),
  ]
}

/** One attempt to hand a BaRS message over, and what the answer means for the next one (BaRS section 5, the sender's
 *  retry list). Retries carry the same ids and bytes, so a receiver recognises what it already has. */
import type { OperationOutcomeIssue } from 'fhir/r4.js'
import { issuedServiceRequestId } from '../../codec/bars/issued-ids.js'
import { HEADER } from '../../codec/bars/terms.js'
import type { ReceivesBars } from '../../directory/types.js'
import type { SendResult } from '../../flow/ports.js'
import type { ServiceAnswer } from '../../referral/answer.js'
import type { RenderedDelivery } from '../../store/types.js'
import { Fault } from '../../terms/fault.js'
import type { FhirAnswer, FhirClient } from '../../wire/fhir-client.js'
import { firstIssue, isResource, issueInWords } from '../../wire/fhir-outcome.js'
import { retryAfterMs } from '../../wire/retry-after.js'

export async function sendBars(
  client: FhirClient,
  rendered: RenderedDelivery,
  receives: ReceivesBars,
  signal: AbortSignal,
): Promise<SendResult> {
  const answer = await client.request({
    baseUrl: receives.url,
    method: 'POST',
    path: '$process-message',
    headers: { ...rendered.headers, 'content-type': rendered.contentType },
    body: rendered.body,
    timeoutMs: receives.timeoutMs,
    signal,
  })
  throwIfRefused(answer, rendered)
  return { httpStatus: answer.status, answer: answer.bytes, says: meaningOf(rendered, answer) }
}

/** Category `referral` is handed over by the synchronous 200; a validation has only been received. */
function meaningOf(rendered: RenderedDelivery, answer: FhirAnswer): ServiceAnswer {
  const issued = issuedServiceRequestId(answer.bytes)
  const reference = issued === undefined ? {} : { reference: { value: issued } }
  const [, category, , reason] = (rendered.headers[HEADER.useContext] ?? '').split('|')
  return { kind: category === 'referral' && reason === 'new' ? 'accepted' : 'received', ...reference }
}

/** Busy says "later" before anything else; then the reply must be ours and FHIR at all; then its own words count. */
function throwIfRefused(answer: FhirAnswer, rendered: RenderedDelivery): void {
  const { status } = answer
  const issue = firstIssue(answer.body)
  if (status === 425 || status === 429 || status === 503) {
    throw refusal('receiver-busy', answer, issue, '', retryAfterMs(answer.header('retry-after')))
  }
  if (status === 408 || status === 504) throw refusal('receiver-silent', answer, issue)
  if (!echoesIds(answer, rendered)) {
    const text =
      'Its reply does not repeat X-Request-Id and X-Correlation-Id, so it may belong to another request.'
    throw refusal('receiver-answer-unreadable', answer, issue, ` ${text}`)
  }
  if (status === 200) {
    if (isResource(answer.body, 'Bundle')) return
    throw refusal('receiver-answer-unreadable', answer, issue, ' Expected the message Bundle echoed back.')
  }
  if (issue === undefined && !isRedirect(status)) throw refusal('receiver-answer-unreadable', answer, issue)
  // The code is reserved for "this very message was processed before": an earlier attempt did arrive.
  if (status === 409 && issue?.code === 'duplicate') return
  if (status >= 500 && (issue?.code === 'transient' || issue?.code === 'no-store')) {
    throw refusal('receiver-busy', answer, issue)
  }
  throw refusal('receiver-rejected', answer, issue)
}

const isRedirect = (status: number): boolean => status >= 300 && status < 400

function echoesIds(answer: FhirAnswer, rendered: RenderedDelivery): boolean {
  return [HEADER.requestId, HEADER.correlationId].every(
    (name) => answer.header(name)?.toLowerCase() === rendered.headers[name]?.toLowerCase(),
  )
}

type RefusalCode = 'receiver-busy' | 'receiver-silent' | 'receiver-answer-unreadable' | 'receiver-rejected'

function refusal(
  code: RefusalCode,
  answer: FhirAnswer,
  issue: OperationOutcomeIssue | undefined,
  more = '',
  retryAfterMs?: number,
): Fault {
  return new Fault(
    code,
    `The receiver answered HTTP ${answer.status}${issueInWords(issue)}.${more}`,
    '$process-message',
    retryAfterMs === undefined ? {} : { retryAfterMs },
  )
}

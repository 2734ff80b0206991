/** Offers and cancellations to a FHIR server: one transaction per delivery, answered later by the service updating
 *  the offer Task at the gateway. */
import type { Bundle, Task } from 'fhir/r4.js'
import type { ReceivesFhir } from '../../directory/types.js'
import type { Publisher, SendResult } from '../../flow/ports.js'
import type { CaseRecord, Delivery, RenderedDelivery } from '../../store/types.js'
import { Fault } from '../../terms/fault.js'
import type { FhirAnswer, FhirClient } from '../../wire/fhir-client.js'
import { firstIssue, isResource, issueInWords } from '../../wire/fhir-outcome.js'
import { retryAfterMs } from '../../wire/retry-after.js'
import { cancelTransaction, offerTransaction } from './transaction.js'

const MEDIA_TYPE = 'application/fhir+json'

export function createFhirPublisher({ client }: { readonly client: FhirClient }): Publisher {
  return {
    channel: 'fhir',
    // Every entry is a PUT under our id: the second time changes nothing.
    repeatsSafely: () => true,
    render: (delivery, record, { deployment }) => {
      const task = offerTask(delivery, record)
      if (delivery.kind === 'offer' || delivery.kind === 'update')
        return rendered(offerTransaction(task, record, deployment), task.id)
      if (delivery.kind === 'cancel') {
        return rendered(cancelTransaction(task, reasonOf(delivery), deployment), task.id)
      }
      const text = `A FHIR transaction carries no delivery of kind ${delivery.kind}.`
      throw new Fault('event-unsupported', text, 'Delivery.kind')
    },
    send(message, receives, signal) {
      if (receives.channel === 'fhir') return send(client, message, receives, signal)
      const text = `A FHIR transaction cannot go to a ${receives.channel} receiver.`
      throw new Fault('deployment-invalid', text, 'receives')
    },
  }
}

function offerTask(delivery: Delivery, record: CaseRecord): Task & { id: string } {
  const task = record.resources.find(
    (resource): resource is Task & { id: string } =>
      resource.resourceType === 'Task' && resource.id === delivery.subject,
  )
  if (task !== undefined) return task
  throw new Fault('required-missing', 'The case holds no Task for this offer; nothing can be sent.', 'Task')
}

const reasonOf = ({ context }: Delivery): string =>
  typeof context['reason'] === 'string' ? context['reason'] : 'Withdrawn by the single point of access'

const rendered = (bundle: Bundle, taskId: string): RenderedDelivery => ({
  body: Buffer.from(JSON.stringify(bundle), 'utf8'),
  contentType: MEDIA_TYPE,
  headers: { Accept: MEDIA_TYPE, Prefer: 'return=minimal' },
  correlation: taskId,
})

async function send(
  client: FhirClient,
  message: RenderedDelivery,
  receives: ReceivesFhir,
  signal: AbortSignal,
): Promise<SendResult> {
  const answer = await client.request({
    baseUrl: receives.url,
    method: 'POST',
    path: '',
    headers: { ...message.headers, 'content-type': message.contentType },
    body: message.body,
    timeoutMs: receives.timeoutMs,
    signal,
  })
  throwIfRefused(answer)
  return { httpStatus: answer.status, answer: answer.bytes, says: { kind: 'received' } }
}

/** A 4xx refuses the message itself; 502 and 504 come from between us, so it may have arrived. */
function throwIfRefused(answer: FhirAnswer): void {
  const { status } = answer
  if (status >= 200 && status < 300) {
    if (isResource(answer.body, 'Bundle')) return
    throw new Fault(
      'receiver-answer-unreadable',
      `The receiver answered HTTP ${answer.status} without the transaction-response Bundle that was expected.`,
      'transaction',
    )
  }
  if (status === 425 || status === 429 || status === 503) {
    throw refusal('receiver-busy', answer, retryAfterMs(answer.header('retry-after')))
  }
  if (status === 408 || status >= 500) throw refusal('receiver-silent', answer)
  throw refusal('receiver-rejected', answer)
}

type RefusalCode = 'receiver-busy' | 'receiver-silent' | 'receiver-answer-unreadable' | 'receiver-rejected'

function refusal(code: RefusalCode, answer: FhirAnswer, retryAfterMs?: number): Fault {
  const text = `The receiver answered HTTP ${answer.status}${issueInWords(firstIssue(answer.body))}.`
  return new Fault(code, text, 'transaction', retryAfterMs === undefined ? {} : { retryAfterMs })
}

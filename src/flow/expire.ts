/** Deadlines that have passed: each is a row, claimed by lease, decided like any other happening. */
import type { Deadline } from '../store/types.js'
import { asFault } from '../terms/fault.js'
import { changeCase } from './change-case.js'
import type { Gateway } from './gateway.js'

/** Acts on one claimed deadline; the commit that acts also closes it. */
export async function expire(deadline: Deadline, gateway: Gateway): Promise<void> {
  const cause = {
    event: 'deadline-passed',
    actor: { partner: gateway.deployment.accessPoint },
    now: gateway.clock(),
    deadline: { id: deadline.id, lease: deadline.lease },
  }
  const happening = { kind: 'answer-overdue', taskId: deadline.subject } as const
  try {
    await changeCase(deadline.caseId, () => happening, cause, gateway)
  } catch (thrown) {
    // Whatever closed the case after this deadline was claimed has cleared it.
    if (asFault(thrown).code !== 'case-closed') throw thrown
  }
}

/** A decision -> what one commit writes: new versions of Tasks, deliveries, deadlines, events. Pure. */
import type { Annotation, FhirResource, ServiceRequest, Task } from 'fhir/r4.js'
import type { Deployment } from '../directory/types.js'
import type { Instant } from '../terms/instant.js'
import type { Reason } from './answer.js'
import type { Decision } from './happening.js'
import { businessStatus, TASK_INPUT, taskCode } from './codes.js'
import type { Effect, PersonNeeded } from './effects.js'

export interface ApplyContext {
  readonly caseId: string
  readonly now: Instant
  readonly newId: () => string
  readonly deployment: Deployment
  /** Partner that made this happen. */
  readonly actor: string
  /** Current resources of the case, new ones included. */
  readonly resources: readonly FhirResource[]
}

export interface DeliveryPlan {
  readonly id: string
  readonly receiver: string
  readonly kind: 'offer' | 'update' | 'cancel' | 'reply'
  readonly subject: string
  readonly context: Readonly<Record<string, unknown>>
}

export interface Applied {
  readonly resources: readonly (FhirResource & { id: string })[]
  readonly deliveries: readonly DeliveryPlan[]
  readonly deadlines: readonly {
    readonly id: string
    readonly kind: string
    readonly dueAt: Instant
    readonly subject: string
  }[]
  readonly clearedDeadlines: readonly string[]
  readonly withdrawnDeliveries: readonly string[]
  readonly events: readonly { readonly kind: string; readonly data: Readonly<Record<string, unknown>> }[]
}

/** Performs each effect on the case's resources, in order. */
export function apply(decision: Decision, context: ApplyContext): Applied {
  const plan = new Plan(decision, context)
  for (const effect of decision.effects) plan.perform(effect)
  return plan.result()
}

class Plan {
  private readonly changed = new Map<string, FhirResource & { id: string }>()
  private readonly deliveries: DeliveryPlan[] = []
  private readonly deadlines: Applied['deadlines'][number][] = []
  private readonly cleared: string[] = []
  private readonly withdrawn: string[] = []
  private readonly events: Applied['events'][number][] = []

  constructor(
    private readonly decision: Decision,
    private readonly context: ApplyContext,
  ) {}

  result(): Applied {
    return {
      resources: [...this.changed.values()],
      deliveries: this.deliveries,
      deadlines: this.deadlines,
      clearedDeadlines: this.cleared,
      withdrawnDeliveries: this.withdrawn,
      events: this.events,
    }
  }

  perform(effect: Effect): void {
    switch (effect.kind) {
      case 'create-offer':
        return this.createOffer(effect)
      case 'set-task':
        return this.setTask(effect)
      case 'set-request':
        return this.setRequest(effect.status)
      case 'update-offer':
        return this.updateOffer(effect)
      case 'withdraw-offer':
        return this.withdrawOffer(effect)
      case 'tell-sender':
        return this.tellSender(effect)
      case 'stop-waiting':
        this.cleared.push(effect.taskId)
        return
      case 'ask-person':
        return this.askPerson(effect)
      case 'pass-baton':
        this.events.push({ kind: 'baton-passed', data: { from: effect.from, to: effect.to } })
    }
  }

  private createOffer(effect: Effect & { kind: 'create-offer' }): void {
    const { caseId, now, newId } = this.context
    const request = this.read<ServiceRequest>('ServiceRequest', caseId)
    const task: Task & { id: string } = {
      resourceType: 'Task',
      id: effect.taskId,
      status: 'requested',
      businessStatus: businessStatus('offered'),
      intent: 'order',
      ...(request?.priority === undefined ? {} : { priority: request.priority }),
      code: taskCode('offer'),
      partOf: [{ reference: `Task/${this.decision.state.coordinator}` }],
      focus: { reference: `ServiceRequest/${caseId}` },
      for: { reference: `Patient/${this.decision.state.patient}` },
      authoredOn: now,
      lastModified: now,
      requester: this.organization(this.decision.state.accessPoint),
      owner: this.organization(effect.partner),
      restriction: { period: { start: now, end: effect.answerDue } },
      input: [
        {
          type: { coding: [{ system: TASK_INPUT, code: 'service' }] },
          valueReference: {
            reference: `HealthcareService/${effect.service}`,
            display: this.context.deployment.services.get(effect.service)?.name ?? effect.service,
          },
        },
      ],
      ...(effect.explanation.length === 0
        ? {}
        : { note: effect.explanation.map((text) => ({ time: now, text })) }),
    }
    this.changed.set(`Task/${task.id}`, task)
    this.deliveries.push({
      id: newId(),
      receiver: effect.partner,
      kind: 'offer',
      subject: effect.taskId,
      context: { serviceId: effect.service },
    })
    this.deadlines.push({
      id: newId(),
      kind: 'answer-due',
      dueAt: effect.answerDue,
      subject: effect.taskId,
    })
    this.events.push({ kind: 'offered', data: { task: effect.taskId, service: effect.service } })
  }

  private setTask(effect: Effect & { kind: 'set-task' }): void {
    const { now, actor } = this.context
    const task = this.read<Task>('Task', effect.taskId)
    if (task === undefined) return
    const note = noteOf(effect.reason, effect.note)
    const next: Task & { id: string } = {
      ...task,
      id: effect.taskId,
      status: effect.status,
      businessStatus: businessStatus(effect.businessStatus, task.businessStatus),
      lastModified: now,
      ...(effect.reason === undefined ? {} : { statusReason: conceptOf(effect.reason) }),
      ...(note === undefined
        ? {}
        : { note: [...(task.note ?? []), { time: now, text: note } as Annotation] }),
      ...(effect.outcome === undefined
        ? {}
        : {
            output: [
              {
                type: { coding: [{ system: TASK_INPUT, code: 'outcome' }] },
                valueCodeableConcept: conceptOf(effect.outcome),
              },
            ],
          }),
    }
    this.changed.set(`Task/${effect.taskId}`, next)
    this.events.push({
      kind: 'task-changed',
      data: { task: effect.taskId, status: effect.status, businessStatus: effect.businessStatus, by: actor },
    })
  }

  private setRequest(status: ServiceRequest['status']): void {
    const { caseId } = this.context
    const request = this.read<ServiceRequest>('ServiceRequest', caseId)
    if (request === undefined) return
    this.changed.set(`ServiceRequest/${caseId}`, { ...request, id: caseId, status })
    this.events.push({ kind: 'request-changed', data: { status } })
  }

  private updateOffer(effect: Effect & { kind: 'update-offer' }): void {
    this.deliveries.push({
      id: this.context.newId(),
      receiver: effect.partner,
      kind: 'update',
      subject: effect.taskId,
      context: { serviceId: effect.service },
    })
  }

  /** The offer may be waiting, on its way or delivered: what waits is taken back, and the receiver is told. */
  private withdrawOffer(effect: Effect & { kind: 'withdraw-offer' }): void {
    this.withdrawn.push(effect.taskId)
    this.deliveries.push({
      id: this.context.newId(),
      receiver: effect.partner,
      kind: 'cancel',
      subject: effect.taskId,
      context: {
        serviceId: effect.service,
        mistake: effect.mistake,
        ...(effect.reason === undefined ? {} : { reason: effect.reason.text }),
      },
    })
  }

  private tellSender(effect: Effect & { kind: 'tell-sender' }): void {
    this.deliveries.push({
      id: this.context.newId(),
      receiver: this.decision.state.sender,
      kind: 'reply',
      subject: effect.taskId ?? this.context.caseId,
      context: {
        status: effect.status,
        origin: this.decision.state.origin,
        ...(effect.reason === undefined ? {} : { reason: effect.reason }),
      },
    })
  }

  private askPerson(effect: Effect & { kind: 'ask-person' }): void {
    const { caseId, now } = this.context
    const undeliverable = effect.why === 'undeliverable'
    const task: Task & { id: string } = {
      resourceType: 'Task',
      id: effect.taskId,
      status: 'requested',
      businessStatus: businessStatus(undeliverable ? 'undeliverable' : 'needs-decision'),
      intent: 'order',
      priority: 'urgent',
      code: taskCode(undeliverable ? 'undeliverable' : 'decide'),
      description: PERSON_NEEDED[effect.why],
      partOf: [{ reference: `Task/${this.decision.state.coordinator}` }],
      focus: { reference: `ServiceRequest/${caseId}` },
      for: { reference: `Patient/${this.decision.state.patient}` },
      authoredOn: now,
      lastModified: now,
      requester: this.organization(this.decision.state.accessPoint),
      owner: this.organization(this.decision.state.accessPoint),
      ...(effect.about === this.decision.state.coordinator || effect.about === caseId
        ? {}
        : { reasonReference: { reference: `Task/${effect.about}` } }),
      ...(effect.fault === undefined ? {} : { reasonCode: { text: effect.fault } }),
      ...(effect.explanation.length === 0
        ? {}
        : { note: effect.explanation.map((text) => ({ time: now, text })) }),
    }
    this.changed.set(`Task/${task.id}`, task)
    this.events.push({ kind: 'person-asked', data: { task: effect.taskId, why: effect.why } })
  }

  private read<T extends FhirResource>(type: T['resourceType'], id: string): T | undefined {
    const found =
      this.changed.get(`${type}/${id}`) ??
      this.context.resources.find((resource) => resource.resourceType === type && resource.id === id)
    // The pair of type and id was just compared.
    return found as T | undefined
  }

  private organization(partnerId: string): { reference: string; display: string } | { display: string } {
    const partner = this.context.deployment.partners.get(partnerId)
    if (partner === undefined) return { display: partnerId }
    return { reference: `Organization/${partner.organization}`, display: partner.name }
  }
}

const PERSON_NEEDED: Record<PersonNeeded, string> = {
  'choose-service': 'Choose a service for this referral.',
  'service-rejected':
    'The service rejected the referral and no other fits by rule: choose what happens next.',
  'no-answer': 'The service has not answered in time: ring it, or choose another.',
  'given-back': 'The service gave the case back: choose what happens next.',
  undeliverable:
    'A message could not be delivered: its note has the cause. Ring the receiver, or choose another.',
  'late-answer': 'The service answered after its offer had ended: tell it what holds now.',
}

const conceptOf = (reason: Reason): { coding?: Reason['codings'][number][]; text: string } => ({
  ...(reason.codings.length === 0 ? {} : { coding: [...reason.codings] }),
  text: reason.text,
})

const noteOf = (reason: Reason | undefined, note: string | undefined): string | undefined =>
  note ?? reason?.text

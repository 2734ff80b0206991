/** The API over real HTTP on port 0, on a real store with an invented referral or two. */
import { afterAll, beforeAll } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FhirResource, Task } from 'fhir/r4.js'
import { refuseUnlessLoopback } from '../../src/api/access.js'
import { createApp } from '../../src/api/app.js'
import { fhirRouter, type FhirRouterParts } from '../../src/api/fhir-router.js'
import { healthRouter } from '../../src/api/health.js'
import { DEFAULT_API_LIMITS } from '../../src/api/limits.js'
import { createMetrics, metricsRouter, type Metrics } from '../../src/api/metrics.js'
import type { Deployment } from '../../src/directory/types.js'
import type { TaskUpdate } from '../../src/flow/update-task.js'
import type { Store } from '../../src/store/store.js'
import { Fault } from '../../src/terms/fault.js'
import { anOpening, at, NOW } from '../support/case-commit.js'
import { withDatabase, type TestDatabase } from '../support/postgres.js'

/** Never in any error text: values a sender or a clerk might type. */
export const CANARY = 'Featherstonehaugh'

export const DEPLOYMENT: Deployment = {
  name: 'Example',
  timeZone: 'Europe/London',
  accessPoint: 'spoa',
  partners: new Map(),
  services: new Map(),
  pathways: [],
  resources: [],
}

export interface TestApi {
  /** `http://127.0.0.1:<port>`. */
  readonly origin: string
  readonly base: string
  readonly store: Store
  readonly database: TestDatabase
  readonly metrics: Metrics
  readonly failures: unknown[]
  readonly updates: TaskUpdate[]
}

/** Call it at the top of a test file: it adds the hooks that start and stop everything. */
export function withApi(changes: Partial<FhirRouterParts> = {}): TestApi {
  const started: { server?: Server; store?: Store; origin: string } = { origin: '' }
  const failures: unknown[] = []
  const updates: TaskUpdate[] = []
  const metrics = createMetrics()
  afterAll(async () => {
    started.server?.closeAllConnections()
    await new Promise((resolve) => started.server?.close(resolve))
  })
  const database = withDatabase()
  const storeOf = (): Store => {
    if (started.store === undefined) throw new Error('The API starts in beforeAll; use it inside tests.')
    return started.store
  }
  beforeAll(async () => {
    const store = await database.open()
    started.store = store
    await store.putDirectory(DIRECTORY, NOW)
    for (const { caseId, when, resources } of REFERRALS) {
      const drafts = resources.map((resource) => ({ resource, parties: ['northgate'] }))
      await store.commitCase(anOpening({ caseId, now: at(when), resources: drafts }))
    }
    const parts: FhirRouterParts = {
      store,
      deployment: DEPLOYMENT,
      validate: () => [],
      updateTask: async (update) => {
        updates.push(update)
        return storedTask(store, update)
      },
      now: () => NOW,
      log: (_event, error) => failures.push(error),
      limits: DEFAULT_API_LIMITS,
      software: { version: '0.0.1', released: at('2026-11-01T00:00:00Z') },
      operations: [],
      ...changes,
    }
    const app = createApp({
      guard: refuseUnlessLoopback,
      open: [
        healthRouter({
          store,
          version: '0.0.1',
          now: () => NOW,
          isTakingWork: () => true,
          pingTimeoutMs: 2000,
        }),
        metricsRouter(metrics),
      ],
      routers: [['/FHIR/R4', fhirRouter(parts)]],
      newId: randomUUID,
      log: parts.log,
    })
    metrics.watchStore(store, () => NOW)
    const server = createServer(app)
    started.server = server
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    // A TCP server that listens has an AddressInfo.
    started.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }, 60_000)
  return {
    get origin() {
      return started.origin
    },
    get base() {
      return `${started.origin}/FHIR/R4`
    },
    get store() {
      return storeOf()
    },
    database,
    metrics,
    failures,
    updates,
  }
}

/** Commits the update as a new version of the case, the way `flow` does, without its rules. */
async function storedTask(store: Store, update: TaskUpdate) {
  const stored = await store.readResource('Task', update.id)
  if (stored === undefined || stored.caseId === null)
    throw new Fault('resource-unknown', 'There is no such Task.', 'Task.id')
  if (update.ifMatch !== undefined && update.ifMatch !== stored.version) {
    throw new Fault('version-conflict', 'The Task moved on; read it again.', 'If-Match')
  }
  if (update.task.status === 'draft') throw new Fault('transition-refused', 'Not to draft.', 'Task.status')
  const record = await store.readCase(stored.caseId)
  await store.commitCase(
    anOpening({
      caseId: stored.caseId,
      expectedVersion: record?.version ?? 0,
      now: at('2026-11-21T12:00:00Z'),
      resources: [{ resource: { ...update.task, id: update.id }, parties: ['northgate'] }],
    }),
  )
  return (await store.readResource('Task', update.id)) ?? stored
}

type Draft = FhirResource & { id: string }

export const aTask = (id: string, changes: Partial<Omit<Task, 'id'>> = {}): Task & { id: string } => ({
  resourceType: 'Task',
  id,
  status: 'requested',
  intent: 'order',
  focus: { reference: 'ServiceRequest/sr1' },
  for: { reference: 'Patient/p1' },
  owner: { reference: 'Organization/ucr' },
  authoredOn: '2026-06-10T00:30:00+01:00',
  ...changes,
})

const DIRECTORY: readonly Draft[] = [
  {
    resourceType: 'Organization',
    id: 'ucr',
    name: 'Urgent Community Response',
    identifier: [{ system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: 'RQZ' }],
  },
  {
    resourceType: 'HealthcareService',
    id: 'ucr-east',
    name: 'UCR East',
    providedBy: { reference: 'Organization/ucr' },
  },
]

const REFERRALS: readonly { caseId: string; when: string; resources: Draft[] }[] = [
  {
    caseId: 'sr1',
    when: '2026-11-21T09:00:00Z',
    resources: [
      {
        resourceType: 'ServiceRequest',
        id: 'sr1',
        status: 'active',
        intent: 'order',
        subject: { reference: 'Patient/p1' },
        requester: { reference: 'Organization/ucr' },
        identifier: [{ system: 'https://example.org/ubrn', value: '0001' }],
        authoredOn: '2026-11-21T08:59:00Z',
      },
      {
        resourceType: 'Patient',
        id: 'p1',
        name: [{ family: CANARY, given: ['Ann'] }],
        birthDate: '1950-05-03',
      },
      aTask('t1'),
      aTask('t2', { status: 'accepted', authoredOn: '2026-06-11T12:00:00Z' }),
      {
        resourceType: 'Provenance',
        id: 'v1',
        target: [{ reference: 'ServiceRequest/sr1' }],
        recorded: '2026-11-21T09:00:00Z',
        agent: [{ who: { reference: 'Organization/ucr' } }],
      },
    ],
  },
  {
    caseId: 'sr2',
    when: '2026-11-21T10:00:00Z',
    resources: [
      {
        resourceType: 'ServiceRequest',
        id: 'sr2',
        status: 'completed',
        intent: 'order',
        subject: { reference: 'Patient/p2' },
      },
      { resourceType: 'Patient', id: 'p2', name: [{ family: 'Okafor' }] },
      aTask('t3', {
        status: 'completed',
        focus: { reference: 'ServiceRequest/sr2' },
        for: { reference: 'Patient/p2' },
        owner: { reference: 'Organization/ward' },
      }),
    ],
  },
]

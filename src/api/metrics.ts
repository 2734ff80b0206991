/** Figures for Prometheus: what came in, what went out, what waits. Labels hold codes and ids only, few of each. */
import { Router } from 'express'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Observer } from '../flow/gateway.js'
import type { Store } from '../store/store.js'
import { msBetween, type Instant } from '../terms/instant.js'

export interface Metrics {
  readonly registry: Registry
  readonly answered: Observer['answered']
  readonly attempted: Observer['attempted']
  readonly failed: Observer['failed']
  /** Reads the store's queues whenever Prometheus asks. */
  watchStore(store: Store, now: () => Instant): void
}

/** From a quick ACK to the longest a sender waits. */
const ACK_BUCKETS_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const DELIVERY_BUCKETS_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** Distinct values of one label; later ones count as `other`, so that no sender can fill the memory. */
const MAX_LABEL_VALUES = 500

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'onedoor_' })
  const registers = [registry]
  const messages = new Counter({
    name: 'onedoor_messages_total',
    help: 'Messages received, by channel, answer and fault.',
    labelNames: ['channel', 'answer', 'fault'],
    registers,
  })
  const ackSeconds = new Histogram({
    name: 'onedoor_ack_duration_seconds',
    help: 'From the message to its answer.',
    labelNames: ['channel'],
    buckets: ACK_BUCKETS_SECONDS,
    registers,
  })
  const attempts = new Counter({
    name: 'onedoor_delivery_attempts_total',
    help: 'Attempts to deliver, by receiver and outcome.',
    labelNames: ['receiver', 'channel', 'outcome', 'fault'],
    registers,
  })
  const deliverySeconds = new Histogram({
    name: 'onedoor_delivery_attempt_duration_seconds',
    help: 'How long one attempt took.',
    labelNames: ['channel'],
    buckets: DELIVERY_BUCKETS_SECONDS,
    registers,
  })
  const failures = new Counter({
    name: 'onedoor_failures_total',
    help: 'Work that stopped with an unexpected error, by event.',
    labelNames: ['event'],
    registers,
  })
  const label = boundedLabels(MAX_LABEL_VALUES)
  return {
    registry,
    answered({ channel, code, fault, durationMs }) {
      messages.inc({ channel, answer: label('answer', code), fault: fault ?? '' })
      ackSeconds.observe({ channel }, durationMs / 1000)
    },
    attempted({ receiver, channel, state, fault, durationMs }) {
      attempts.inc({ receiver: label('receiver', receiver), channel, outcome: state, fault: fault ?? '' })
      deliverySeconds.observe({ channel }, durationMs / 1000)
    },
    failed(event) {
      failures.inc({ event: label('event', event) })
    },
    watchStore: (store, now) => watchStore(registry, store, now),
  }
}

export function metricsRouter({ registry }: Metrics): Router {
  const router = Router()
  router.get('/metrics', async (_request, response) => {
    response.set('Content-Type', registry.contentType).send(await registry.metrics())
  })
  return router
}

/** Three gauges, one read per scrape: each waits for it, since prom-client collects them at the same time. */
function watchStore(registry: Registry, store: Store, now: () => Instant): void {
  const read = sharedWhileRunning(() => readFigures(store, now))
  const registers = [registry]
  new Gauge({
    name: 'onedoor_store_up',
    help: '1 when the store answers.',
    registers,
    async collect() {
      this.set((await read()) === undefined ? 0 : 1)
    },
  })
  new Gauge({
    name: 'onedoor_store_rows',
    help: 'Work in the store: deliveries queued, sending, unsure, refused, dead; open deadlines; quarantined inputs.',
    labelNames: ['kind'],
    registers,
    async collect() {
      const figures = await read()
      this.reset()
      for (const [kind, count] of Object.entries(figures?.counts ?? {})) this.set({ kind }, count)
    },
  })
  new Gauge({
    name: 'onedoor_oldest_waiting_delivery_seconds',
    help: 'Age of the delivery that waits longest; 0 when none waits.',
    registers,
    async collect() {
      const figures = await read()
      this.set(figures === undefined ? NaN : figures.oldestWaitingMs / 1000)
    },
  })
}

interface StoreFigures {
  readonly counts: Readonly<Record<string, number>>
  readonly oldestWaitingMs: number
}

/** Undefined when the store is away: the scrape still tells everything else. */
async function readFigures(store: Store, now: () => Instant): Promise<StoreFigures | undefined> {
  try {
    const [counts, oldest] = await Promise.all([store.counts(), store.oldestWaiting()])
    return { counts, oldestWaitingMs: oldest === undefined ? 0 : msBetween(oldest, now()) }
  } catch {
    return undefined
  }
}

/** Callers that come while one call runs get that call's result. */
function sharedWhileRunning<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  return () => {
    running ??= work().finally(() => {
      running = undefined
    })
    return running
  }
}

function boundedLabels(maxValues: number): (label: string, value: string) => string {
  const seen = new Map<string, Set<string>>()
  return (label, value) => {
    const values = seen.get(label) ?? new Set()
    seen.set(label, values)
    if (values.size < maxValues) values.add(value)
    return values.has(value) ? value : 'other'
  }
}

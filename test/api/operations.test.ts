import { describe, expect, test } from '@jest/globals'
import express from 'express'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { healthRouter } from '../../src/api/health.js'
import { createMetrics } from '../../src/api/metrics.js'
import { openStore } from '../../src/store/open.js'
import { aDelivery, anOpening, at, NOW } from '../support/case-commit.js'
import { withApi } from './support.js'

const api = withApi()

describe('health', () => {
  test('live says so and which version', async () => {
    const response = await fetch(`${api.origin}/health/live`)
    expect([response.status, await response.json()]).toEqual([200, { status: 'live', version: '0.0.1' }])
  })

  test('ready tells what waits and since when', async () => {
    await api.store.commitCase(
      anOpening({
        now: at('2026-11-21T09:29:00Z'),
        deliveries: [aDelivery(), aDelivery({ receiver: 'ward' })],
      }),
    )
    const response = await fetch(`${api.origin}/health/ready`)
    expect([response.status, await response.json()]).toEqual([
      200,
      { status: 'ready', version: '0.0.1', store: 'answers', deliveriesWaiting: 2, oldestWaitingMs: 60_000 },
    ])
  })

  test('is asked from anywhere: probes come through proxies', async () => {
    expect(
      (await fetch(`${api.origin}/health/live`, { headers: { forwarded: 'for=203.0.113.9' } })).status,
    ).toBe(200)
  })

  test('a store that is silent, and a process that stops, are not ready', async () => {
    const closed = await openStore({ connection: api.database.connection })
    await closed.close()
    const silent = { ...closed, ping: () => new Promise<void>(() => undefined) }
    const parts = { version: '1', now: () => NOW, pingTimeoutMs: 50 }
    for (const router of [
      healthRouter({ ...parts, store: closed, isTakingWork: () => true }),
      healthRouter({ ...parts, store: silent, isTakingWork: () => true }),
      healthRouter({ ...parts, store: api.store, pingTimeoutMs: 2000, isTakingWork: () => false }),
    ]) {
      expect(await statusOf(router, '/health/ready')).toBe(503)
      expect(await statusOf(router, '/health/live')).toBe(200)
    }
  })
})

async function statusOf(router: express.Router, path: string): Promise<number> {
  const server = createServer(express().use(router))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A TCP server that listens has an AddressInfo.
  const { port } = server.address() as AddressInfo
  const { status } = await fetch(`http://127.0.0.1:${port}${path}`)
  server.closeAllConnections()
  server.close()
  return status
}

describe('metrics', () => {
  test('counts answers and attempts, and reads the queues when asked', async () => {
    const observer = api.metrics
    observer.answered({ channel: 'mllp', kind: 'REF^I12', code: 'AA', messageId: '1', durationMs: 4 })
    observer.answered({
      channel: 'mllp',
      kind: 'REF^I12',
      code: 'AE',
      fault: 'value-invalid',
      messageId: '2',
      durationMs: 40,
    })
    observer.attempted({
      receiver: 'ucr',
      channel: 'bars',
      kind: 'offer',
      state: 'delivered',
      caseId: 'c',
      deliveryId: 'd',
      attempts: 1,
      durationMs: 250,
    })
    const response = await fetch(`${api.origin}/metrics`)
    const text = await response.text()
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    for (const line of [
      'onedoor_messages_total{channel="mllp",answer="AA",fault=""} 1',
      'onedoor_messages_total{channel="mllp",answer="AE",fault="value-invalid"} 1',
      'onedoor_ack_duration_seconds_bucket{le="0.005",channel="mllp"} 1',
      'onedoor_ack_duration_seconds_count{channel="mllp"} 2',
      'onedoor_delivery_attempts_total{receiver="ucr",channel="bars",outcome="delivered",fault=""} 1',
      'onedoor_store_up 1',
      'onedoor_store_rows{kind="queued"} 2',
      'onedoor_store_rows{kind="quarantined"} 0',
      'onedoor_oldest_waiting_delivery_seconds 60',
    ]) {
      expect(text).toContain(line)
    }
    expect(text).toMatch(/onedoor_nodejs_eventloop_lag_seconds \d/)
    expect(text).toMatch(/onedoor_process_resident_memory_bytes \d/)
  })

  test('no sender can make labels without end', async () => {
    const metrics = createMetrics()
    for (let n = 0; n < 2000; n++) {
      metrics.answered({ channel: 'mllp', kind: 'x', code: `C${n}`, messageId: '', durationMs: 1 })
    }
    const text = await metrics.registry.getSingleMetricAsString('onedoor_messages_total')
    expect(text.split('\n').filter((line) => line.startsWith('onedoor_messages_total{'))).toHaveLength(501)
    expect(text).toContain('answer="other",fault=""} 1500')
  })

  test('a store that is away leaves the other figures', async () => {
    const { registry, watchStore } = createMetrics()
    const away = await openStore({ connection: api.database.connection })
    await away.close()
    watchStore(away, () => NOW)
    expect(await registry.metrics()).toContain('onedoor_store_up 0')
  })
})

test('every answer carries a request id: a harmless one is kept, another is replaced', async () => {
  const idFor = async (given: string): Promise<string | null> =>
    (await fetch(`${api.origin}/health/live`, { headers: { 'x-request-id': given } })).headers.get(
      'x-request-id',
    )
  expect(await idFor('abc-123')).toBe('abc-123')
  expect(await idFor('{"x":1}')).toMatch(/^[0-9a-f-]{36}$/)
})

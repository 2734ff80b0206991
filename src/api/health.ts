/** Is the process up, and can it take work? */
import { Router } from 'express'
import type { Store } from '../store/store.js'
import { msBetween, type Instant } from '../terms/instant.js'

export interface HealthParts {
  readonly store: Store
  readonly version: string
  readonly now: () => Instant
  /** False while starting and stopping. */
  readonly isTakingWork: () => boolean
  /** A store that does not answer within this time is not ready. */
  readonly pingTimeoutMs: number
}

export function healthRouter(parts: HealthParts): Router {
  const router = Router()
  router.get('/health/live', (_request, response) => {
    response.json({ status: 'live', version: parts.version })
  })
  router.get('/health/ready', async (_request, response) => {
    const store = await answersInTime(readStore(parts), parts.pingTimeoutMs)
    const ready = store !== undefined && parts.isTakingWork()
    response.status(ready ? 200 : 503).json({
      status: ready ? 'ready' : 'not-ready',
      version: parts.version,
      store: store === undefined ? 'silent' : 'answers',
      ...store,
    })
  })
  return router
}

interface StoreFigures {
  readonly deliveriesWaiting: number
  /** Of the one that waits longest. A slow receiver makes no gateway unready. */
  readonly oldestWaitingMs: number
}

async function readStore({ store, now }: HealthParts): Promise<StoreFigures> {
  await store.ping()
  const [counts, oldest] = await Promise.all([store.counts(), store.oldestWaiting()])
  return {
    deliveriesWaiting: (counts.queued ?? 0) + (counts.sending ?? 0),
    oldestWaitingMs: oldest === undefined ? 0 : msBetween(oldest, now()),
  }
}

async function answersInTime<T>(work: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, undefined)
  })
  try {
    return await Promise.race([work.catch(() => undefined), late])
  } finally {
    clearTimeout(timer)
  }
}

/** The workers that empty the outbox and act on deadlines. Several processes may run them on one database:
 *  the leases decide who does what. */
import type { Gateway } from './gateway.js'
import { deliver } from './deliver.js'
import { expire } from './expire.js'

export interface WorkOptions {
  /** Deliveries under way at once in this process. */
  readonly concurrency: number
  /** A claim not settled within this time may be taken up by another worker. Longer than any send timeout. */
  readonly leaseMs: number
  /** Longest wait between two looks at the outbox when nobody rings. */
  readonly pollMs: number
}

export interface Work {
  /** Acts on deadlines that have passed; call it on a schedule. */
  readonly tick: () => Promise<void>
  /** Takes nothing new and waits for what is under way. */
  readonly stop: () => Promise<void>
}

export function startWork(gateway: Gateway, options: WorkOptions): Work {
  const underWay = new Set<Promise<void>>()
  const bell = new Bell()
  let stopping = false
  const silence = gateway.store.onWork(() => bell.ring())

  const run = (work: Promise<void>, event: string): void => {
    const tracked = work
      .catch((error: unknown) => gateway.observe.failed(event, error))
      .finally(() => {
        underWay.delete(tracked)
        bell.ring()
      })
    underWay.add(tracked)
  }

  const claim = async (): Promise<number> => {
    const limit = options.concurrency - underWay.size
    if (limit <= 0) return 0
    const claimed = await gateway.store.claimDeliveries({
      limit,
      leaseMs: options.leaseMs,
      now: gateway.clock(),
    })
    for (const delivery of claimed) run(deliver(delivery, gateway), 'delivery-failed')
    return claimed.length
  }

  const loop = async (): Promise<void> => {
    while (!stopping) {
      let waitMs = options.pollMs
      try {
        const claimed = await claim()
        if (claimed > 0 && underWay.size < options.concurrency) continue
        const dueMs = claimed > 0 ? undefined : await gateway.store.nextDueInMs(gateway.clock())
        waitMs = Math.min(options.pollMs, Math.max(dueMs ?? options.pollMs, 5))
      } catch (error) {
        gateway.observe.failed('outbox-unreachable', error)
      }
      if (!stopping) await bell.heard(waitMs)
    }
  }

  const tick = async (): Promise<void> => {
    if (stopping) return
    const due = await gateway.store.claimDeadlines({
      limit: options.concurrency,
      leaseMs: options.leaseMs,
      now: gateway.clock(),
    })
    await Promise.all(
      due.map((deadline) =>
        expire(deadline, gateway).catch((error: unknown) => gateway.observe.failed('deadline-failed', error)),
      ),
    )
  }

  const looping = loop()
  return {
    tick,
    stop: async () => {
      stopping = true
      silence()
      bell.ring()
      await looping
      await Promise.all(underWay)
    },
  }
}

/** Waits for a ring or a time, whichever is first; a ring nobody waits for is kept. */
class Bell {
  private rung = false
  private wake: (() => void) | undefined

  ring(): void {
    this.rung = true
    this.wake?.()
  }

  async heard(timeoutMs: number): Promise<void> {
    if (!this.rung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs)
        this.wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.wake = undefined
    this.rung = false
  }
}

/** One run: a gateway, its receivers and its senders, put together and judged at the end. */
import { findFaults } from './kill-checker.js'
import { drained, gather, type Evidence } from './kill-evidence.js'
import { GatewayUnderTest } from './kill-gateway.js'
import { copyOfProduct, type Defect, type Product } from './kill-product.js'
import { startReceivers, type Receivers } from './kill-receivers.js'
import { Senders } from './kill-senders.js'

export class KillRun {
  private constructor(
    private readonly product: Product,
    readonly receivers: Receivers,
    readonly gateway: GatewayUnderTest,
    readonly senders: Senders,
  ) {}

  /** The gateway is not started yet. */
  static async prepare(
    defects: readonly Defect[] = [],
    random: () => number = Math.random,
  ): Promise<KillRun> {
    const product = copyOfProduct(defects)
    const receivers = await startReceivers()
    const gateway = await GatewayUnderTest.make(product.entry, receivers.urls)
    return new KillRun(product, receivers, gateway, new Senders(gateway.mllpPort, random))
  }

  /** What went wrong, once nothing is left to send. */
  async judge(drainTimeoutMs = 20_000): Promise<{ faults: readonly string[]; evidence: Evidence }> {
    await drained(this.gateway, drainTimeoutMs)
    const evidence = await gather(this.gateway, this.senders.sent, this.receivers.arrivals)
    return { faults: findFaults(evidence), evidence }
  }

  async remove(): Promise<void> {
    await this.gateway.remove()
    await this.receivers.close()
    this.product.remove()
  }
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** HL7 v2 over MLLP, the way in: frames to `receive`, answers back in order. */
import { receive, refuseFrame } from '../../flow/receive.js'
import type { Gateway } from '../../flow/gateway.js'
import { startMllpServer, type MllpServer, type MllpServerOptions } from '../../wire/mllp-server.js'

export type MllpListenerOptions = Omit<MllpServerOptions, 'handle' | 'onReject' | 'onError'>

export function startMllpListener(options: MllpListenerOptions, gateway: Gateway): Promise<MllpServer> {
  return startMllpServer({
    ...options,
    handle: (bytes) => receive(bytes, gateway),
    onReject: (rejected) => refuseFrame(rejected.fault, rejected.bytes, gateway),
    onError: (error) => gateway.observe.failed('mllp-connection-failed', error),
  })
}

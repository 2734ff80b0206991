/** Watches one HTTP exchange below fetch: whether the request was ever written, and the answer's bytes as they came.
 *  Without it a refused connection and a connection cut after sending look the same. */
import type { Agent, Dispatcher } from 'undici'

export interface Exchange {
  readonly dispatcher: Dispatcher
  /** True from the moment the request goes onto a connected socket: the receiver may have it. */
  written(): boolean
  status(): number
  /** Why the exchange ended early; fetch does not always pass it on. */
  failure(): Error | undefined
  header(name: string): string | undefined
  bytes(): Uint8Array
}

export function watchExchange(agent: Agent): Exchange {
  const watch = new Watch()
  return {
    dispatcher: agent.compose((dispatch) => (options, handler) => dispatch(options, watch.around(handler))),
    written: () => watch.written,
    status: () => watch.status,
    failure: () => watch.failure,
    header: (name) => watch.headers.get(name.toLowerCase()),
    bytes: () => Buffer.concat(watch.chunks),
  }
}

class Watch {
  written = false
  status = 0
  failure: Error | undefined
  headers = new Map<string, string>()
  chunks: Buffer[] = []

  /** Hands every event on to `handler`, which belongs to fetch. */
  around(handler: Dispatcher.DispatchHandler): Dispatcher.DispatchHandler {
    return {
      onRequestStart: (controller, context) => {
        this.written = true
        handler.onRequestStart?.(controller, context)
      },
      onRequestUpgrade: (...event) => handler.onRequestUpgrade?.(...event),
      onResponseStart: (controller, status, headers, statusText) => {
        this.status = status
        this.headers = flattened(headers)
        handler.onResponseStart?.(controller, status, headers, statusText)
      },
      onResponseData: (controller, chunk) => {
        this.chunks.push(Buffer.from(chunk))
        handler.onResponseData?.(controller, chunk)
      },
      onResponseEnd: (controller, trailers) => handler.onResponseEnd?.(controller, trailers),
      onResponseError: (controller, error) => {
        this.failure = error
        handler.onResponseError?.(controller, error)
      },
    }
  }
}

const flattened = (headers: Readonly<Record<string, string | string[] | undefined>>): Map<string, string> =>
  new Map(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  )

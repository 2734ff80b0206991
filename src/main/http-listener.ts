/** The HTTP port: it listens before the application exists, because the port is part of the public URL. */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HttpListener {
  readonly port: number
  /** From now on requests go to this application; before, they are asked to come back. */
  readonly answerWith: (app: RequestListener) => void
  /** Takes no new connection, lets requests under way end, then cuts what is left. */
  readonly close: (graceMs: number) => Promise<void>
}

export async function listenHttp(host: string, port: number): Promise<HttpListener> {
  let app: RequestListener = (_request, response) => {
    response.writeHead(503, { 'retry-after': '1' }).end()
  }
  const server = createServer((request, response) => app(request, response))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    // A TCP server that listens has an AddressInfo.
    port: (server.address() as AddressInfo).port,
    answerWith: (listener) => {
      app = listener
    },
    close: (graceMs) => closeServer(server, graceMs),
  }
}

export const hostInUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host)

async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearTimeout(cut)
}

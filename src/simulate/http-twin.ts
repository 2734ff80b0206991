/** An HTTP server for a twin: whole bodies, one handler, closed with its connections. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Twin } from './events.js'

export interface TwinRequest {
  readonly method: string
  readonly path: string
  readonly header: (name: string) => string | undefined
  readonly body: string
}

export interface TwinReply {
  readonly status: number
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

/** `cut` ends the connection without a word, `silent` leaves it open. */
export type TwinAnswer = TwinReply | 'cut' | 'silent'

export async function startHttpTwin(
  port: number,
  answer: (request: TwinRequest) => Promise<TwinAnswer>,
  onError: (error: unknown) => void,
): Promise<Twin> {
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    respond(request, response, answer).catch((error: unknown) => {
      onError(error)
      response.destroy()
    })
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    // A TCP server that listens has an AddressInfo.
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (request: TwinRequest) => Promise<TwinAnswer>,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const reply = await answer({
    method: request.method ?? 'GET',
    path: (request.url ?? '/').split('?')[0] ?? '/',
    header: (name) => {
      const value = request.headers[name.toLowerCase()]
      return Array.isArray(value) ? value[0] : value
    },
    body: Buffer.concat(chunks).toString('utf8'),
  })
  if (reply === 'cut') request.socket.destroy()
  else if (reply !== 'silent') {
    response.writeHead(reply.status, { 'content-type': 'application/fhir+json', ...reply.headers })
    response.end(reply.body)
  }
}

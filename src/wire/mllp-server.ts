/** MLLP server: blocks in, one answer each, in order. It knows nothing of HL7 beyond how a message begins. */
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import type { Fault } from '../terms/fault.js'
import { MllpConnection } from './mllp-connection.js'
import { DEFAULT_MLLP_LIMITS, type MllpServerLimits } from './mllp-limits.js'

/** Who is at the other end. */
export interface MllpPeer {
  readonly address: string
  readonly port: number
  /** `CN=..., O=...`, when the peer proved a certificate. */
  readonly certificateSubject?: string
  /** SHA-256 of that certificate, `AB:CD:...`. */
  readonly certificateFingerprint?: string
}

/** What never became a message, for quarantine. */
export interface RejectedFrame {
  readonly fault: Fault
  /** What arrived of it; the first `maxFrameBytes` when it was too large. */
  readonly bytes: Uint8Array
  readonly peer: MllpPeer
}

export interface MllpTls {
  readonly key: string | Buffer
  readonly cert: string | Buffer
  /** With it every client must prove a certificate that this authority signed. */
  readonly ca?: string | Buffer
}

export interface MllpServerOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly tls?: MllpTls
  readonly limits?: Partial<MllpServerLimits>
  /** The answer to one message, or null for none. If it throws, the connection is closed without an answer and the
   *  sender sends again. */
  handle(bytes: Uint8Array, peer: MllpPeer): Promise<Uint8Array | null>
  /** The negative answer to a rejected frame. What the sender no longer waits for (a frame cut off, bytes outside
   *  frames) is reported here too, and the answer is not sent. */
  onReject(rejected: RejectedFrame): Promise<Uint8Array | null>
  /** A connection that was refused or broke, or a handler that threw. */
  onError?(error: Error, address: string): void
}

export interface MllpServer {
  readonly port: number
  /** Stops listening, lets messages in hand be answered for at most `graceMs`, then closes every connection. */
  close(graceMs: number): Promise<void>
}

export async function startMllpServer(options: MllpServerOptions): Promise<MllpServer> {
  const limits: MllpServerLimits = { ...DEFAULT_MLLP_LIMITS, ...options.limits }
  const connections = new Set<MllpConnection>()
  const pending = { bytes: 0 }
  const accept = (socket: Socket | TLSSocket): void => {
    const connection = new MllpConnection(socket, peerOf(socket), options, limits, pending)
    connections.add(connection)
    socket.once('close', () => connections.delete(connection))
  }
  const server = listenWith(options, limits, accept)
  const sockets = boundConnections(server, options, limits)
  const port = await listen(server, options)
  return { port, close: (graceMs) => closeAll(server, connections, sockets, graceMs) }
}

function listenWith(
  { tls, onError }: MllpServerOptions,
  limits: MllpServerLimits,
  accept: (socket: Socket) => void,
): Server {
  // A sender may close its half after the last message and still wait for the answer.
  if (tls === undefined) return createTcpServer({ allowHalfOpen: true, noDelay: true }, accept)
  const server = createTlsServer(
    {
      key: tls.key,
      cert: tls.cert,
      ...(tls.ca === undefined ? {} : { ca: tls.ca, requestCert: true, rejectUnauthorized: true }),
      minVersion: 'TLSv1.2',
      handshakeTimeout: limits.tlsHandshakeTimeoutMs,
      allowHalfOpen: true,
      noDelay: true,
    },
    accept,
  )
  server.on('tlsClientError', (error, socket) => {
    onError?.(error, socket.remoteAddress ?? '')
    socket.destroy()
  })
  return server
}

/** All sockets, those in the middle of a TLS handshake included. */
function boundConnections(
  server: Server,
  { onError }: MllpServerOptions,
  limits: MllpServerLimits,
): ReadonlySet<Socket> {
  const sockets = new Set<Socket>()
  const perAddress = new Map<string, number>()
  server.maxConnections = limits.maxConnections
  server.on('drop', (data) => {
    onError?.(
      new Error('More connections than maxConnections; this one was closed.'),
      data?.remoteAddress ?? '',
    )
  })
  server.prependListener('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
    sockets.add(socket)
    const count = (perAddress.get(address) ?? 0) + 1
    perAddress.set(address, count)
    socket.once('close', () => {
      sockets.delete(socket)
      const left = (perAddress.get(address) ?? 1) - 1
      if (left === 0) perAddress.delete(address)
      else perAddress.set(address, left)
    })
    if (count <= limits.maxConnectionsPerAddress) return
    onError?.(new Error('More connections than maxConnectionsPerAddress; this one was closed.'), address)
    socket.destroy()
  })
  return sockets
}

function listen(server: Server, { host, port, onError }: MllpServerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.removeListener('error', reject)
      server.on('error', (error) => onError?.(error, ''))
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

async function closeAll(
  server: Server,
  connections: ReadonlySet<MllpConnection>,
  sockets: ReadonlySet<Socket>,
  graceMs: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  for (const connection of connections) connection.stop()
  const late = setTimeout(() => {
    for (const socket of sockets) socket.destroy()
  }, graceMs)
  await closed
  clearTimeout(late)
}

function peerOf(socket: Socket | TLSSocket): MllpPeer {
  const from = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
  if (!('authorized' in socket) || !socket.authorized) return from
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return from
  return {
    ...from,
    certificateSubject: certificate.subject.replaceAll('\n', ', '),
    certificateFingerprint: certificate.fingerprint256,
  }
}

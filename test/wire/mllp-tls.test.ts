import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseMessage } from '../../src/codec/hl7v2/parse.js'
import { asFault } from '../../src/terms/fault.js'
import { MllpClient, type MllpClientOptions } from '../../src/wire/mllp-client.js'
import { startMllpServer, type MllpPeer, type MllpServer } from '../../src/wire/mllp-server.js'
import { answer, idOf, message, Sender } from './mllp-peers.js'

const hasOpenssl = spawnSync('openssl', ['version']).status === 0
const withOpenssl = hasOpenssl ? describe : describe.skip

withOpenssl('TLS and mutual TLS (skipped without the openssl command)', () => {
  let dir = ''
  let server: MllpServer
  const peers: MllpPeer[] = []
  const errors: string[] = []
  const read = (name: string): Buffer => readFileSync(join(dir, name))

  const openssl = (...args: string[]): void => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: dir, encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
  }
  const authority = (name: string): void =>
    openssl(
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.crt`],
    )
  const certificate = (name: string, subject: string, by: string, days = '2'): void => {
    openssl(
      ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', subject],
      ...['-addext', 'subjectAltName=DNS:localhost', '-keyout', `${name}.key`, '-out', `${name}.csr`],
    )
    openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', `${by}.crt`, '-CAkey', `${by}.key`, '-CAcreateserial'],
      ...['-days', days, '-copy_extensions', 'copy', '-out', `${name}.crt`],
    )
  }

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'onedoor-tls-'))
    authority('ca')
    authority('stranger')
    certificate('gateway', '/CN=localhost', 'ca')
    certificate('sender', '/O=Test Trust/CN=pas.rwx.example', 'ca')
    certificate('expired', '/CN=old.example', 'ca', '-1')
    certificate('foreign', '/CN=foreign.example', 'stranger')
    server = await startMllpServer({
      host: '127.0.0.1',
      port: 0,
      limits: { tlsHandshakeTimeoutMs: 200 },
      tls: { key: read('gateway.key'), cert: read('gateway.crt'), ca: read('ca.crt') },
      handle: async (bytes, peer) => {
        peers.push(peer)
        return answer(idOf(bytes))
      },
      onReject: async () => null,
      onError: (error) => errors.push(error.message),
    })
  })
  afterAll(async () => {
    await server.close(0)
    rmSync(dir, { recursive: true, force: true })
  })

  const send = async (port: number, tls: NonNullable<MllpClientOptions['tls']>): Promise<string> => {
    const client = new MllpClient({ host: '127.0.0.1', port, tls: { servername: 'localhost', ...tls } })
    try {
      return parseMessage(await client.send(Buffer.from(message('1')))).get('MSA-1') ?? ''
    } catch (thrown) {
      return asFault(thrown).code
    } finally {
      client.close()
    }
  }
  const proof = (name: string): { key: Buffer; cert: Buffer } => ({
    key: read(`${name}.key`),
    cert: read(`${name}.crt`),
  })

  test('a known certificate is served and named to the handler', async () => {
    expect(await send(server.port, { ca: read('ca.crt'), ...proof('sender') })).toBe('AA')
    expect(peers.at(-1)?.certificateSubject).toBe('O=Test Trust, CN=pas.rwx.example')
    expect(peers.at(-1)?.certificateFingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
  })

  test.each(['none', 'foreign', 'expired'])('%s: not served', async (name) => {
    const before = peers.length
    const own = name === 'none' ? {} : proof(name)
    expect(await send(server.port, { ca: read('ca.crt'), ...own })).toMatch(
      /^receiver-(cut-off|refused-connection)$/,
    )
    expect(peers).toHaveLength(before)
    expect(errors.length).toBeGreaterThan(0)
  })

  test('a server with a certificate we do not trust gets nothing', async () => {
    expect(await send(server.port, { ca: read('stranger.crt'), ...proof('sender') })).toBe(
      'receiver-refused-connection',
    )
  })

  test('plain text on the TLS port is closed', async () => {
    const sender = await Sender.to(server.port)
    sender.write(`\x0b${message('1')}\x1c\r`)
    expect(await sender.closed()).toBe(true)
    expect(sender.answers).toEqual([])
  })

  test('a handshake that never comes is cut', async () => {
    const socket = connectTcp(server.port, '127.0.0.1')
    const began = Date.now()
    await new Promise((resolve) => socket.once('close', resolve).on('error', () => undefined))
    expect(Date.now() - began).toBeLessThan(2_000)
  })

  test('without a client authority the client proves nothing', async () => {
    const seen: MllpPeer[] = []
    const plain = await startMllpServer({
      host: '127.0.0.1',
      port: 0,
      tls: { key: read('gateway.key'), cert: read('gateway.crt') },
      handle: async (bytes, peer) => (seen.push(peer), answer(idOf(bytes))),
      onReject: async () => null,
    })
    expect(await send(plain.port, { ca: read('ca.crt') })).toBe('AA')
    expect(seen[0]).not.toHaveProperty('certificateSubject')
    await plain.close(100)
  })
})

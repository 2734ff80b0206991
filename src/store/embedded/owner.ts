/** One gateway per data directory, as long as it lives: it listens on a socket there, and the kernel closes that
 *  socket with the process. Unlike a process id in a file this cannot go stale, be reused or lie across containers. */
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../../terms/fault.js'

const SOCKET_NAME = 'gateway.sock'

/** Throws Fault `store-unavailable` when another gateway has the directory. Returns how to give it up. */
export async function ownDirectory(dataDir: string, tempBase: string): Promise<() => Promise<void>> {
  // The path of a socket may have about a hundred bytes; a link makes any data directory short.
  const linkDir = mkdtempSync(join(tempBase, 'onedoor-own-'))
  try {
    symlinkSync(dataDir, join(linkDir, 'd'))
    const path = join(linkDir, 'd', SOCKET_NAME)
    if (existsSync(path) && (await staysAnswered(path))) {
      throw new Fault(
        'store-unavailable',
        'Another gateway is running on this data directory; stop it, or give this one its own ONEDOOR_DATA_DIR.',
        dataDir,
      )
    }
    rmSync(path, { force: true })
    return await listen(path, dataDir)
  } finally {
    rmSync(linkDir, { recursive: true, force: true })
  }
}

/** A gateway that was killed a moment ago may still have its socket. */
const DYING_MS = 1_000

async function staysAnswered(path: string): Promise<boolean> {
  const giveUpAt = Date.now() + DYING_MS
  while (await isAnswered(path)) {
    if (Date.now() > giveUpAt) return true
    await sleep(10)
  }
  return false
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(path)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

async function listen(path: string, dataDir: string): Promise<() => Promise<void>> {
  const server = net.createServer((socket) => socket.destroy())
  // The socket must not keep a process alive that has nothing else to do.
  server.unref()
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve).once('error', (cause) => {
      reject(
        new Fault('store-unavailable', 'This directory takes no socket; choose another one.', dataDir, {
          cause,
        }),
      )
    })
    server.listen(path)
  })
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve())
      rmSync(join(dataDir, SOCKET_NAME), { force: true })
    })
}

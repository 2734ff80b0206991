/** A private directory for one run of the server: its socket and whatever must lie where its account can reach it. */
import { chmodSync, existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Fault } from '../../terms/fault.js'
import { canReach, giveDirectoryTo, type Account } from './account.js'

const PREFIX = 'onedoor-pg-'
/** `sockaddr_un` holds 108 bytes on Linux and 104 on macOS, the closing zero included. */
const MAX_SOCKET_PATH_BYTES = 103
/** PostgreSQL names the socket by the port, although it listens on no port. */
export const SOCKET_PORT = 5432

/** New for every start: an old socket's lock file may name a process id that is in use again. */
export function makeRuntimeDir(account: Account): string {
  const base = [tmpdir(), '/tmp', '/var/tmp'].find(
    (dir) => existsSync(dir) && fits(dir) && canReach(account, dir),
  )
  if (base === undefined) {
    throw new Fault(
      'store-unavailable',
      `No temporary directory that user ${account.uid} may enter and whose path is short enough for a socket; ` +
        'set TMPDIR to one, or set DATABASE_URL.',
      tmpdir(),
    )
  }
  const dir = mkdtempSync(join(realpathSync(base), PREFIX))
  chmodSync(dir, 0o700)
  giveDirectoryTo(account, dir)
  return dir
}

export const socketPath = (runtimeDir: string): string => join(runtimeDir, `.s.PGSQL.${SOCKET_PORT}`)

const fits = (base: string): boolean =>
  Buffer.byteLength(socketPath(join(base, `${PREFIX}XXXXXX`))) <= MAX_SOCKET_PATH_BYTES

/** Removes what a run left behind, if the name says that it is one of ours. */
export function removeRuntimeDir(dir: string): void {
  if (basename(dir).startsWith(PREFIX)) rmSync(dir, { recursive: true, force: true })
}

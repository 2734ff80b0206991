/** The account PostgreSQL runs as: it refuses root, so a root gateway starts it as an unprivileged user. */
import { spawnSync } from 'node:child_process'
import {
  accessSync,
  chownSync,
  constants,
  lchownSync,
  lstatSync,
  readdirSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { Fault } from '../../terms/fault.js'

export interface Account {
  readonly uid: number
  readonly gid: number
  /** True when the gateway is root and gives its rights up for PostgreSQL. */
  readonly dropped: boolean
}

/** In order of preference; both are common names, none is created. */
const UNPRIVILEGED = ['postgres', 'nobody']

/** `dataDir`: when PostgreSQL has run there before, it runs as the same user again. */
export function accountFor(dataDir: string): Account {
  const uid = process.getuid?.() ?? 0
  const gid = process.getgid?.() ?? 0
  if (uid !== 0) return { uid, gid, dropped: false }
  const owner = statSync(dataDir, { throwIfNoEntry: false })
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid, dropped: true }
  for (const name of UNPRIVILEGED) {
    const found = { uid: idOf('-u', name), gid: idOf('-g', name) }
    if (found.uid > 0 && found.gid > 0) return { ...found, dropped: true }
  }
  throw new Fault(
    'store-unavailable',
    `PostgreSQL does not run as root and this system has no user named ${UNPRIVILEGED.join(' or ')}. ` +
      'Add one, run the gateway as an ordinary user, or set DATABASE_URL.',
  )
}

function idOf(flag: string, name: string): number {
  const { status, stdout } = spawnSync('id', [flag, name], { encoding: 'utf8' })
  return status === 0 ? Number(stdout) : -1
}

/** Hands a tree to the account, when the gateway is root. Links are not followed. */
export function giveTo(account: Account, path: string): void {
  if (!account.dropped) return
  const found = lstatSync(path)
  if (found.uid !== account.uid || found.gid !== account.gid) lchownSync(path, account.uid, account.gid)
  if (!found.isDirectory()) return
  for (const name of readdirSync(path)) giveTo(account, join(path, name))
}

/** Hands one directory to the account without looking into it. */
export function giveDirectoryTo(account: Account, path: string): void {
  if (account.dropped) chownSync(path, account.uid, account.gid)
}

/** Whether the account may reach a path: every directory above it must let it pass. By mode bits alone: where an
 *  access list says more, the answer may be no although it could, and then a longer way round is taken. */
export function canReach(account: Account, path: string): boolean {
  if (!account.dropped) return isAccessible(path)
  for (let at = realpathSync(path); ; at = dirname(at)) {
    const { mode, uid, gid } = statSync(at)
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return false
    if (at === dirname(at)) return true
  }
}

function isAccessible(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

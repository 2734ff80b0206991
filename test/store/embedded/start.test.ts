/** Every way in which an embedded PostgreSQL has been seen to fail, one test each. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { PoolConfig } from 'pg'
import { installedNative } from '../../../src/store/embedded/binaries.js'
import { initCluster } from '../../../src/store/embedded/cluster.js'
import { isRunning, readPidFile } from '../../../src/store/embedded/postmaster.js'
import { startEmbedded, type EmbeddedEvent } from '../../../src/store/embedded/start.js'

const isRoot = process.getuid?.() === 0
const asRoot = isRoot ? test : test.skip
const onLinux = process.platform === 'linux' ? test : test.skip

let base = ''
/** A made cluster, so that not every test has to wait for initdb. */
let seed = ''
const children: ChildProcess[] = []

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'onedoor-embedded-'))
  chmodSync(base, 0o755)
  seed = join(base, 'seed')
  await initCluster(seed)
}, 60_000)

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await sleep(300)
  rmSync(base, { recursive: true, force: true })
})

let made = 0
const newDataDir = (): string => join(base, `data-${++made}`)
const clusterOf = (dataDir: string): string => join(dataDir, 'postgres')

async function ask<Row extends pg.QueryResultRow>(connection: PoolConfig, sql: string): Promise<Row[]> {
  const client = new pg.Client(connection)
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}

interface Gateway {
  readonly child: ChildProcess
  readonly connection: PoolConfig & { host: string }
}

function spawnGateway(args: readonly string[], account: { uid?: number; gid?: number } = {}): ChildProcess {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', resolve('test/support/embedded-child.ts'), ...args],
    { stdio: ['ignore', 'pipe', 'inherit'], ...account },
  )
  children.push(child)
  return child
}

async function firstLine(child: ChildProcess): Promise<Record<string, unknown>> {
  let text = ''
  for await (const chunk of child.stdout!) {
    text += String(chunk)
    if (text.includes('\n')) break
  }
  return JSON.parse(text.split('\n')[0] ?? '') as Record<string, unknown>
}

async function startGateway(dataDir: string): Promise<Gateway> {
  const child = spawnGateway([dataDir, seed])
  const said = await firstLine(child)
  expect(said).not.toHaveProperty('fault')
  return { child, connection: said as unknown as Gateway['connection'] }
}

async function until(holds: () => boolean, withinMs: number): Promise<void> {
  const giveUpAt = Date.now() + withinMs
  while (!holds() && Date.now() < giveUpAt) await sleep(10)
  expect(holds()).toBe(true)
}

const killNow = async (child: ChildProcess): Promise<void> => {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

/** The process and everything it started, found by the data directory's socket directory. */
const processesOf = (socketDir: string): number[] =>
  spawnSync('pgrep', ['-f', socketDir], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean).map(Number)

describe('a start', () => {
  test('gives a durable server without a network port, in a private directory', async () => {
    const embedded = await startEmbedded({ dataDir: newDataDir(), seed })
    const [settings] = await ask(
      embedded.connection,
      `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
        current_setting('full_page_writes') as pages, current_setting('listen_addresses') as addresses,
        current_setting('data_checksums') as checksums`,
    )
    expect(settings).toEqual({ fsync: 'on', commit: 'on', pages: 'on', addresses: '', checksums: 'on' })
    const socketDir = String(embedded.connection.host)
    expect(statSync(socketDir).mode & 0o777).toBe(0o700)
    await embedded.stop()
    expect(existsSync(socketDir)).toBe(false)
  })

  test('makes the cluster itself the first time, also after one that was cut off while making it', async () => {
    const dataDir = newDataDir()
    mkdirSync(join(dataDir, 'postgres.new', 'base'), { recursive: true })
    const embedded = await startEmbedded({ dataDir })
    expect(await ask(embedded.connection, 'select 1 as one')).toEqual([{ one: 1 }])
    await embedded.stop()
    expect(readdirSync(dataDir).sort()).toEqual(['postgres', 'postgres.log'])
  })

  test('again, on the same data, takes less than two seconds and keeps every row', async () => {
    const dataDir = newDataDir()
    const first = await startEmbedded({ dataDir, seed })
    await ask(first.connection, 'create table kept as select 42 as answer')
    await first.stop()
    expect(readPidFile(clusterOf(dataDir))).toBeUndefined()
    const startedAt = performance.now()
    const second = await startEmbedded({ dataDir })
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    expect(await ask(second.connection, 'select answer from kept')).toEqual([{ answer: 42 }])
    await second.stop()
  })

  test('does not mind a data directory whose path is longer than a socket may have', async () => {
    const dataDir = join(base, 'd'.repeat(90), 'e'.repeat(90))
    const embedded = await startEmbedded({ dataDir, seed })
    expect(await ask(embedded.connection, 'select 1 as one')).toEqual([{ one: 1 }])
    await embedded.stop()
  })

  test('says which PostgreSQL made a cluster it cannot open', async () => {
    const dataDir = newDataDir()
    mkdirSync(clusterOf(dataDir), { recursive: true, mode: 0o700 })
    writeFileSync(join(clusterOf(dataDir), 'PG_VERSION'), '15\n')
    await expect(startEmbedded({ dataDir })).rejects.toMatchObject({
      code: 'store-unavailable',
      message: expect.stringMatching(/made by PostgreSQL 15.*pg_upgrade/),
    })
  })

  test('on a platform without binaries names DATABASE_URL', () => {
    expect(() => installedNative('sunos-sparc')).toThrow(/No PostgreSQL for this platform.*DATABASE_URL/)
  })

  test('tells the reason when the server does not come up', async () => {
    const dataDir = newDataDir()
    await initClusterCopy(dataDir)
    writeFileSync(join(clusterOf(dataDir), 'postgresql.conf'), 'no_such_setting = 1\n')
    await expect(startEmbedded({ dataDir })).rejects.toMatchObject({
      message: expect.stringContaining('configuration file'),
    })
  })
})

async function initClusterCopy(dataDir: string): Promise<void> {
  const embedded = await startEmbedded({ dataDir, seed })
  await embedded.stop()
}

describe('accounts', () => {
  asRoot('root: the server runs as an unprivileged user, who owns the cluster', async () => {
    const dataDir = newDataDir()
    const embedded = await startEmbedded({ dataDir, seed })
    const pid = readPidFile(clusterOf(dataDir))?.pid ?? 0
    expect(statSync(`/proc/${pid}`).uid).not.toBe(0)
    expect(statSync(clusterOf(dataDir)).uid).toBe(statSync(`/proc/${pid}`).uid)
    await embedded.stop()
  })

  asRoot('root: a data directory below one that only root may enter works where it is', async () => {
    const closed = join(base, 'only-root')
    mkdirSync(closed, { mode: 0o700 })
    const dataDir = join(closed, 'data')
    const embedded = await startEmbedded({ dataDir })
    await ask(embedded.connection, 'create table t as select 1; checkpoint')
    await embedded.stop()
    const again = await startEmbedded({ dataDir })
    expect(await ask(again.connection, 'select count(*)::int as n from t')).toEqual([{ n: 1 }])
    await again.stop()
  })

  asRoot(
    'root: binaries below a directory that only root may enter are copied to where they run',
    async () => {
      const closed = join(base, 'only-root-binaries')
      mkdirSync(closed, { mode: 0o700 })
      const native = copyOfNative(join(closed, 'native'))
      const embedded = await startEmbedded({ dataDir: newDataDir(), native })
      expect(await ask(embedded.connection, 'select 1 as one')).toEqual([{ one: 1 }])
      await embedded.stop()
    },
    60_000,
  )

  asRoot(
    'an ordinary user runs it on a directory of his own',
    async () => {
      const dataDir = newDataDir()
      mkdirSync(dataDir)
      chownSync(dataDir, 65534, 65534)
      const child = spawnGateway([dataDir], { uid: 65534, gid: 65534 })
      expect(await firstLine(child)).toMatchObject({ user: 'onedoor' })
      expect(statSync(clusterOf(dataDir)).uid).toBe(65534)
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
    60_000,
  )

  asRoot(
    'a user id without a name runs on a cluster made beforehand, and is told so without one',
    async () => {
      const nameless = { uid: 54321, gid: 54321 }
      const dataDir = newDataDir()
      mkdirSync(dataDir)
      chownSync(dataDir, nameless.uid, nameless.gid)
      const refused = await firstLine(spawnGateway([dataDir], nameless))
      expect(refused).toEqual({ fault: expect.stringMatching(/54321 has no name.*passwd.*made beforehand/) })
      const readable = join(base, 'readable-seed')
      spawnSync('cp', ['-r', seed, readable])
      spawnSync('chmod', ['-R', 'a+rX', readable])
      const child = spawnGateway([dataDir, readable], nameless)
      expect(await firstLine(child)).toMatchObject({ user: 'onedoor' })
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
    60_000,
  )
})

describe('the package as npm left it', () => {
  onLinux(
    'without install scripts and in a read-only node_modules it starts: the links are made elsewhere',
    async () => {
      const native = copyOfNative(join(base, 'read-only-native'))
      const { links } = linksOf(native)
      for (const link of links) rmSync(link, { force: true })
      spawnSync('chmod', ['-R', 'a-w', native])
      const embedded = await startEmbedded({ dataDir: newDataDir(), native })
      expect(await ask(embedded.connection, 'select 1 as one')).toEqual([{ one: 1 }])
      await embedded.stop()
      expect(links.filter((link) => existsSync(link))).toEqual([])
    },
    60_000,
  )
})

function copyOfNative(to: string): string {
  expect(spawnSync('cp', ['-a', installedNative(), to]).status).toBe(0)
  return to
}

function linksOf(native: string): { links: string[] } {
  const list = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as { target: string }[]
  return { links: list.map(({ target }) => join(native, target.replace(/^native\//, ''))) }
}

describe('the end of the gateway', () => {
  test('SIGTERM: a clean stop, nothing left', async () => {
    const dataDir = newDataDir()
    const { child, connection } = await startGateway(dataDir)
    child.kill('SIGTERM')
    const [code] = (await once(child, 'exit')) as [number | null]
    expect(code).toBe(0)
    expect(readPidFile(clusterOf(dataDir))).toBeUndefined()
    expect(processesOf(connection.host)).toEqual([])
    expect(existsSync(connection.host)).toBe(false)
  })

  test('kill -9: the server stops cleanly by itself within two seconds', async () => {
    const dataDir = newDataDir()
    const { child, connection } = await startGateway(dataDir)
    await killNow(child)
    await until(() => readPidFile(clusterOf(dataDir)) === undefined, 2_000)
    await until(() => processesOf(connection.host).length === 0, 2_000)
    expect(existsSync(connection.host)).toBe(false)
  })

  test('kill -9 and a start at once: the rows that were committed, in less than two seconds', async () => {
    const dataDir = newDataDir()
    const { child, connection } = await startGateway(dataDir)
    await ask(connection, 'create table kept as select generate_series(1, 20000) as n')
    child.kill('SIGKILL')
    const startedAt = performance.now()
    const embedded = await startEmbedded({ dataDir })
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    expect(await ask(embedded.connection, 'select count(*)::int as n from kept')).toEqual([{ n: 20_000 }])
    // What the killed one left in the temporary directory is gone as well.
    expect(existsSync(connection.host)).toBe(false)
    await embedded.stop()
  })

  onLinux('kill -9 of the gateway and the keeper: the next start stops the orphan and goes on', async () => {
    const dataDir = newDataDir()
    const { child, connection } = await startGateway(dataDir)
    const orphan = readPidFile(clusterOf(dataDir))!
    for (const pid of processesOf(connection.host)) if (pid !== orphan.pid) process.kill(pid, 'SIGKILL')
    await killNow(child)
    expect(isRunning(orphan)).toBe(true)
    const embedded = await startEmbedded({ dataDir })
    expect(isRunning(orphan)).toBe(false)
    await embedded.stop()
  })

  test('kill -9 of everything: the next start recovers', async () => {
    const dataDir = newDataDir()
    const { child, connection } = await startGateway(dataDir)
    await ask(connection, 'create table kept as select 1 as n')
    const { pid } = readPidFile(clusterOf(dataDir))!
    process.kill(pid, 'SIGKILL')
    await killNow(child)
    const embedded = await startEmbedded({ dataDir })
    expect(await ask(embedded.connection, 'select n from kept')).toEqual([{ n: 1 }])
    await embedded.stop()
  })

  test('a stale process id that belongs to someone else now: the server starts, the other lives', async () => {
    const dataDir = newDataDir()
    const { child } = await startGateway(dataDir)
    const pidFile = join(clusterOf(dataDir), 'postmaster.pid')
    const before = readFileSync(pidFile, 'utf8')
    const { pid } = readPidFile(clusterOf(dataDir))!
    process.kill(pid, 'SIGKILL')
    await killNow(child)
    await sleep(200)
    const { uid, gid } = statSync(clusterOf(dataDir))
    const other = spawn('sleep', ['60'], isRoot ? { uid, gid } : {})
    children.push(other)
    writeFileSync(pidFile, before.replace(/^\d+/, String(other.pid)))
    const embedded = await startEmbedded({ dataDir })
    expect(await ask(embedded.connection, 'select 1 as one')).toEqual([{ one: 1 }])
    expect(other.exitCode).toBeNull()
    expect(other.signalCode).toBeNull()
    await embedded.stop()
  })

  onLinux('a server that is a zombie, since nothing reaps here, does not count as running', async () => {
    const bin = join(base, 'postgres')
    copyFileSync('/bin/true', bin)
    const parent = spawn('sh', ['-c', `"$0" -k /tmp/onedoor-pg-zombie & echo $!; exec sleep 30`, bin])
    children.push(parent)
    const [line] = (await once(parent.stdout, 'data')) as [Buffer]
    const zombie = { pid: Number(line), socketDir: '/tmp/onedoor-pg-zombie', isReady: true }
    await until(() => readFileSync(`/proc/${zombie.pid}/stat`, 'utf8').includes(') Z '), 2_000)
    expect(isRunning(zombie)).toBe(false)
    unlinkSync(bin)
  })
})

describe('two gateways, one data directory', () => {
  test('the second is refused while the first lives, whoever is quicker', async () => {
    const dataDir = newDataDir()
    const { child } = await startGateway(dataDir)
    await expect(startEmbedded({ dataDir })).rejects.toMatchObject({
      code: 'store-unavailable',
      message: expect.stringMatching(/Another gateway is running.*ONEDOOR_DATA_DIR/),
    })
    child.kill('SIGTERM')
    await once(child, 'exit')
    const embedded = await startEmbedded({ dataDir })
    await embedded.stop()
  })
})

describe('the server dies and the gateway lives', () => {
  test.each([
    ['the server', (pid: number) => process.kill(pid, 'SIGKILL')],
    ['its keeper', (pid: number) => process.kill(parentOf(pid), 'SIGKILL')],
  ])(
    'kill -9 of %s: it is started again under the same address',
    async (_name, kill) => {
      const dataDir = newDataDir()
      const events: EmbeddedEvent['event'][] = []
      const embedded = await startEmbedded({ dataDir, seed, log: ({ event }) => events.push(event) })
      await ask(embedded.connection, 'create table kept as select 1 as n')
      const before = readPidFile(clusterOf(dataDir))!
      kill(before.pid)
      await until(() => events.includes('database-died'), 2_000)
      await until(() => {
        const now = readPidFile(clusterOf(dataDir))
        return now !== undefined && now.pid !== before.pid && now.isReady
      }, 10_000)
      await sleep(100)
      expect(await ask(embedded.connection, 'select n from kept')).toEqual([{ n: 1 }])
      await embedded.stop()
      expect(readPidFile(clusterOf(dataDir))).toBeUndefined()
    },
    30_000,
  )
})

const parentOf = (pid: number): number =>
  Number(spawnSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }).stdout)

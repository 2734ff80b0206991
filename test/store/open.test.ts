import { describe, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { accountFor } from '../../src/store/embedded/account.js'
import { installedNative, prepareBinaries } from '../../src/store/embedded/binaries.js'
import { initCluster, SUPERUSER } from '../../src/store/embedded/cluster.js'
import { readPidFile } from '../../src/store/embedded/postmaster.js'
import { makeRuntimeDir } from '../../src/store/embedded/runtime-dir.js'
import { MIGRATIONS } from '../../src/store/migrations/index.js'
import { openStore } from '../../src/store/open.js'
import { anOpening } from '../support/case-commit.js'
import { withDatabase } from '../support/postgres.js'

const database = withDatabase()

async function ask(sql: string): Promise<unknown[]> {
  const client = new pg.Client(database.connection)
  await client.connect()
  const { rows } = await client.query(sql)
  await client.end()
  return rows
}

describe('migrations', () => {
  test('six processes open an empty database at once: each migration runs once', async () => {
    await ask('create database empty')
    const connection = { ...database.connection, database: 'empty' }
    const stores = await Promise.all(Array.from({ length: 6 }, () => openStore({ connection, poolSize: 2 })))
    const client = new pg.Client(connection)
    await client.connect()
    const { rows } = await client.query('select number, name from schema_migration order by number')
    await client.end()
    expect(rows).toEqual(MIGRATIONS.map(({ number, name }) => ({ number, name })))
    expect(await stores[0]!.commitCase(anOpening())).toMatchObject({ kind: 'committed' })
    await Promise.all(stores.map((store) => store.close()))
  })

  test('are numbered from 1 without a gap', () => {
    expect(MIGRATIONS.map(({ number }) => number)).toEqual(MIGRATIONS.map((_, n) => n + 1))
  })
})

describe('a database that cannot promise a commit is refused', () => {
  test('synchronous_commit = off', async () => {
    await ask('create role careless login superuser; alter role careless set synchronous_commit = off')
    await expect(
      openStore({ connection: { ...database.connection, user: 'careless' } }),
    ).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('synchronous_commit is off'),
    })
  })

  test('fsync = off', async () => {
    const server = await startCareless()
    try {
      await expect(openStore({ connection: server.connection })).rejects.toMatchObject({
        code: 'config-invalid',
        message: expect.stringContaining('fsync is off'),
      })
    } finally {
      await server.stop()
    }
  })

  test('one that does not answer is store-unavailable', async () => {
    const connection = { host: '127.0.0.1', port: 1, user: 'x', database: 'x' }
    await expect(openStore({ connection })).rejects.toMatchObject({ code: 'store-unavailable' })
  })
})

test('ping tells whether the database answers; a closed store leaves no connection behind', async () => {
  const store = await openStore({ connection: { ...database.connection, application_name: 'leaves' } })
  await expect(store.ping()).resolves.toBeUndefined()
  await store.close()
  await expect(store.ping()).rejects.toMatchObject({ code: 'store-unavailable' })
  for (let tries = 0; tries < 100; tries++) {
    const rows = await ask(`select from pg_stat_activity where application_name = 'leaves'`)
    if (rows.length === 0) return
  }
  throw new Error('a connection stayed open')
})

/** A server as an operator might have tuned it: the embedded one cannot be told to. */
async function startCareless() {
  const dataDir = mkdtempSync(join(tmpdir(), 'onedoor-test-'))
  chmodSync(dataDir, 0o755)
  await initCluster(dataDir)
  const cluster = join(dataDir, 'postgres')
  const account = accountFor(cluster)
  const runtimeDir = makeRuntimeDir(account)
  const binaries = prepareBinaries(installedNative(), account, runtimeDir)
  const args = ['-D', cluster, '-k', runtimeDir, '-c', 'listen_addresses=', '-c', 'fsync=off']
  const child = spawn(binaries.postgres, args, {
    env: binaries.env,
    stdio: 'ignore',
    ...(account.dropped ? { uid: account.uid, gid: account.gid } : {}),
  })
  while (readPidFile(cluster)?.isReady !== true) await sleep(10)
  return {
    connection: { host: runtimeDir, user: SUPERUSER, database: 'postgres' },
    async stop() {
      child.kill('SIGINT')
      await once(child, 'exit')
      for (const dir of [runtimeDir, dataDir]) rmSync(dir, { recursive: true })
    },
  }
}

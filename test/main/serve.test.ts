/** The built product as a process: start, load, stop, and what it refuses to start with. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { parseMessage } from '../../src/codec/hl7v2/parse.js'
import { MllpClient } from '../../src/wire/mllp-client.js'
import { aDataDir, aReferral, onedoor, withServe } from '../support/gateway.js'
import { withDatabase } from '../support/postgres.js'

const serve = withServe()
const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'onedoor-main-'))
  folders.push(folder)
  return folder
}

const llr = (id: string): Buffer =>
  Buffer.from(aReferral({ id, facility: 'RWE' }).toString().replace('|PAS|RWE|', '|UHLPAS|RWE|'))

const isReady = async (http: string): Promise<number> => (await fetch(`${http}/health/ready`)).status

describe('a start', () => {
  const dataDir = aDataDir()
  folders.push(dataDir)

  test('prints the ports it was given, answers on both, and is ready', async () => {
    const served = await serve({ dataDir })
    expect(served.http).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(served.mllpPort).toBeGreaterThan(0)
    expect(await isReady(served.http)).toBe(200)
    const client = new MllpClient({ host: '127.0.0.1', port: served.mllpPort })
    expect(parseMessage(await client.send(llr('S1'))).get('MSA-1')).toBe('AA')
    client.close()
    expect(await served.stop()).toBe(0)
  })

  test('the second one finds everything as it was, within seconds', async () => {
    const startedAt = Date.now()
    const served = await serve({ dataDir })
    expect(await isReady(served.http)).toBe(200)
    // 2 s on a machine of its own; the tests share theirs.
    expect(Date.now() - startedAt).toBeLessThan(6_000)
    const found = await fetch(`${served.http}/FHIR/R4/ServiceRequest?identifier=R-S1`)
    expect(await found.json()).toMatchObject({ resourceType: 'Bundle', entry: [{}] })
    expect(await served.stop()).toBe(0)
  })
})

describe('SIGTERM', () => {
  test('under load: every message in hand is answered, nothing acknowledged is lost, exit code 0', async () => {
    const dataDir = aDataDir()
    folders.push(dataDir)
    const served = await serve({ dataDir })
    const acknowledged: string[] = []
    const strange: unknown[] = []
    const senders = Array.from({ length: 4 }, async (_, s) => {
      const client = new MllpClient({ host: '127.0.0.1', port: served.mllpPort })
      for (let n = 0; ; n++) {
        const id = `L${s}-${n}`
        try {
          const answer = parseMessage(await client.send(llr(id)))
          if (answer.get('MSA-1') === 'AA') acknowledged.push(id)
          else strange.push(answer.get('MSA-3'))
        } catch {
          return client.close()
        }
      }
    })
    while (acknowledged.length < 20) await new Promise((resolve) => setTimeout(resolve, 10))
    const signalledAt = Date.now()
    expect(await served.stop()).toBe(0)
    expect(Date.now() - signalledAt).toBeLessThan(10_000)
    await Promise.all(senders)
    expect(strange).toEqual([])

    const again = await serve({ dataDir })
    const kept = await fetch(`${again.http}/FHIR/R4/ServiceRequest?_summary=count`)
    const { total } = (await kept.json()) as { total: number }
    // An answer may have been on its way when the line was cut: one per sender at most.
    expect(total).toBeGreaterThanOrEqual(acknowledged.length)
    expect(total).toBeLessThanOrEqual(acknowledged.length + senders.length)
    await again.stop()
  })
})

describe('a PostgreSQL of its own', () => {
  const database = withDatabase()

  test('DATABASE_URL is used, and migrate brings it up to date', async () => {
    const { host, user, database: name } = database.connection
    const DATABASE_URL = `postgres://${user}@/${name}?host=${encodeURIComponent(String(host))}`
    expect(await onedoor(['migrate'], { env: { DATABASE_URL, LOG_LEVEL: 'warn' } })).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    const served = await serve({ env: { DATABASE_URL } })
    expect(await isReady(served.http)).toBe(200)
    const client = new MllpClient({ host: '127.0.0.1', port: served.mllpPort })
    expect(parseMessage(await client.send(llr('P1'))).get('MSA-1')).toBe('AA')
    client.close()
    expect(await served.stop()).toBe(0)
    const kept = new pg.Client(database.connection)
    await kept.connect()
    const { rows } = await kept.query('select message_id from message')
    await kept.end()
    expect(rows).toEqual([{ message_id: 'P1' }])
  })
})

describe('refused to start', () => {
  let folder = ''
  beforeAll(() => {
    folder = temporary()
  })

  test('every bad value of the environment is named at once', async () => {
    const env = {
      PORT: 'eighty',
      MLLP_PORT: '70000',
      LOG_LEVEL: 'loud',
      DATABASE_URL: 'mysql://x',
      ONEDOOR_AUTH: 'jwt',
    }
    const { code, stdout, stderr } = await onedoor(['serve'], { env })
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^config-invalid: The environment has 5 bad value\(s\)/)
    for (const name of Object.keys(env)) expect(stderr).toContain(name)
    expect(stderr).not.toMatch(/^\s+at /m)
  })

  test.each(['0.0.0.0', '::', '192.0.2.1'])('HOST %s: without authentication only loopback', async (HOST) => {
    const { code, stderr } = await onedoor(['serve'], { env: { HOST } })
    expect(code).toBe(1)
    expect(stderr).toContain(`HOST: found ${HOST}`)
    expect(stderr).toContain('loopback')
  })

  test('a wrong deployment file: file and line', async () => {
    mkdirSync(join(folder, 'partners'), { recursive: true })
    writeFileSync(
      join(folder, 'deployment.yaml'),
      'name: Wrong\ntimeZone: Europe/Nowhere\naccessPoint: door\n',
    )
    writeFileSync(join(folder, 'partners', 'all.yaml'), 'partners:\n  door:\n    nam: Door\n')
    const env = {
      ONEDOOR_DEPLOYMENT: folder,
      ONEDOOR_DATA_DIR: aTemporaryDataDir(),
      PORT: '0',
      MLLP_PORT: '0',
      LOG_LEVEL: 'warn',
    }
    const { code, stderr } = await onedoor(['serve'], { env })
    expect(code).toBe(1)
    expect(stderr).toMatch(/deployment\.yaml:2:/)
    expect(stderr).toMatch(/partners\/all\.yaml:3:/)
  })

  test('no deployment at all: the folder is named', async () => {
    const missing = join(folder, 'not-there')
    const env = {
      ONEDOOR_DEPLOYMENT: missing,
      ONEDOOR_DATA_DIR: aTemporaryDataDir(),
      PORT: '0',
      MLLP_PORT: '0',
      LOG_LEVEL: 'warn',
    }
    const { code, stderr } = await onedoor(['serve'], { env })
    expect(code).toBe(1)
    expect(stderr).toContain('deployment-invalid')
    expect(stderr).toContain('not-there')
  })

  test('a port that something else has', async () => {
    const served = await serve()
    const { port } = new URL(served.http)
    const { code, stderr } = await onedoor(['serve'], {
      env: { PORT: port, MLLP_PORT: '0', ONEDOOR_DATA_DIR: aTemporaryDataDir(), LOG_LEVEL: 'warn' },
    })
    expect(code).toBe(1)
    expect(stderr).toMatch(new RegExp(`^config-invalid: PORT: 127\\.0\\.0\\.1:${port} is in use`))
    await served.stop()
  })

  function aTemporaryDataDir(): string {
    const dataDir = aDataDir()
    folders.push(dataDir)
    return dataDir
  }
})

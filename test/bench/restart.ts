/** How soon the gateway is back: a second start, and after kill -9, with its own embedded PostgreSQL. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { productRoot } from '../../src/config/assets.js'
import { MllpClient } from '../../src/wire/mllp-client.js'
import { Child } from './child.js'
import { median } from './measure.js'
import { referral } from './messages.js'
import { deploymentDir } from './product.js'
import { result, type Bench, type Result } from './report.js'

const ROUNDS = 3
const LIMIT_S = 2

export const restart: Bench = { name: 'restart', run: measureRestart }

async function measureRestart(): Promise<readonly Result[]> {
  const folder = mkdtempSync(join(tmpdir(), 'onedoor-bench-'))
  chmodSync(folder, 0o755)
  const env = {
    ONEDOOR_DATA_DIR: join(folder, 'data'),
    ONEDOOR_DEPLOYMENT: deploymentDir,
    PORT: '0',
    MLLP_PORT: '0',
    LOG_LEVEL: 'error',
  }
  const start = () => new Child([join(productRoot, 'dist', 'main.js'), 'serve'], env)
  let gateway = start()
  try {
    const first = await secondsToAnswer(gateway, 'FIRST')
    const again: number[] = []
    const killed: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      await gateway.end('SIGTERM')
      gateway = start()
      again.push(await secondsToAnswer(gateway, `AGAIN${round}`))
      await gateway.end('SIGKILL')
      gateway = start()
      killed.push(await secondsToAnswer(gateway, `KILLED${round}`))
    }
    const unit = 's'
    const goal = { atMost: LIMIT_S }
    return [
      result({ name: 'first start to first ACK (makes its database)', unit, ours: first }),
      result({ name: 'second start to first ACK', unit, ours: median(again), goal }),
      result({ name: 'kill -9 to first ACK', unit, ours: median(killed), goal }),
    ]
  } finally {
    await gateway.end('SIGTERM')
    rmSync(folder, { recursive: true, force: true })
  }
}

/** From the start of the process to a committed and acknowledged message. */
async function secondsToAnswer(gateway: Child, number: string): Promise<number> {
  const { mllpPort } = await gateway.said('listening')
  const client = new MllpClient({ host: '127.0.0.1', port: Number(mllpPort) })
  try {
    const answer = Buffer.from(await client.send(Buffer.from(referral(number)))).toString('latin1')
    if (!answer.includes('MSA|AA|')) throw new Error('The first message was not answered AA')
    return (performance.now() - gateway.startedAt) / 1000
  } finally {
    client.close()
  }
}

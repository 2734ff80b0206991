/** What the demonstration runs on: the example deployment and its morning of referrals. */
import { join } from 'node:path'
import { runDemo } from '../cli/demo.js'
import { productRoot } from '../config/assets.js'
import { stopSignal } from './stop-signal.js'

export function demo(args: readonly string[]): Promise<number> {
  const deployment = join(productRoot, 'examples', 'llr')
  return runDemo(args, {
    morning: join(deployment, 'morning'),
    deployment,
    environment: process.env,
    write: (text) => void process.stdout.write(text),
    stopped: stopSignal(),
  })
}

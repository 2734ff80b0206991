/** A gateway's database in a process of its own, to be killed: prints its connection (or what stood in the way) as
 *  one JSON line, then waits. SIGTERM stops it cleanly. */
import { startEmbedded } from '../../src/store/embedded/start.js'

const [dataDir = '', seed] = process.argv.slice(2)
try {
  const embedded = await startEmbedded({ dataDir, ...(seed === undefined ? {} : { seed }) })
  process.once('SIGTERM', () => void embedded.stop().then(() => process.exit(0)))
  process.stdout.write(`${JSON.stringify(embedded.connection)}\n`)
  setInterval(() => undefined, 60_000)
} catch (thrown) {
  process.stdout.write(
    `${JSON.stringify({ fault: thrown instanceof Error ? thrown.message : String(thrown) })}\n`,
  )
  process.exitCode = 1
}

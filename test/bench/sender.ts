/** Senders in a process of their own, so that what they cost is not counted as the gateway's: each sends a
 *  referral, waits for its answer and sends the next. Arguments: MLLP port, senders, warm-up and measured
 *  milliseconds, a prefix that makes control ids new. Prints `measuring`, then `measured`. */
import { connect } from 'node:net'
import { cpuSeconds, quantile } from './measure.js'
import { referral } from './messages.js'

const [port = '', senders = '', warmUpMs = '', measuredMs = '', prefix = ''] = process.argv.slice(2)
const MARK = 'NUMBER'
const parts = referral(MARK).split(MARK)
const FS = 0x1c

const times: number[] = []
let refused = 0
let isMeasuring = false
let isOver = false

function send(sender: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true })
    let count = 0
    let sentAt = 0
    let answer = ''
    const next = (): void => {
      count += 1
      sentAt = performance.now()
      socket.write(`\x0b${parts.join(`${prefix}${sender}N${count}`)}\x1c\r`)
    }
    socket.on('connect', next)
    socket.on('error', reject)
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1')
      if (!chunk.includes(FS)) return
      if (isMeasuring) times.push(performance.now() - sentAt)
      if (!answer.includes('MSA|AA|')) refused += 1
      answer = ''
      if (isOver) {
        socket.end()
        resolve()
      } else next()
    })
  })
}

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
const wait = (ms: string): Promise<void> => new Promise((resolve) => setTimeout(resolve, Number(ms)))

const all = Promise.all(Array.from({ length: Number(senders) }, (_, i) => send(i)))
await wait(warmUpMs)
const cpuBefore = process.cpuUsage()
const startedAt = performance.now()
isMeasuring = true
say({ event: 'measuring' })
await wait(measuredMs)
isMeasuring = false
isOver = true
const seconds = (performance.now() - startedAt) / 1000
say({
  event: 'measured',
  answers: times.length,
  refused,
  perSecond: times.length / seconds,
  p50Ms: quantile(times, 0.5),
  p99Ms: quantile(times, 0.99),
  cpuSeconds: cpuSeconds(cpuBefore),
})
await all

/** A hospital: sends referrals by MLLP until each has its acknowledgement, and listens for what becomes of them. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { buildAck } from '../codec/hl7v2/ack.js'
import { parseMessage } from '../codec/hl7v2/parse.js'
import { asFault } from '../terms/fault.js'
import { MllpClient } from '../wire/mllp-client.js'
import { startMllpServer } from '../wire/mllp-server.js'
import type { Emit, SimulateDeps, Twin } from './events.js'
import { wait } from './misbehaviour.js'
import { referral, type Hospital } from './referral-morning.js'

export interface HospitalOptions extends Hospital {
  readonly gatewayHost: string
  readonly gatewayPort: number
  /** Where the gateway's answers (RRI) arrive; 0 = any free port. */
  readonly port: number
  /** A message file or a folder of them; the invented morning when undefined. */
  readonly from: string | undefined
  readonly count: number
  readonly everyMs: number
}

export interface HospitalTwin extends Twin {
  /** Resolves when every referral has been acknowledged or given up. */
  readonly sent: Promise<void>
}

/** A message that was not acknowledged is sent again, byte for byte, this often. */
const ATTEMPTS = 30
const ANSWER_TIMEOUT_MS = 10_000

interface Outgoing {
  readonly controlId: string
  readonly referralId: string
  readonly bytes: Uint8Array
}

export async function startHospital(
  options: HospitalOptions,
  emit: Emit,
  deps: SimulateDeps,
): Promise<HospitalTwin> {
  const listener = await listen(options, emit, deps)
  const client = new MllpClient({
    host: options.gatewayHost,
    port: options.gatewayPort,
    answerTimeoutMs: ANSWER_TIMEOUT_MS,
  })
  const state = { isOpen: true }
  return {
    port: listener.port,
    sent: sendAll(messagesOf(options, deps), options, client, emit, state),
    close: async () => {
      state.isOpen = false
      client.close()
      await listener.close(0)
    },
  }
}

/** Answers AA to everything: what the gateway reports is noted, never judged. */
const listen = ({ port }: HospitalOptions, emit: Emit, { newId, now }: SimulateDeps) =>
  startMllpServer({
    host: '127.0.0.1',
    port,
    handle: (bytes) => {
      const message = parseMessage(bytes)
      emit('received', {
        messageId: message.get('MSH-10') ?? '',
        type: `${message.get('MSH-9.1') ?? ''}^${message.get('MSH-9.2') ?? ''}`,
        status: message.get('RF1-1.1') ?? '',
        referralId: message.get('RF1-6.1') ?? '',
        answers: message.get('MSA-2') ?? '',
      })
      const controlId = newId().replaceAll('-', '').slice(-20)
      return Promise.resolve(buildAck({ original: message, code: 'AA', controlId, now: now() }))
    },
    onReject: () => Promise.resolve(null),
    onError: (error) => emit('failed', { cause: error.message }),
  })

function messagesOf(options: HospitalOptions, { newId, now }: SimulateDeps): Outgoing[] {
  if (options.from === undefined) {
    const run = newId().replaceAll('-', '').slice(-8).toUpperCase()
    return Array.from({ length: options.count }, (_, index) => referral(index, run, new Date(now()), options))
  }
  return filesUnder(options.from).map((path) => {
    const bytes = readFileSync(path)
    const message = parseMessage(bytes)
    return { bytes, controlId: message.get('MSH-10') ?? '', referralId: message.get('RF1-6.1') ?? '' }
  })
}

function filesUnder(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path)
    .sort()
    .map((name) => join(path, name))
    .filter((file) => statSync(file).isFile() && /\.(hl7|txt)$/i.test(file))
}

async function sendAll(
  messages: readonly Outgoing[],
  { everyMs }: HospitalOptions,
  client: MllpClient,
  emit: Emit,
  state: { readonly isOpen: boolean },
): Promise<void> {
  let acknowledged = 0
  for (const message of messages) {
    if (!state.isOpen) return
    if (await sendUntilAnswered(message, client, emit, state)) acknowledged += 1
    await wait(everyMs)
  }
  emit('finished', { sent: messages.length, acknowledged })
}

/** True when the gateway took it (AA or CA). A refusal (AE, AR) is an answer too: it is not sent again. */
async function sendUntilAnswered(
  { controlId, referralId, bytes }: Outgoing,
  client: MllpClient,
  emit: Emit,
  state: { readonly isOpen: boolean },
): Promise<boolean> {
  for (let attempt = 1; state.isOpen && attempt <= ATTEMPTS; attempt++) {
    try {
      const answer = parseMessage(await client.send(bytes))
      const ack = answer.get('MSA-1') ?? ''
      emit('sent', { messageId: controlId, referralId, ack, attempt })
      return ack === 'AA' || ack === 'CA'
    } catch (thrown) {
      emit('not-sent', { messageId: controlId, referralId, fault: asFault(thrown).code, attempt })
      await wait(Math.min(200 * attempt, 2_000))
    }
  }
  return false
}

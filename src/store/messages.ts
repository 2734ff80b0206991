/** Messages that were taken, and inputs that were not. */
import { instantOf, type Instant } from '../terms/instant.js'
import type { Database } from './database.js'
import { faultOf } from './fault-of.js'
import type { IncomingMessage, Quarantined } from './types.js'

export interface KeptMessage {
  readonly generation: number
  readonly bodyHash: string
  readonly receivedAt: Instant
  readonly answer: Uint8Array | null
  readonly caseId: string
}

export const FIND_GENERATIONS = `select generation, body_hash, received_at, answer, case_id from message
  where sender = $1 and message_id = $2 order by generation desc`

interface MessageRow {
  readonly generation: number
  readonly body_hash: string
  readonly received_at: Date
  readonly answer: Buffer | null
  readonly case_id: string
}

/** Every message taken under this id, the latest first. */
export async function findGenerations(
  database: Database,
  { sender, messageId }: Pick<IncomingMessage, 'sender' | 'messageId'>,
): Promise<readonly KeptMessage[]> {
  const rows = await database.run<MessageRow>({
    name: 'find-generations',
    text: FIND_GENERATIONS,
    values: [sender, messageId],
  })
  return rows.map((row) => ({
    generation: row.generation,
    bodyHash: row.body_hash,
    receivedAt: instantOf(row.received_at),
    answer: row.answer,
    caseId: row.case_id,
  }))
}

export async function findAnswer(
  database: Database,
  sender: string,
  messageId: string,
  bodyHash: string,
): Promise<{ readonly answer: Uint8Array | null; readonly caseId: string } | undefined> {
  const known = await findGenerations(database, { sender, messageId })
  return known.find((kept) => kept.bodyHash === bodyHash)
}

/** The same bytes refused again add to the count of the first row: a sender that keeps trying fills no disk. */
export async function keepQuarantined(database: Database, input: Quarantined): Promise<void> {
  try {
    await database.kysely
      .insertInto('quarantine')
      .values({
        id: input.id,
        channel: input.channel,
        sender: storable(input.sender),
        message_id: input.messageId === null ? null : storable(input.messageId),
        received_at: input.receivedAt,
        last_received_at: input.receivedAt,
        raw: Buffer.from(input.raw),
        fault: input.fault,
        place: storable(input.where),
        reason: storable(input.text),
        answer: input.answer === null ? null : Buffer.from(input.answer),
      })
      .onConflict((conflict) =>
        conflict.constraint('quarantine_once').doUpdateSet((eb) => ({
          times: eb('quarantine.times', '+', 1),
          last_received_at: input.receivedAt,
        })),
      )
      .execute()
  } catch (thrown) {
    throw faultOf(thrown)
  }
}

/** Longer than any identifier a standard allows, shorter than what an index refuses. */
const MAX_TEXT_LENGTH = 500

/** Quarantine must take whatever came; PostgreSQL's text takes no NUL and its indexes nothing long. The raw bytes
 *  keep all of it. */
const storable = (text: string): string => text.slice(0, MAX_TEXT_LENGTH).replaceAll('\u0000', '\ufffd')

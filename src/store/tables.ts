/** The tables as Kysely knows them; `migrations/` creates them. */
import type { ColumnType, GeneratedAlways } from 'kysely'

type Json = ColumnType<unknown, string, string>

export interface Tables {
  readonly message: MessageTable
  readonly quarantine: QuarantineTable
  readonly case_event: CaseEventTable
  readonly resource: ResourceTable
  readonly resource_version: ResourceVersionView
  readonly delivery: DeliveryTable
  readonly receiver_state: ReceiverStateTable
  readonly deadline: DeadlineTable
}

interface MessageTable {
  id: string
  channel: string
  sender: string
  message_id: string
  /** 1, and one more each time a sender starts its message ids again. */
  generation: number
  body_hash: string
  kind: string
  raw: Buffer
  received_at: Date
  answer: Buffer | null
  case_id: string
}

interface QuarantineTable {
  id: string
  channel: string
  sender: string
  message_id: string | null
  received_at: ColumnType<Date, string, string>
  raw: Buffer
  raw_hash: GeneratedAlways<Buffer>
  fault: string
  place: string
  reason: string
  answer: Buffer | null
  times: ColumnType<number, number | undefined, number>
  last_received_at: ColumnType<Date, string, string>
}

interface CaseEventTable {
  case_id: string
  seq: number
  kind: string
  at: Date
  actor: Json
  data: Json
  hash: string
}

interface ResourceVersionView {
  type: string
  id: string
  version: number
  last_updated: Date
  case_id: string | null
  parties: string[]
  content: Json
  deleted: boolean
}

interface ResourceTable extends ResourceVersionView {
  status: string | null
  owner: string | null
  authored: Date | null
  name: string | null
  born: Date | null
  tokens: string[]
  index_version: number
}

interface DeliveryTable {
  id: string
  case_id: string
  seq: number
  receiver: string
  channel: string
  kind: string
  subject: string
  state: string
  due_at: Date
  created_at: Date
  context: Json
  attempts: number
  body: Buffer | null
  content_type: string | null
  headers: Json
  correlation: string | null
  may_have_arrived: boolean
  lease: string | null
  lease_until: Date | null
  last_cause: string | null
  settled_at: Date | null
}

interface ReceiverStateTable {
  receiver: string
  failures: number
  open_until: Date | null
}

interface DeadlineTable {
  id: string
  case_id: string
  kind: string
  due_at: Date
  subject: string
  settled_at: Date | null
  lease: string | null
  lease_until: Date | null
}

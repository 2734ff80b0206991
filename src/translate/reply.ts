/** The way out: a case -> the RRI message its sender gets, by mapping files under `out/`. */
import type { Organization, Patient, ServiceRequest, Task } from 'fhir/r4.js'
import { isScalar, isSeq } from 'yaml'
import type { Node } from 'yaml'
import { writeMessage } from '../codec/hl7v2/build.js'
import type { ComponentData, FieldData, SegmentData } from '../codec/hl7v2/build.js'
import { STANDARD_SEPARATORS } from '../codec/hl7v2/separators.js'
import { Fault } from '../terms/fault.js'
import type { Instant } from '../terms/instant.js'
import { mappingFault } from './position.js'
import type { Position } from './position.js'
import { lookUp, readTable } from './tables.js'
import type { Table } from './tables.js'
import { MappingFile } from './template.js'

export interface ReplyReason {
  readonly text: string
  readonly code?: string
  readonly system?: string
}

export interface ReplyParty {
  /** MSH-3 or MSH-5. */
  readonly application: string
  /** MSH-4 or MSH-6. */
  readonly facility: string
}

export interface ReplyInput {
  /** Trigger event of the message that is answered: `I12`. */
  readonly event: string
  /** HL7 version the receiver speaks: `2.4`. */
  readonly version: string
  /** MSH-10 of this reply. */
  readonly controlId: string
  readonly now: Instant
  /** MSH-11 of the message that is answered. */
  readonly processingId: string
  readonly sending: ReplyParty
  readonly receiving: ReplyParty
  /** MSH-10 of the message that is answered. */
  readonly originalControlId: string
  readonly serviceRequest: ServiceRequest
  /** Its status is the answer: accepted, rejected, or still open. */
  readonly task: Task
  readonly patient: Patient
  /** The service that answered. */
  readonly provider?: Organization
  readonly reasons: readonly ReplyReason[]
  /** Free text for a person at the sender's desk. */
  readonly notes: readonly string[]
}

/** ER7 in UTF-8. Throws Fault `mapping-failed` when the case lacks what every reply needs. */
export type ReplyWriter = (input: ReplyInput) => Uint8Array

type Read = (root: unknown, item: unknown) => string | undefined
type WriteField = (root: unknown, item: unknown) => FieldData
type WriteSegment = (root: unknown) => readonly SegmentData[]

/** Compiles the reply mapping among the files. Throws Fault `mapping-invalid` with file:line:column. */
export function createReplyWriter(mappings: ReadonlyMap<string, string>): ReplyWriter {
  // Most files are for the way in; parsing YAML is what a start spends most on.
  const files = [...mappings].filter(
    ([path, text]) => path.endsWith('.yaml') && /^(reply|table):/m.test(text),
  )
  const read = files.map(([path, text]) => new MappingFile(path, text))
  const tables = new Map(read.filter(({ root }) => root.has('table')).map((file) => named(readTable(file))))
  const reply = read.find(({ root }) => root.has('reply'))
  if (reply === undefined) {
    throw mappingFault({ file: 'mappings/hl7v2/out', line: 1, column: 1 }, 'No file declares "reply".')
  }
  const segments = new ReplyCompiler(reply, tables).segments()
  return (input) => {
    requireAnswerable(input)
    const written = segments.flatMap((write) => write(input))
    return Buffer.from(writeMessage(written, STANDARD_SEPARATORS), 'utf8')
  }
}

const named = (table: Table): [string, Table] => [table.name, table]

/** A reply that names no referral or message would close nothing at the sender's. */
function requireAnswerable({ controlId, originalControlId, serviceRequest }: ReplyInput): void {
  if (controlId === '' || originalControlId === '') {
    throw new Fault(
      'mapping-failed',
      'A reply needs its own control id and that of the message it answers.',
      'MSA-2',
    )
  }
  if ((serviceRequest.identifier ?? []).length === 0) {
    throw new Fault(
      'mapping-failed',
      "The case has no identifier of the sender's; the reply could not be matched.",
      'RF1-6',
    )
  }
}

class ReplyCompiler {
  constructor(
    private readonly file: MappingFile,
    private readonly tables: ReadonlyMap<string, Table>,
  ) {}

  segments(): readonly WriteSegment[] {
    const node = this.file.get(this.file.root, 'segments')
    if (!isSeq(node)) throw mappingFault(this.file.at(node), '"segments" is a list.')
    return node.items.map((item) => this.segment(item))
  }

  private segment(node: unknown): WriteSegment {
    const map = this.file.map(node, 'a segment')
    const name = this.file.text(this.file.get(map, 'segment'), 'the name of a segment')
    const eachNode = this.file.get(map, 'each')
    const each = eachNode === undefined ? undefined : pathOf(this.file.text(eachNode, 'a path'))
    const fields = this.file
      .pairs(this.file.map(this.file.get(map, 'fields'), 'fields'))
      .map(({ key, value }) => ({ n: Number(key), write: this.field(value) }))
    return (root) => {
      const items = each === undefined ? [root] : valuesAt(root, each)
      return items.map((item, index) => ({
        name,
        fields: Object.fromEntries(
          fields.map(({ n, write }) => [n, write(root, { item, number: index + 1 })]),
        ),
      }))
    }
  }

  /** One value, its components, or `each` with components for every repetition. */
  private field(node: Node): WriteField {
    if (isScalar(node)) return this.value(node)
    if (isSeq(node)) return this.components(node.items)
    const map = this.file.map(node, 'a field')
    const each = pathOf(this.file.text(this.file.get(map, 'each'), 'a path'))
    const parts = this.file.get(map, 'components')
    if (!isSeq(parts)) throw mappingFault(this.file.at(parts), '"components" is a list.')
    const write = this.components(parts.items)
    return (root, outer) => ({
      repetitions: valuesAt(itemRoot(root, outer), each).map((item, index) =>
        write(root, { item, number: index + 1 }),
      ),
    })
  }

  private components(nodes: readonly unknown[]): (root: unknown, item: unknown) => readonly ComponentData[] {
    const parts = nodes.map((node) => this.value(node))
    return (root, item) => parts.map((part) => part(root, item))
  }

  private value(node: unknown): Read {
    const at = this.file.at(node)
    const text = this.file.text(node, 'a value')
    if (isScalar(node) && node.type !== 'PLAIN') return () => text
    const options = text.split('??').map((option) => this.pipe(option.trim(), at))
    return (root, item) => {
      for (const option of options) {
        const value = option(root, item)
        if (value !== undefined) return value
      }
      return undefined
    }
  }

  private pipe(text: string, at: Position): Read {
    const [path = '', ...calls] = text.split('|').map((part) => part.trim())
    if (!/^[A-Za-z][A-Za-z0-9]*(\[\d+\])?(\.[A-Za-z][A-Za-z0-9]*(\[\d+\])?)*$/.test(path)) {
      throw mappingFault(at, `"${path}" is not a path such as patient.name[0].family.`)
    }
    const keys = pathOf(path)
    const changes = calls.map((call) => this.change(call, at))
    return (root, item) => {
      const found = valuesAt(itemRoot(root, item), keys)[0]
      const first = typeof found === 'string' || typeof found === 'number' ? String(found) : undefined
      return changes.reduce<string | undefined>(
        (value, change) => (value === undefined ? value : change(value)),
        first,
      )
    }
  }

  private change(call: string, at: Position): (text: string) => string | undefined {
    const [name = '', argument = ''] = call.split(/\s+/)
    if (name === 'hl7Time') return hl7Time
    if (name === 'oid') return (text) => /^urn:oid:(.+)$/.exec(text)?.[1]
    if (name === 'table') {
      const table = this.tables.get(argument)
      if (table === undefined) throw mappingFault(at, `There is no table "${argument}" in tables/.`)
      return (text) => lookUp(table, text) ?? table.unknown?.value
    }
    throw mappingFault(at, `"${name}" is not a function of replies; use hl7Time, oid or table.`)
  }
}

/** `2026-11-21T09:30:00.000Z` -> `20261121093000+0000`; a date keeps its precision. */
function hl7Time(text: string): string | undefined {
  const match = /^(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d))?$/.exec(
    text,
  )
  if (match === null) return undefined
  const [, ...parts] = match
  const zone = parts.pop()
  const digits = parts.map((part) => part ?? '').join('')
  return zone === undefined ? digits : digits + (zone === 'Z' ? '+0000' : zone.replace(':', ''))
}

const pathOf = (path: string): readonly string[] => path.split('.')

/** `item.…` and `number` speak of the repetition in hand, anything else of the reply. */
const itemRoot = (root: unknown, item: unknown): unknown => ({ ...(root as object), ...(item as object) })

/** Values at a path; lists are walked through unless an index picks one. */
function valuesAt(root: unknown, path: readonly string[]): readonly unknown[] {
  let values: readonly unknown[] = [root]
  for (const step of path) {
    const [, name = step, index] = /^(\w+)\[(\d+)\]$/.exec(step) ?? []
    values = values.flatMap((value) => {
      const child = (value as Readonly<Record<string, unknown>> | null)?.[name]
      if (!Array.isArray(child)) return child === undefined || child === null ? [] : [child]
      const list: readonly unknown[] = child
      return index === undefined ? list : list.slice(Number(index), Number(index) + 1)
    })
  }
  return values
}

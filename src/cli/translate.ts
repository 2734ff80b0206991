/** `onedoor translate`: messages from files to FHIR, one JSON line each, without a database. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Bundle } from 'fhir/r4.js'
import { buildAck } from '../codec/hl7v2/ack.js'
import type { AckError } from '../codec/hl7v2/ack.js'
import { isBatch, splitBatch } from '../codec/hl7v2/batch.js'
import type { Message } from '../codec/hl7v2/message.js'
import { parseMessage } from '../codec/hl7v2/parse.js'
import { controlIdOf } from '../terms/control-id.js'
import { asFault, FAULTS } from '../terms/fault.js'
import type { AckCode, Fault, FaultCode } from '../terms/fault.js'
import type { Instant } from '../terms/instant.js'
import { isError } from '../terms/issue.js'
import type { Issue } from '../terms/issue.js'
import type { Ledger, TranslateContext, Translator } from '../translate/translation.js'

export interface TranslateOptions {
  /** Files and folders; `-` reads standard input. */
  readonly paths: readonly string[]
  /** Sender whose overlays and zone apply; MSH-3 and MSH-4 decide when absent. */
  readonly source?: string
  /** Print only the indented bundle of one file. */
  readonly bundleOnly: boolean
}

export interface TranslateDeps {
  readonly translator: Translator
  /** Zone and overlays of a sender, by `--source` or by what its MSH says. */
  readonly contextOf: (source: string | undefined, message: Message) => TranslateContext
  readonly validate: (bundle: Bundle) => readonly Issue[]
  readonly now: () => Instant
  readonly newId: () => string
  readonly write: (text: string) => void
}

interface Line {
  readonly file: string
  readonly ok: boolean
  readonly channel: 'hl7v2'
  readonly messageType: string
  readonly mapping: string | null
  readonly bundle: Bundle | null
  readonly ledger: Ledger | null
  readonly issues: readonly Issue[]
  readonly ack: string
}

/** Exit code: 0 when every message was translated, else 1. */
export async function runTranslate(options: TranslateOptions, deps: TranslateDeps): Promise<number> {
  let failed = false
  for (const file of options.paths.flatMap(filesAt)) {
    for (const line of translateFile(file, options.source, deps)) {
      if (!line.ok) failed = true
      deps.write(`${options.bundleOnly ? JSON.stringify(line.bundle, null, 2) : JSON.stringify(line)}\n`)
      // Lets output drain between messages of a large folder.
      await Promise.resolve()
    }
  }
  return failed ? 1 : 0
}

/** A folder's files, recursively and by name; index.json and expected results are no messages. */
function filesAt(path: string): readonly string[] {
  if (path === '-' || !isFolder(path)) return [path]
  return readdirSync(path)
    .sort()
    .filter((name) => name !== 'index.json' && !name.endsWith('.expected.json') && !name.startsWith('.'))
    .flatMap((name) => filesAt(join(path, name)))
}

/** A path that cannot be looked at is reported when it is read. */
function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function* translateFile(file: string, source: string | undefined, deps: TranslateDeps): Generator<Line> {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(file === '-' ? 0 : file)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const issue: Issue = {
      severity: 'error',
      code: 'not-found',
      where: basename(file),
      text: `The file cannot be read (${code ?? 'unknown cause'}); expected an HL7 v2 message.`,
    }
    yield refused(file, undefined, [issue], 'AR', [], deps)
    return
  }
  for (const part of partsOf(bytes)) yield translateBytes(file, part, source, deps)
}

/** A batch as its messages; one that holds none is answered as it stands. */
function partsOf(bytes: Uint8Array): readonly Uint8Array[] {
  try {
    return isBatch(bytes) ? splitBatch(bytes).messages.map((message) => message.bytes) : [bytes]
  } catch {
    return [bytes]
  }
}

function translateBytes(
  file: string,
  bytes: Uint8Array,
  source: string | undefined,
  deps: TranslateDeps,
): Line {
  let message: Message
  try {
    message = parseMessage(bytes)
  } catch (thrown) {
    return refusedBy(file, bytes, asFault(thrown), deps)
  }
  const translation = deps.translator.translate(message, deps.contextOf(source, message))
  const found = translation.bundle === null ? [] : deps.validate(translation.bundle)
  const issues = [...translation.issues, ...found.filter(isError)]
  const { bundle, ledger, messageType, mapping } = translation
  const failed = !translation.ok || issues.some(isError)
  return {
    file,
    ok: !failed,
    channel: 'hl7v2',
    messageType,
    mapping,
    bundle: failed ? null : bundle,
    ledger: failed ? null : ledger,
    issues,
    ack: ackFor(message, failed ? issues.filter(isError) : [], deps),
  }
}

function refusedBy(file: string, bytes: Uint8Array, fault: Fault, deps: TranslateDeps): Line {
  const { issue: code, ack, err } = fault.meaning
  const issue: Issue = { severity: 'error', code, where: fault.where, text: fault.message }
  const error: AckError = { location: fault.where, hl7Code: err, severity: 'E', text: fault.message }
  return refused(file, bytes, [issue], ack ?? 'AE', [error], deps)
}

function refused(
  file: string,
  original: Uint8Array | undefined,
  issues: readonly Issue[],
  code: AckCode,
  errors: readonly AckError[],
  deps: TranslateDeps,
): Line {
  const answer = { code, controlId: controlIdOf(deps.newId()), now: deps.now(), errors }
  const ack = buildAck(original === undefined ? answer : { ...answer, original })
  return {
    file,
    ok: false,
    channel: 'hl7v2',
    messageType: '',
    mapping: null,
    bundle: null,
    ledger: null,
    issues,
    ack: Buffer.from(ack).toString('utf8'),
  }
}

/** The answer the gateway would give: the first error decides, as it does there. */
function ackFor(original: Message, found: readonly Issue[], deps: TranslateDeps): string {
  const [first] = found
  const errors = found.map((issue): AckError => ({
    location: issue.where,
    hl7Code: meaningOf(issue).err,
    severity: 'E',
    text: issue.text,
  }))
  const ack = buildAck({
    original,
    code: first === undefined ? 'AA' : (meaningOf(first).ack ?? 'AE'),
    controlId: controlIdOf(deps.newId()),
    now: deps.now(),
    errors,
  })
  return Buffer.from(ack).toString('utf8')
}

/** A refusal's own meaning, else that of an invalid resource. */
const meaningOf = ({ code }: Issue) =>
  // Checked by `in`.
  FAULTS[code in FAULTS ? (code as FaultCode) : 'resource-invalid']

/** The translator: mapping files compiled once, then message -> FHIR message bundle with its ledger. */
import type { Bundle } from 'fhir/r4.js'
import { bodyHash } from '../codec/hl7v2/fingerprint.js'
import type { Message } from '../codec/hl7v2/message.js'
import { Fault } from '../terms/fault.js'
import type { Issue } from '../terms/issue.js'
import { uuidV5 } from '../terms/uuid.js'
import { isZone } from '../terms/zone.js'
import type { ElementCatalogue } from './catalogue.js'
import { carriedText, fatesOf, newMarks, settle, settleLeaves, tracePaths } from './ledger.js'
import type { Marks } from './ledger.js'
import { readLibrary } from './library.js'
import type { Library } from './library.js'
import { withOverlay } from './overlay.js'
import { compileLibrary } from './program.js'
import type { Program } from './program.js'
import { Run } from './run.js'
import type { Made, Scope } from './run.js'
import { Source } from './source.js'
import type { DropReason, Fate, TranslateContext, Translation, Translator } from './translation.js'

/** Namespace of every id made here: UUIDv5 of `https://onedoor.dev/fhir/translate` in the URL namespace. */
const NAMESPACE = uuidV5('6ba7b811-9dad-11d1-80b4-00c04fd430c8', 'https://onedoor.dev/fhir/translate')

export interface TranslatorOptions {
  /** File path -> text. Paths appear in errors. */
  readonly mappings: ReadonlyMap<string, string>
  readonly catalogue: ElementCatalogue
}

/** Compiles everything, each overlay by itself too, so that a wrong file stops the start and not a message.
 *  Throws Fault `mapping-invalid` with file:line:column. */
export function createTranslator({ mappings, catalogue }: TranslatorOptions): Translator {
  const library = readLibrary(mappings)
  const compiled = new Map<string, ReadonlyMap<string, Program>>()
  const programsFor = (overlays: readonly string[]): ReadonlyMap<string, Program> => {
    const key = overlays.join('\n')
    let programs = compiled.get(key)
    if (programs === undefined) {
      programs = compileLibrary(laidOver(library, overlays), catalogue)
      compiled.set(key, programs)
    }
    return programs
  }
  const base = programsFor([])
  for (const overlay of library.overlays.keys()) programsFor([overlay])
  return {
    overlays: [...library.overlays.keys()],
    messageTypes: [...base.keys()].filter((type) => type !== '*'),
    translate: (message, context) => translate(message, context, programsFor(context.overlays)),
  }
}

function laidOver(library: Library, overlays: readonly string[]): Library {
  return overlays.reduce((result, name) => {
    const overlay = library.overlays.get(name)
    if (overlay === undefined) {
      const known = [...library.overlays.keys()].join(', ')
      throw new Fault('mapping-invalid', `There is no overlay "${name}"; there are: ${known}.`, name)
    }
    return withOverlay(result, overlay)
  }, library)
}

function translate(
  message: Message,
  context: TranslateContext,
  programs: ReadonlyMap<string, Program>,
): Translation {
  const { messageType } = message
  const program = programs.get(messageType) ?? programs.get('*')
  const common = { channel: 'hl7v2', messageType, mapping: program?.name ?? null } as const
  try {
    if (program === undefined) throw unsupported(messageType)
    if (!isZone(context.timeZone)) {
      throw new Fault('config-invalid', 'The time zone of the sender is not an IANA zone.', context.timeZone)
    }
    const idOf = idMaker(message, context)
    const run = mapped(message, context, program, idOf)
    const marks = newMarks(run.source)
    const finished = finish(run, program, marks, idOf)
    return {
      ...common,
      ok: true,
      action: program.actionOf(run),
      bundle: finished.bundle,
      ledger: finished.ledger,
      issues: run.issues,
      fates: () => fates(message, context, program, idOf),
    }
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    return {
      ...common,
      ok: false,
      action: null,
      bundle: null,
      ledger: null,
      issues: [...message.doubts, issueOf(thrown)],
      fates: () => new Map(),
    }
  }
}

const unsupported = (type: string): Fault =>
  new Fault('message-type-unsupported', `No mapping takes messages of type ${type}.`, 'MSH-9')

const issueOf = (fault: Fault): Issue => ({
  severity: 'error',
  code: fault.code,
  where: fault.where,
  text: fault.message,
})

type IdOf = (name: string, scope: Scope) => string

/** The same message from the same sender makes the same ids, for ever. */
function idMaker(message: Message, context: TranslateContext): IdOf {
  const seed = `${context.sourceId}\n${message.controlId ?? ''}\n${bodyHash(message)}`
  return (name, scope) => uuidV5(NAMESPACE, `${seed}\n${name}@${scope.parent === null ? '' : scope.first}`)
}

/** Everything the templates make, values still tracked. Throws Fault when the message is refused. */
function mapped(message: Message, context: TranslateContext, program: Program, idOf: IdOf): Run {
  const run = new Run(new Source(message), context)
  for (const rule of program.refusals) {
    if (rule.applies(run)) throw new Fault(rule.fault, rule.text, rule.where)
  }
  markDrops(run, program)
  program.make(run, idOf)
  for (const need of program.requirements) {
    if (run.madeAs(need.resource).length === 0) {
      throw new Fault('required-missing', need.text, need.where)
    }
  }
  for (const rule of program.advice) {
    if (rule.applies(run)) {
      run.issues.push({ severity: 'warning', code: 'incomplete', where: rule.where, text: rule.text })
    }
  }
  return run
}

/** Elements the mapping leaves out on purpose. A leaf that stands in the bundle after all counts as mapped. */
function markDrops(run: Run, program: Program): void {
  for (const { path, reason } of program.drops) {
    for (const segment of run.source.segments(path.name)) {
      for (
        let i = run.source.firstOf(segment, path.field);
        i >= 0 && isInField(run, i, segment, path.field);
        i++
      ) {
        if (path.component === 0 || run.source.leaves[i]!.component === path.component)
          run.drops.set(i, reason)
      }
    }
  }
}

const isInField = (run: Run, leaf: number, segment: number, field: number): boolean => {
  const found = run.source.leaves[leaf]
  return found?.segmentIndex === segment && found.field === field
}

function finish(run: Run, program: Program, marks: Marks, idOf: IdOf) {
  const head = settle(program.bundle(run), marks) as Record<string, unknown> | undefined
  const entries = new Map(run.made.map((made) => [made, entryOf(made, marks)]))
  const { ledger, carried } = settleLeaves(run, marks, nullReason(program, run))
  if (carried.length > 0) addRemainder(run, program, marks, entries, carriedText(run.source, carried), idOf)
  noteZone(run)
  const ordered = [...entries].sort(([a], [b]) => rankOf(a, program) - rankOf(b, program))
  // The templates were checked against the definitions when they were compiled.
  const bundle = {
    resourceType: 'Bundle',
    ...head,
    type: 'message',
    entry: ordered.map(([, entry]) => entry),
  } as unknown as Bundle
  return { bundle, ledger }
}

/** HL7 null means: delete. There is nothing to delete in a case that is only being opened. */
const nullReason = (program: Program, run: Run): DropReason =>
  program.actionOf(run) === 'amend' ? 'null-deletes' : 'null-on-create'

const rankOf = (made: Made, program: Program): number => (made.name === program.header ? 0 : 1)

interface Entry {
  readonly fullUrl: string
  readonly resource: Record<string, unknown>
}

function entryOf(made: Made, marks: Marks): Entry {
  const body = settle(made.body, marks) as Record<string, unknown>
  return { fullUrl: `urn:uuid:${made.id}`, resource: { resourceType: made.type, id: made.id, ...body } }
}

/** A resource with the carried text, and the references that lead a reader to it. */
function addRemainder(
  run: Run,
  program: Program,
  marks: Marks,
  entries: Map<Made, Entry>,
  text: string,
  idOf: IdOf,
): void {
  const { name, type, build, linkedFrom } = program.remainder
  run.with = text
  const body = build(run)
  run.with = undefined
  if (body === undefined) return
  const made = { name, type, id: idOf(name, run.scope), scope: run.scope, labels: [], body }
  entries.set(made, entryOf(made, marks))
  for (const [other, { resource }] of entries) {
    for (const link of linkedFrom) {
      if (link.resource !== other.name) continue
      const known = (resource[link.element] ?? []) as unknown[]
      resource[link.element] = [...known, { reference: `urn:uuid:${made.id}` }]
    }
  }
}

function noteZone(run: Run): void {
  if (run.zoned === 0) return
  const text = `${run.zoned} time(s) without an offset were read as ${run.context.timeZone}, the first one here.`
  run.issues.push({ severity: 'information', code: 'informational', where: run.firstZoned, text })
}

/** Maps the message once more with the places kept: the same message makes the same bundle. */
function fates(
  message: Message,
  context: TranslateContext,
  program: Program,
  idOf: IdOf,
): ReadonlyMap<string, Fate> {
  const run = mapped(message, context, program, idOf)
  const places = new Map<number, string[]>()
  tracePaths(program.bundle(run), 'Bundle', places)
  const counts = new Map<string, number>()
  for (const made of run.made) {
    const n = counts.get(made.type) ?? 0
    counts.set(made.type, n + 1)
    tracePaths(made.body, n === 0 ? made.type : `${made.type}[${n}]`, places)
  }
  return fatesOf(run, places, nullReason(program, run), program.remainder.type)
}

/** All mapping files of a deployment, read once: data types, resources, tables, messages, overlays. */
import { isMap, isSeq } from 'yaml'
import type { Node, YAMLMap } from 'yaml'
import { parsePath } from './expression.js'
import type { Expression, PathExpression } from './expression.js'
import { FAULTS } from '../terms/fault.js'
import type { FaultCode } from '../terms/fault.js'
import { readStructure } from './groups.js'
import type { Structure } from './groups.js'
import { mappingFault } from './position.js'
import type { Position } from './position.js'
import { readTable } from './tables.js'
import type { Table } from './tables.js'
import { MappingFile } from './template.js'
import type { ObjectTemplate } from './template.js'
import { CASE_ACTIONS, DROP_REASONS } from './translation.js'
import type { CaseAction, DropReason } from './translation.js'

export interface ResourceMapping {
  readonly makes: string
  /** Segment or group: one resource for each. */
  readonly each?: string
  readonly when?: Expression
  /** Values by which references choose among several (`references provider 'RT'`). */
  readonly label?: Expression
  readonly template: ObjectTemplate
  readonly at: Position
}

export interface DatatypeMapping {
  readonly makes: string
  readonly template: ObjectTemplate
}

/** A condition under which a message is refused before anything is made. */
export interface Refusal {
  readonly when: Expression
  readonly fault: FaultCode
  readonly where: string
  readonly text: string
}

/** A resource without which the message is refused after mapping. */
export interface Requirement {
  readonly resource: string
  readonly where: string
  readonly text: string
}

/** A warning about the message as a whole. */
export interface Advice {
  readonly when: Expression
  readonly where: string
  readonly text: string
}

export type Step =
  | { readonly kind: 'make'; readonly resource: string; readonly at: Position }
  | { readonly kind: 'group'; readonly each: string; readonly steps: readonly Step[]; readonly at: Position }

export interface DroppedElement {
  readonly path: PathExpression
  readonly reason: DropReason
}

export interface MessageMapping {
  readonly name: string
  /** `REF^I12`; `*` for the mapping of every type without one of its own. */
  readonly types: readonly string[]
  /** Message type -> what it does to a case. A type without one is understood, but moves no case. */
  readonly actions: ReadonlyMap<string, CaseAction>
  /** Decides over `actions` where it gives a value (ORC-1 = CA cancels). */
  readonly actionBy?: Expression
  readonly refuse: readonly Refusal[]
  readonly require: readonly Requirement[]
  readonly advise: readonly Advice[]
  readonly bundle: ObjectTemplate
  readonly steps: readonly Step[]
  /** The resource that stands first in the bundle. */
  readonly header: string
  /** Resource that carries what has no element of its own, and the elements that point to it. */
  readonly remainder: {
    readonly resource: string
    readonly linkedFrom: readonly { resource: string; element: string }[]
  }
  readonly drop: readonly DroppedElement[]
  readonly at: Position
}

export interface Overlay {
  readonly name: string
  readonly file: MappingFile
}

export interface Library {
  readonly datatypes: ReadonlyMap<string, DatatypeMapping>
  readonly resources: ReadonlyMap<string, ResourceMapping>
  readonly tables: ReadonlyMap<string, Table>
  readonly messages: readonly MessageMapping[]
  readonly overlays: ReadonlyMap<string, Overlay>
  readonly structure: Structure
}

/** Files under `out/` belong to the reply writer and are not read here. */
export function readLibrary(files: ReadonlyMap<string, string>): Library {
  const datatypes = new Map<string, DatatypeMapping>()
  const resources = new Map<string, ResourceMapping>()
  const tables = new Map<string, Table>()
  const messages: MessageMapping[] = []
  const overlays = new Map<string, Overlay>()
  let structure: Structure | undefined
  for (const [path, text] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!/\.ya?ml$/.test(path)) continue
    const file = new MappingFile(path, text)
    const { root } = file
    if (root.has('overlay')) {
      const name = file.text(file.get(root, 'overlay'), 'the name of an overlay')
      overlays.set(name, { name, file })
    } else if (root.has('datatype')) {
      const name = file.text(file.get(root, 'datatype'), 'the name of a data type')
      datatypes.set(name, readDatatype(file))
    } else if (root.has('resources')) addResources(resources, file)
    else if (root.has('table')) {
      const table = readTable(file)
      tables.set(table.name, table)
    } else if (root.has('message')) messages.push(readMessage(file))
    else if (root.has('structure')) structure = readStructure(file)
    else if (!root.has('reply')) {
      const keys = 'datatype, resources, table, message, overlay, structure or reply'
      throw mappingFault(file.at(root), `The file has none of the keys ${keys}.`)
    }
  }
  if (structure === undefined) {
    throw mappingFault({ file: 'mappings', line: 1, column: 1 }, 'No file declares "structure".')
  }
  return { datatypes, resources, tables, messages, overlays, structure }
}

function readDatatype(file: MappingFile): DatatypeMapping {
  const { root } = file
  return {
    makes: file.text(file.get(root, 'makes'), '"makes"'),
    template: file.object(file.map(file.get(root, 'template'), 'template')),
  }
}

function addResources(resources: Map<string, ResourceMapping>, file: MappingFile): void {
  for (const { key, value, at } of file.pairs(file.map(file.get(file.root, 'resources'), 'resources'))) {
    if (resources.has(key)) throw mappingFault(at, `Resource "${key}" is defined twice.`)
    resources.set(key, readResource(file, file.map(value, 'a resource'), at))
  }
}

function readResource(file: MappingFile, map: YAMLMap, at: Position): ResourceMapping {
  const optional = (key: string): Node | undefined => file.get(map, key)
  const each = optional('each')
  const when = optional('when')
  const label = optional('label')
  return {
    makes: file.text(optional('makes'), '"makes"'),
    template: file.object(file.map(optional('template'), 'template')),
    at,
    ...(each === undefined ? {} : { each: file.text(each, 'a segment or group') }),
    ...(when === undefined ? {} : { when: file.expression(when) }),
    ...(label === undefined ? {} : { label: file.expression(label) }),
  }
}

function readMessage(file: MappingFile): MessageMapping {
  const { root } = file
  const actionBy = file.get(root, 'actionBy')
  const remainder = file.map(file.get(root, 'remainder'), 'remainder')
  const links = file.texts(file.get(remainder, 'linkedFrom'), 'resource.element')
  return {
    name: file.text(file.get(root, 'message'), 'the name of the mapping'),
    types: file.texts(file.get(root, 'types'), 'message types'),
    actions: readActions(file),
    ...(actionBy === undefined ? {} : { actionBy: file.expression(actionBy) }),
    refuse: rules(file, 'refuse').map((rule) => readRefusal(file, rule)),
    require: rules(file, 'require').map((rule) => ({
      resource: file.text(file.get(rule, 'resource'), 'a resource'),
      ...place(file, rule),
    })),
    advise: rules(file, 'advise').map((rule) => ({
      when: file.expression(file.get(rule, 'when')),
      ...place(file, rule),
    })),
    bundle: file.object(file.map(file.get(root, 'bundle'), 'bundle')),
    steps: readSteps(file, file.get(root, 'make')),
    header: file.text(file.get(root, 'header'), 'the resource that stands first'),
    remainder: {
      resource: file.text(file.get(remainder, 'resource'), 'a resource'),
      linkedFrom: links.map((link) => readLink(file, link, remainder)),
    },
    drop: readDrops(file),
    at: file.at(root),
  }
}

function readActions(file: MappingFile): ReadonlyMap<string, CaseAction> {
  const node = file.get(file.root, 'actions')
  if (node === undefined) return new Map()
  const pairs = file.pairs(file.map(node, 'actions'))
  return new Map(
    pairs.map(({ key, value }) => [key, actionNamed(file.text(value, 'an action'), file.at(value))]),
  )
}

export function actionNamed(text: string, at: Position): CaseAction {
  const action = CASE_ACTIONS.find((known) => known === text)
  if (action === undefined)
    throw mappingFault(at, `"${text}" is no action; expected one of ${CASE_ACTIONS.join(', ')}.`)
  return action
}

function rules(file: MappingFile, key: string): readonly YAMLMap[] {
  const node = file.get(file.root, key)
  if (node === undefined) return []
  if (!isSeq(node)) throw mappingFault(file.at(node), `"${key}" is a list.`)
  return node.items.map((item) => file.map(item, 'a rule'))
}

const place = (file: MappingFile, rule: YAMLMap): { where: string; text: string } => ({
  where: file.text(file.get(rule, 'where'), '"where"'),
  text: file.text(file.get(rule, 'text'), '"text"'),
})

function readRefusal(file: MappingFile, rule: YAMLMap): Refusal {
  const node = file.get(rule, 'fault')
  const fault = file.text(node, 'a fault code')
  if (!(fault in FAULTS)) throw mappingFault(file.at(node), `"${fault}" is not in the fault catalogue.`)
  // Checked on the line above.
  return { when: file.expression(file.get(rule, 'when')), fault: fault as FaultCode, ...place(file, rule) }
}

function readSteps(file: MappingFile, node: unknown): readonly Step[] {
  if (!isSeq(node)) throw mappingFault(file.at(node), '"make" is a list of resources and groups.')
  return node.items.map((item): Step => {
    const at = file.at(item)
    if (!isMap(item)) return { kind: 'make', resource: file.text(item, 'a resource'), at }
    const each = file.text(file.get(item, 'each'), 'a segment or group')
    return { kind: 'group', each, steps: readSteps(file, file.get(item, 'make')), at }
  })
}

function readLink(file: MappingFile, link: string, node: unknown): { resource: string; element: string } {
  const [resource = '', element] = link.split('.')
  if (element === undefined) throw mappingFault(file.at(node), `"${link}" is not resource.element.`)
  return { resource, element }
}

function readDrops(file: MappingFile): readonly DroppedElement[] {
  const node = file.get(file.root, 'drop')
  if (node === undefined) return []
  return file.pairs(file.map(node, 'drop')).flatMap(({ key, value, at }) => {
    const reason = DROP_REASONS.find((known) => known === key)
    if (reason === undefined)
      throw mappingFault(at, `"${key}" is not a reason; use ${DROP_REASONS.join(', ')}.`)
    const items = isSeq(value) ? value.items : [value]
    return items.map((item) => ({ path: parsePath(file.text(item, 'a path'), file.at(item)), reason }))
  })
}

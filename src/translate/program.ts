/** A message mapping as closures: what is refused, what is made in which order, what is left out and why. */
import { Compiler } from './compile.js'
import type { ElementCatalogue } from './catalogue.js'
import type { FaultCode } from '../terms/fault.js'
import { groupNamed, scopesOf, segmentScopes } from './groups.js'
import type { Group } from './groups.js'
import type {
  DroppedElement,
  Library,
  MessageMapping,
  Requirement,
  ResourceMapping,
  Step,
} from './library.js'
import { actionNamed } from './library.js'
import { mappingFault } from './position.js'
import type { CaseAction } from './translation.js'
import type { Run, Scope } from './run.js'
import { textOf } from './tracked.js'
import type { Value } from './tracked.js'

export interface Program {
  readonly name: string
  /** What the message does to a case; null when it does nothing to one. */
  readonly actionOf: (run: Run) => CaseAction | null
  readonly refusals: readonly {
    readonly applies: (run: Run) => boolean
    readonly fault: FaultCode
    readonly where: string
    readonly text: string
  }[]
  readonly advice: readonly {
    readonly applies: (run: Run) => boolean
    readonly where: string
    readonly text: string
  }[]
  readonly requirements: readonly Requirement[]
  /** Makes every resource; `run.made` holds them. */
  readonly make: (run: Run, idOf: (name: string, scope: Scope) => string) => void
  readonly bundle: (run: Run) => { [key: string]: Value } | undefined
  readonly header: string
  readonly remainder: {
    readonly name: string
    readonly type: string
    readonly build: (run: Run) => { [key: string]: Value } | undefined
    readonly linkedFrom: readonly { readonly resource: string; readonly element: string }[]
  }
  readonly drops: readonly DroppedElement[]
}

type Make = (run: Run, idOf: (name: string, scope: Scope) => string) => void

/** Programs by message type, and the one under `*`. */
export function compileLibrary(library: Library, catalogue: ElementCatalogue): ReadonlyMap<string, Program> {
  const resources = new Set(library.resources.keys())
  const compiler = new Compiler({ ...library, resources, catalogue })
  const programs = new Map<string, Program>()
  for (const message of library.messages) {
    const program = compileMessage(message, library, compiler)
    for (const type of message.types) {
      if (programs.has(type)) throw mappingFault(message.at, `Two mappings claim ${type}.`)
      programs.set(type, program)
    }
  }
  return programs
}

function compileMessage(message: MessageMapping, library: Library, compiler: Compiler): Program {
  const { resource, linkedFrom } = message.remainder
  const rest = resourceNamed(library, resource, message)
  for (const link of linkedFrom) resourceNamed(library, link.resource, message)
  const steps = message.steps.map((step) => compileStep(step, library, compiler))
  return {
    name: message.name,
    actionOf: actionReader(message, compiler),
    refusals: message.refuse.map((rule) => ({ ...rule, applies: compiler.condition(rule.when) })),
    advice: message.advise.map((rule) => ({ ...rule, applies: compiler.condition(rule.when) })),
    requirements: message.require,
    make: (run, idOf) => {
      for (const step of steps) step(run, idOf)
    },
    bundle: compiler.resource(message.bundle, 'Bundle'),
    header: message.header,
    remainder: {
      name: resource,
      type: rest.makes,
      build: compiler.resource(rest.template, rest.makes),
      linkedFrom,
    },
    drops: message.drop,
  }
}

function actionReader(message: MessageMapping, compiler: Compiler): (run: Run) => CaseAction | null {
  const decided = message.actionBy === undefined ? undefined : compiler.value(message.actionBy)
  return (run) => {
    const text = textOf(decided?.(run))
    if (text !== undefined) return actionNamed(text, message.at)
    return message.actions.get(run.source.message.messageType) ?? null
  }
}

function resourceNamed(library: Library, name: string, message: MessageMapping): ResourceMapping {
  const found = library.resources.get(name)
  if (found === undefined) throw mappingFault(message.at, `No resource is named "${name}".`)
  return found
}

function compileStep(step: Step, library: Library, compiler: Compiler): Make {
  if (step.kind === 'group') {
    const group = groupNamed(library.structure, step.each, step.at)
    const inner = step.steps.map((each) => compileStep(each, library, compiler))
    return (run, idOf) => {
      for (const scope of scopesOf(run, group)) {
        run.inScope(scope, () => {
          for (const make of inner) make(run, idOf)
        })
      }
    }
  }
  const mapping = library.resources.get(step.resource)
  if (mapping === undefined) throw mappingFault(step.at, `No resource is named "${step.resource}".`)
  return compileResource(step.resource, mapping, library, compiler)
}

function compileResource(name: string, mapping: ResourceMapping, library: Library, compiler: Compiler): Make {
  const build = compiler.resource(mapping.template, mapping.makes)
  const when = mapping.when === undefined ? undefined : compiler.condition(mapping.when)
  const label = mapping.label === undefined ? undefined : compiler.value(mapping.label)
  const one: Make = (run, idOf) => {
    if (when !== undefined && !when(run)) return
    const body = build(run)
    if (body === undefined) return
    const labels = label === undefined ? [] : [label(run)].flat().map((value) => textOf(value) ?? '')
    run.add({ name, type: mapping.makes, id: idOf(name, run.scope), scope: run.scope, labels, body })
  }
  if (mapping.each === undefined) return one
  const declared = library.structure.groups.get(mapping.each)
  if (declared !== undefined) return eachGroup(declared, one)
  const { trailing } = library.structure
  const members = groupNamed(library.structure, mapping.each, mapping.at).members
  const segment = mapping.each
  return (run, idOf) => {
    for (const scope of segmentScopes(run, segment, members, trailing)) {
      run.inScope(scope, () => one(run, idOf))
    }
  }
}

const eachGroup =
  (group: Group, one: Make): Make =>
  (run, idOf) => {
    for (const scope of scopesOf(run, group)) run.inScope(scope, () => one(run, idOf))
  }

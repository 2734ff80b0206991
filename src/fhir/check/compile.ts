/** Compiles structure definitions to checks, each on first use and once. */
import type { Definitions } from '../definitions.js'
import { splitCanonical } from '../definitions.js'
import { lazily, type Checkers } from './checkers.js'
import { checkNarrative } from './narrative.js'
import { compileBesidePrimitive, compileType } from './object.js'
import { checkPrimitive, isPrimitive, kindOf } from './primitives.js'
import { compileContent } from './profile.js'
import { checkResource } from './resource.js'
import { isObject, type Check } from './run.js'

export function createCheckers(definitions: Definitions): Checkers {
  const types = new Map<string, Check>()
  const resources = new Map<string, Check>()
  const profiles = new Map<string, Check>()
  const anyResource: Check = (run, value) => checkResource(run, value, checkers)
  const checkers: Checkers = {
    definitions,
    type: (name) => remember(types, name, () => typeCheck(name, checkers, anyResource)),
    resourceOfType: (name) => remember(resources, name, () => structureCheck(name, checkers)),
    profile: (canonical) => {
      const structure = definitions.structure(canonical)
      if (structure === undefined) return undefined
      const key = `${structure.url}|${structure.version ?? ''}`
      return remember(profiles, key, () => lazily(() => profileCheck(key, checkers)))
    },
    besidePrimitive: lazily(() => {
      const tree = definitions.tree(definitions.type('Element')?.url ?? '')
      return tree === undefined ? expectObject : compileBesidePrimitive(tree, checkers)
    }),
  }
  return checkers
}

function remember<T>(known: Map<string, T>, key: string, make: () => T): T {
  const found = known.get(key)
  if (found !== undefined) return found
  const made = make()
  known.set(key, made)
  return made
}

function typeCheck(name: string, checkers: Checkers, anyResource: Check): Check {
  if (name === 'xhtml') return checkXhtml
  if (isPrimitive(name)) return checkPrimitive(name)
  if (checkers.definitions.type(name)?.kind === 'resource') return anyResource
  return lazily(() => structureCheck(name, checkers))
}

function structureCheck(name: string, checkers: Checkers): Check {
  const tree = checkers.definitions.tree(checkers.definitions.type(name)?.url ?? '')
  return tree === undefined ? expectObject : compileType(tree, checkers)
}

const checkXhtmlText = checkPrimitive('xhtml')

const checkXhtml: Check = (run, value) => {
  checkXhtmlText(run, value)
  if (value !== '') checkNarrative(run, value)
}

const expectObject: Check = (run, value) => {
  if (!isObject(value))
    run.error('structure', `Found ${kindOf(value)}; expected an object. Correct the element.`)
}

function profileCheck(canonical: string, checkers: Checkers): Check {
  const tree = checkers.definitions.tree(canonical)
  if (tree !== undefined) return compileContent(tree, checkers) ?? (() => {})
  const { url } = splitCanonical(canonical)
  const text = `The profile ${url} has no snapshot and its base is not known here, so it was not checked. Load its base.`
  return (run) => run.report('warning', 'not-found', text)
}

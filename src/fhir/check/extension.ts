/** Extensions: value or nested extensions, and the definition their URL names (extensibility.html). */
import type { Checkers } from './checkers.js'
import { has, hasChoice } from './rule.js'
import { isObject, type Check } from './run.js'

/** Checks on one extension besides its elements. */
export function extensionChecks(checkers: Checkers): readonly Check[] {
  return [checkValueOrNested, (run, value) => definedCheck(checkers, value)?.(run, value)]
}

/** ext-1: must have either extensions or value[x], not both. */
const checkValueOrNested: Check = (run, value) => {
  if (!isObject(value)) return
  const nested = has(value, 'extension')
  if (nested !== hasChoice(value, 'value')) return
  const found = nested ? 'both a value and nested extensions' : 'neither a value nor nested extensions'
  run.error('invariant', `Found ${found}; expected one of them (ext-1). Correct the extension.`)
}

/** URLs without a scheme name parts of the extension around them; that one's definition checks them. */
function definedCheck(checkers: Checkers, value: unknown): Check | undefined {
  const url = isObject(value) ? value['url'] : undefined
  if (typeof url !== 'string' || !url.includes(':')) return undefined
  const structure = checkers.definitions.structure(url)
  if (structure?.type !== 'Extension' || structure.derivation !== 'constraint') return undefined
  return checkers.profile(url)
}

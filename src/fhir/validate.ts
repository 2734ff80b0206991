/** Validates FHIR R4 resources against their base definitions and profiles. */
import type { Issue } from '../terms/issue.js'
import { createCheckers } from './check/compile.js'
import { checkResource } from './check/resource.js'
import { isObject, Run, type Limits } from './check/run.js'
import type { Definitions } from './definitions.js'

export interface ValidatorOptions {
  /** Objects inside objects. Default 100. */
  readonly maxDepth?: number
  /** Findings listed for one resource. Default 500. */
  readonly maxIssues?: number
}

export interface Validator {
  readonly definitions: Definitions
  /** What is wrong, errors and milder findings; empty when nothing is. Any value may be given; nothing is thrown.
   *  `profiles` are canonical URLs checked besides those that `meta.profile` names. */
  validate(resource: unknown, profiles?: readonly string[]): readonly Issue[]
}

const DEFAULT_LIMITS: Limits = { maxDepth: 100, maxIssues: 500 }

/** Definitions are compiled on first use: making a validator costs nothing, the first message of a type does. */
export function createValidator(definitions: Definitions, options: ValidatorOptions = {}): Validator {
  const limits: Limits = { ...DEFAULT_LIMITS, ...options }
  const checkers = createCheckers(definitions)
  return {
    definitions,
    validate: (resource, profiles = []) => {
      const run = new Run(limits)
      run.enter(rootName(resource, definitions))
      checkResource(run, resource, checkers, profiles)
      return withoutRepeats(run.issues)
    },
  }
}

function rootName(resource: unknown, definitions: Definitions): string {
  const type = isObject(resource) ? resource['resourceType'] : undefined
  return typeof type === 'string' && definitions.isResourceType(type) ? type : 'Resource'
}

/** A profile restates rules of its base: the same finding twice helps nobody. */
function withoutRepeats(issues: readonly Issue[]): readonly Issue[] {
  if (issues.length < 2) return issues
  const seen = new Set<string>()
  return issues.filter(({ severity, where, text }) => {
    const key = `${severity} ${where} ${text}`
    return !seen.has(key) && seen.add(key) !== undefined
  })
}

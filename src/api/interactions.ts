/** What the FHIR API does with each type: routes and `/metadata` both come from here. */

export const INTERACTIONS = ['read', 'vread', 'history-instance', 'search-type'] as const

export type Interaction = (typeof INTERACTIONS)[number] | 'update'

/** Services report on their offers by updating the Task; every other type changes by messages alone. */
export const UPDATED_TYPES: readonly string[] = ['Task']

export const interactionsOf = (type: string): readonly Interaction[] =>
  UPDATED_TYPES.includes(type) ? [...INTERACTIONS, 'update'] : INTERACTIONS

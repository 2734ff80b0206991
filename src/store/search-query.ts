/** What a search asks of the store: parsed, checked and bounded by whoever made it. */
import type { StoredResource } from './types.js'

export interface SearchQuery {
  /** One of the types of the search parameter table. */
  readonly type: string
  /** All must hold. */
  readonly criteria: readonly Criterion[]
  readonly sort: SearchSort
  /** Matches on a page; 0 asks for the total alone. */
  readonly count: number
  /** Where the page before ended. */
  readonly after?: SearchCursor
  readonly total: 'accurate' | 'none'
  readonly include: readonly Inclusion[]
  readonly revInclude: readonly Inclusion[]
  /** Partners one of whom must be allowed to see a resource; absent = no filter. */
  readonly parties?: readonly string[]
  readonly timeoutMs: number
}

/** `anyOf` holds alternatives: FHIR's comma. `rare` is the parameter's own (`SearchParameter.rare`). */
export type Criterion =
  | { readonly kind: 'tokens'; readonly anyOf: readonly string[]; readonly rare: boolean }
  | { readonly kind: 'equals'; readonly column: EqualColumn; readonly anyOf: readonly string[] }
  | { readonly kind: 'range'; readonly column: DateColumn; readonly anyOf: readonly Range[] }
  | { readonly kind: 'words'; readonly anyOf: readonly (readonly WordPrefix[])[] }

export type EqualColumn = 'id' | 'status' | 'owner' | 'case'
export type DateColumn = 'authored' | 'lastUpdated' | 'born'

/** From `from` up to but not including `before`; `outside` turns it round (FHIR prefix `ne`). */
export interface Range {
  readonly from?: string
  readonly before?: string
  readonly outside?: true
}

/** A word of one of these elements (`wordTag`) starts with `prefix`. */
export interface WordPrefix {
  readonly tags: readonly string[]
  readonly prefix: string
}

export type SortColumn = 'id' | 'lastUpdated' | 'authored' | 'born' | 'name' | 'status'

/** Rows without a value come last either way; the id decides between equals. */
export interface SearchSort {
  readonly column: SortColumn
  readonly descending: boolean
}

/** Sort value (null: the rows without one have begun) and id of the last match of a page. */
export interface SearchCursor {
  readonly value: string | null
  readonly id: string
}

/** `Task:focus`: include what a match refers to, or (rev) what refers to a match. */
export interface Inclusion {
  readonly type: string
  readonly param: string
  /** Only references to this type (`Task:focus:ServiceRequest`). */
  readonly target?: string
}

export interface SearchPage {
  readonly matches: readonly StoredResource[]
  readonly included: readonly StoredResource[]
  readonly next?: SearchCursor
  readonly total?: number
}

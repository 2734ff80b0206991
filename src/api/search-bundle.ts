/** A page of matches -> a searchset Bundle with its links. */
import type { Bundle, BundleEntry, FhirResource, OperationOutcome } from 'fhir/r4.js'
import type { SearchPage } from '../store/search-query.js'
import type { StoredResource } from '../store/types.js'
import { cursorText, CURSOR_PARAMETER, type SearchRequest } from './search-request.js'

/** `http://terminology.hl7.org/CodeSystem/v3-ObservationValue` marks resources that are not whole. */
const SUBSETTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }

export function searchBundle(search: SearchRequest, page: SearchPage, baseUrl: string): Bundle {
  const { query, elements } = search
  const entries: BundleEntry[] = [
    ...page.matches.map((stored) => entryOf(subsetOf(stored, elements), 'match', baseUrl)),
    ...page.included.map((stored) => entryOf(stored.resource, 'include', baseUrl)),
    ...(search.ignored > 0 ? [ignoredEntry(search.ignored)] : []),
  ]
  const self = urlOf(baseUrl, query.type, search.used)
  const next = page.next && [...search.used, [CURSOR_PARAMETER, cursorText(page.next)] as const]
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    ...(page.total !== undefined && { total: page.total }),
    link: [
      { relation: 'self', url: self },
      ...(next ? [{ relation: 'next', url: urlOf(baseUrl, query.type, next) }] : []),
    ],
    ...(entries.length > 0 && { entry: entries }),
  }
}

function urlOf(baseUrl: string, type: string, parameters: readonly (readonly [string, string])[]): string {
  const query = new URLSearchParams(
    parameters.map(([name, value]): [string, string] => [name, value]),
  ).toString()
  return `${baseUrl}/${type}${query === '' ? '' : `?${query}`}`
}

const entryOf = (
  resource: FhirResource & { id: string },
  mode: 'match' | 'include',
  baseUrl: string,
): BundleEntry => ({
  fullUrl: `${baseUrl}/${resource.resourceType}/${resource.id}`,
  resource,
  search: { mode },
})

/** Tells a lenient client that its search was wider than it asked for. */
const ignoredEntry = (ignored: number): BundleEntry<OperationOutcome> => ({
  resource: {
    resourceType: 'OperationOutcome',
    issue: [
      {
        severity: 'warning',
        code: 'not-supported',
        diagnostics: `${ignored} parameter(s) of the search were left out; the self link shows the ones that took effect.`,
      },
    ],
  },
  search: { mode: 'outcome' },
})

/** R4 search 3.1.1.5.9: id, meta and resourceType always stay. */
function subsetOf(
  { resource }: StoredResource,
  elements: readonly string[] | undefined,
): StoredResource['resource'] {
  if (elements === undefined) return resource
  const kept = new Set(['resourceType', 'id', 'meta', ...elements])
  const picked = Object.fromEntries(
    Object.entries(resource).filter(([name]) => kept.has(name.replace(/^_/, ''))),
  )
  // Own cast: a selection of a resource's elements, marked as such.
  return {
    ...picked,
    meta: { ...resource.meta, tag: [...(resource.meta?.tag ?? []), SUBSETTED] },
  } as StoredResource['resource']
}

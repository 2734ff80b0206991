/** Resources as rows of the table `resource`: each is indexed once and all go over as one JSON value. */
import { INDEX_VERSION, indexValues } from '../fhir/index-values.js'
import type { Bind } from './statement.js'
import type { ResourceDraft } from './types.js'

/** The columns a draft decides, in the order of `resourceRows`. */
export const ROW_COLUMNS =
  'type, id, parties, content, status, owner, authored, name, born, tokens, index_version'

/** The drafts as a row set with the columns of `ROW_COLUMNS`. */
export function resourceRows(drafts: readonly ResourceDraft[], bind: Bind): string {
  const rows = drafts.map(({ resource, parties }) => ({
    type: resource.resourceType,
    id: resource.id,
    parties,
    content: resource,
    index_version: INDEX_VERSION,
    ...indexValues(resource),
  }))
  return `jsonb_to_recordset(${bind(JSON.stringify(rows))}::jsonb) as r(type text, id text, parties text[],
    content jsonb, status text, owner text, authored timestamptz, name text, born date, tokens text[],
    index_version int)`
}

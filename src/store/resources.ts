/** Reads of single resources and their versions, and the directory's own way in. */
import type { FhirResource } from 'fhir/r4.js'
import { instantOf, type Instant } from '../terms/instant.js'
import { REPLACE, supersededPart } from './commit-statement.js'
import type { Database } from './database.js'
import { faultOf } from './fault-of.js'
import { resourceRows, ROW_COLUMNS } from './resource-rows.js'
import { statement } from './statement.js'
import type { StoredResource } from './types.js'

/** `meta.versionId` and `meta.lastUpdated` are the store's, whatever the content says (FHIR R4 Resource.meta). */
export function resourceOf<Resource extends FhirResource>(
  content: Resource,
  version: number,
  lastUpdated: Instant,
): Resource {
  return { ...content, meta: { ...content.meta, versionId: String(version), lastUpdated } }
}

interface ResourceRow {
  readonly content: unknown
  readonly version: number
  readonly last_updated: Date
  readonly case_id: string | null
}

function storedOf(row: ResourceRow): StoredResource {
  const lastUpdated = instantOf(row.last_updated)
  return {
    // Only resources are written into this column.
    resource: resourceOf(row.content as FhirResource & { id: string }, row.version, lastUpdated),
    version: row.version,
    lastUpdated,
    caseId: row.case_id,
  }
}

const READ_RESOURCE = `select content, version, last_updated, case_id from resource
  where type = $1 and id = $2 and not deleted`

export async function readResource(
  database: Database,
  type: string,
  id: string,
): Promise<StoredResource | undefined> {
  const [row] = await database.run<ResourceRow>({
    name: 'read-resource',
    text: READ_RESOURCE,
    values: [type, id],
  })
  return row === undefined ? undefined : storedOf(row)
}

export async function readVersion(
  database: Database,
  type: string,
  id: string,
  version: number,
): Promise<StoredResource | undefined> {
  const [row] = await versionsOf(database, type, id, 1, version)
  return row
}

/** The latest first. */
export function readHistory(
  database: Database,
  type: string,
  id: string,
  limit: number,
): Promise<readonly StoredResource[]> {
  return versionsOf(database, type, id, limit)
}

async function versionsOf(
  database: Database,
  type: string,
  id: string,
  limit: number,
  version?: number,
): Promise<StoredResource[]> {
  const versions = database.kysely
    .selectFrom('resource_version')
    .select(['content', 'version', 'last_updated', 'case_id'])
    .where('type', '=', type)
    .where('id', '=', id)
    .where('deleted', '=', false)
    .orderBy('version', 'desc')
    .limit(limit)
  try {
    const rows = await (version === undefined ? versions : versions.where('version', '=', version)).execute()
    return rows.map(storedOf)
  } catch (thrown) {
    throw faultOf(thrown)
  }
}

/** Any number, the same in every process: only one at a time writes the directory. */
const DIRECTORY_LOCK = 7_620_573_002

/** The directory is open to every party: `*`. Returns how many resources were new or different. */
export function putDirectory(
  database: Database,
  resources: readonly (FhirResource & { id: string })[],
  now: Instant,
): Promise<number> {
  const drafts = resources.map((resource) => ({ resource, parties: EVERYONE }))
  const { text, values } = statement('put-directory', (bind) => {
    const at = `${bind(now)}::timestamptz`
    return `with drafts as materialized (
      select r.* from ${resourceRows(drafts, bind)} left join resource o on o.type = r.type and o.id = r.id
      where o.id is null or (o.case_id is null and (o.deleted or o.content <> r.content or o.tokens <> r.tokens))
    ), ${supersededPart()}, written as (
      insert into resource (version, last_updated, ${ROW_COLUMNS}) select 1, ${at}, ${ROW_COLUMNS} from drafts
      ${REPLACE} returning 1
    ) select count(*)::int as written from written`
  })
  return database.transaction(async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [DIRECTORY_LOCK])
    const { rows } = await client.query<{ written: number }>(text, values as unknown[])
    return rows[0]?.written ?? 0
  })
}

export const EVERYONE: readonly string[] = ['*']

/** Commits a case change: one statement when all is well; a second look only when a condition refused it. */
import { DatabaseError } from 'pg'
import { Fault } from '../terms/fault.js'
import { msBetween } from '../terms/instant.js'
import { CASE_CONSTRAINT, commitStatement, MESSAGE_CONSTRAINT, REFUSALS } from './commit-statement.js'
import type { Database } from './database.js'
import { findGenerations, type KeptMessage } from './messages.js'
import type { CaseCommit, CommitOutcome, IncomingMessage } from './types.js'

/** Each further try means that another process took the generation found the time before. */
const MAX_GENERATION_RACES = 5

export async function commitCase(database: Database, commit: CaseCommit): Promise<CommitOutcome> {
  let generation = 1
  for (let tries = 0; tries < MAX_GENERATION_RACES; tries++) {
    const outcome = await tryCommit(database, commit, generation)
    if (outcome !== 'message-known')
      return outcome.kind === 'stale' ? staleOrKnown(database, commit) : outcome
    if (commit.message === undefined) break
    const found = resolve(commit.message, await findGenerations(database, commit.message))
    if (typeof found !== 'number') return found
    generation = found
  }
  throw new Fault('store-busy', 'This message id is being used by many at once; send the message again.')
}

/** A message that came before finds its case already there: it is known, not late. */
async function staleOrKnown(database: Database, { message }: CaseCommit): Promise<CommitOutcome> {
  if (message === undefined) return { kind: 'stale' }
  const known = await findGenerations(database, message)
  const same = known.find((kept) => kept.bodyHash === message.bodyHash)
  return same === undefined ? { kind: 'stale' } : duplicateOf(same)
}

async function tryCommit(
  database: Database,
  commit: CaseCommit,
  generation: number,
): Promise<CommitOutcome | 'message-known'> {
  try {
    const [row] = await database.run<{ version: number }>(commitStatement(commit, generation))
    if (row === undefined)
      throw new Fault('internal-error', 'The commit returned no row; the log has its cause.')
    return { kind: 'committed', version: row.version }
  } catch (thrown) {
    return refusalOf(thrown)
  }
}

/** Which condition of the statement did not hold; anything else is thrown on. */
function refusalOf(thrown: unknown): CommitOutcome | 'message-known' {
  const cause = thrown instanceof Fault ? thrown.cause : undefined
  if (!(cause instanceof DatabaseError)) throw thrown
  if (cause.code === REFUSALS.stale) return { kind: 'stale' }
  if (cause.code === REFUSALS.leaseLost) return { kind: 'lease-lost' }
  if (cause.code === REFUSALS.resourceTaken) {
    throw new Fault(
      'version-conflict',
      'A resource id is already used outside this case; take a new id.',
      '',
      { cause },
    )
  }
  if (cause.constraint === MESSAGE_CONSTRAINT) return 'message-known'
  if (cause.constraint === CASE_CONSTRAINT) return { kind: 'stale' }
  throw thrown
}

const duplicateOf = ({ answer, caseId }: KeptMessage): CommitOutcome => ({
  kind: 'duplicate',
  answer,
  caseId,
})

/** What a message id that is known already means; a number is the generation to try next. */
function resolve(message: IncomingMessage, known: readonly KeptMessage[]): CommitOutcome | number {
  const same = known.find((kept) => kept.bodyHash === message.bodyHash)
  if (same !== undefined) return duplicateOf(same)
  const [latest] = known
  if (latest === undefined) return 1
  const isWithin = msBetween(latest.receivedAt, message.receivedAt) < message.duplicateWindowMs
  return isWithin ? { kind: 'conflict' } : latest.generation + 1
}

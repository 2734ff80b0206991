/** The BaRS workflow matrix (section 8) and both sides of its source conflicts (section 14), row by row. */
import { describe, expect, test } from '@jest/globals'
import type { Appointment, Encounter } from 'fhir/r4.js'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { answerOf } from '../../../src/channels/bars/answer.js'
import { readBarsMessage, requireDefinition } from '../../../src/codec/bars/message.js'
import type { ServiceAnswer } from '../../../src/referral/answer.js'
import { response, type ResponseParts } from './responses.js'

const REJECTED = 'https://fhir.nhs.uk/CodeSystem/rejected-reasons-bars'
const FC = { system: REJECTED, code: 'FC', display: 'Failed Contact' }
const PATLIFT = {
  system: 'https://fhir.nhs.uk/CodeSystem/response-outcome-codes',
  code: 'PATLIFT',
  display: 'Patient lifted',
}
const reference = { system: 'https://service.example.org/Id/case', value: 'UCR-88' }
const failedContact: Partial<Encounter> = {
  status: 'cancelled',
  reasonCode: [{ coding: [FC], text: 'No reply at the door' }],
}

describe('what an answer says', () => {
  test.each<[string, ResponseParts, ServiceAnswer]>([
    [
      'interim: started',
      { kind: 'interim', encounter: { status: 'in-progress' } },
      { kind: 'accepted', reference },
    ],
    [
      'interim: rejected',
      { kind: 'interim', encounter: failedContact },
      { kind: 'rejected', reason: { codings: [FC], text: 'Failed Contact: No reply at the door' } },
    ],
    [
      'interim rejected as the pseudo-code has it',
      {
        kind: 'interim',
        encounter: { status: 'triaged', reasonCode: [{ coding: [FC] }] },
        request: { status: 'revoked' },
      },
      { kind: 'rejected', reason: { codings: [FC], text: 'Failed Contact' } },
    ],
    [
      'interim with the focus on the ServiceRequest',
      { kind: 'interim', encounter: { status: 'in-progress' }, focusOnRequest: true },
      { kind: 'accepted', reference },
    ],
    [
      'full: nothing left to do',
      {
        kind: 'full',
        reason: 'update',
        encounter: { status: 'finished' },
        plan: {
          status: 'completed',
          activity: [{ outcomeCodeableConcept: [{ coding: [PATLIFT] }, { text: 'Lifted, no injury.' }] }],
        },
      },
      {
        kind: 'completed',
        outcome: { codings: [PATLIFT], text: 'Patient lifted' },
        note: 'Lifted, no injury.',
      },
    ],
    [
      'full without an interim before',
      { kind: 'full', reason: 'new', encounter: { status: 'finished' } },
      { kind: 'completed' },
    ],
    [
      'full with the request completed, as the simulator wants it',
      { kind: 'full', reason: 'update', encounter: { status: 'finished' }, request: { status: 'completed' } },
      { kind: 'completed' },
    ],
    [
      'full: the requester must act',
      {
        kind: 'full',
        reason: 'update',
        encounter: { status: 'finished' },
        plan: { status: 'active', activity: [{ outcomeCodeableConcept: [{ text: 'Needs an ambulance' }] }] },
      },
      {
        kind: 'failed',
        reason: { codings: [], text: 'Needs an ambulance' },
        note: 'Needs an ambulance',
      },
    ],
    [
      'full that rejects',
      { kind: 'full', reason: 'new', encounter: failedContact },
      { kind: 'rejected', reason: { codings: [FC], text: 'Failed Contact: No reply at the door' } },
    ],
    ['referral: waiting', { kind: 'referral', encounter: { status: 'planned' } }, { kind: 'received' }],
    [
      'referral: allocated',
      { kind: 'referral', encounter: { status: 'in-progress' } },
      { kind: 'accepted', reference },
    ],
    [
      'referral: on scene',
      { kind: 'referral', encounter: { status: 'arrived' } },
      { kind: 'started', reference },
    ],
    ['referral: complete', { kind: 'referral', encounter: { status: 'finished' } }, { kind: 'completed' }],
    [
      'referral: declined without a word',
      { kind: 'referral', encounter: { status: 'cancelled' } },
      { kind: 'rejected', reason: { codings: [], text: 'Rejected without a reason' } },
    ],
  ])('%s', (_name, parts, expected) => {
    expect(answerOf(readBarsMessage(response(parts)))).toEqual(expected)
  })

  test('a patient who did not attend', () => {
    const bundle = response({ kind: 'referral', request: { status: 'revoked' } })
    const missed: Appointment = { resourceType: 'Appointment', status: 'noshow', participant: [] }
    bundle.entry?.push({ resource: missed })
    expect(answerOf(readBarsMessage(bundle))).toEqual({
      kind: 'failed',
      reason: { codings: [], text: 'The patient did not attend' },
    })
  })

  test.each<[string, ResponseParts]>([
    ['an interim of a planned encounter', { kind: 'interim', encounter: { status: 'planned' } }],
    ['an update without an outcome', { kind: 'interim', reason: 'update' }],
    ['a draft plan', { kind: 'full', encounter: { status: 'finished' }, plan: { status: 'draft' } }],
    ['a triaged referral', { kind: 'referral', encounter: { status: 'triaged' } }],
  ])('%s stands in no row', (_name, parts) => {
    expect(() => answerOf(readBarsMessage(response(parts)))).toThrow(
      expect.objectContaining({ code: 'workflow-unknown' }),
    )
  })
})

const corpus = join('..', 'shared', 'corpora', 'bars')
const maybe = existsSync(corpus) ? test : test.skip
maybe('the guide’s own validation responses are understood (skipped without ../shared/corpora/bars)', () => {
  const kinds = readdirSync(corpus)
    .filter((name) => name.startsWith('VALRESP') && !name.startsWith('VALRESP01 '))
    .sort()
    .map((name) => {
      const message = readBarsMessage(JSON.parse(readFileSync(join(corpus, name), 'utf8')))
      requireDefinition(message)
      return [name.split(' ')[0], answerOf(message).kind]
    })
  expect(Object.fromEntries(kinds)).toEqual({
    VALRESP01A: 'accepted',
    VALRESP01B: 'failed',
    VALRESP02: expect.stringMatching(/completed|failed/),
    VALRESP03: expect.stringMatching(/completed|failed/),
    VALRESP04: 'rejected',
    VALRESP05: expect.stringMatching(/completed|failed/),
  })
})

import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { ServiceAnswer } from '../../src/referral/answer.js'
import { isOpenOffer, type CaseState } from '../../src/referral/case.js'
import { decide } from '../../src/referral/decide.js'
import type { CaseHappening, Decision, NextStep } from '../../src/referral/happening.js'
import type { Effect } from '../../src/referral/effects.js'
import { Fault } from '../../src/terms/fault.js'
import type { Instant } from '../../src/terms/instant.js'

const NOW = '2026-11-21T09:30:00.000Z' as Instant
const REASON = { codings: [], text: 'No capacity today' }
const UCR: NextStep = {
  service: { id: 'ucr', partner: 'ucr-team', answerWithinMs: 7_200_000 },
  explanation: ['Named by the sender.'],
}
const WARD: NextStep = {
  service: { id: 'ward', partner: 'ward-team', answerWithinMs: 7_200_000 },
  explanation: ['First suitable service.'],
}
const NOBODY: NextStep = { explanation: ['No service is open.'] }

const NEW_CASE: CaseState = {
  phase: 'open',
  sender: 'hospital',
  accessPoint: 'spoa',
  coordinator: 'coordinator',
  patient: 'patient',
  baton: { holder: 'hospital', since: NOW },
  offers: [],
  origin: {},
}

function context(): { now: Instant; newId: () => string } {
  let n = 0
  return { now: NOW, newId: () => `id-${++n}` }
}

function after(...happenings: CaseHappening[]): Decision {
  const ids = context()
  let decision: Decision = { state: NEW_CASE, effects: [] }
  for (const happening of happenings) decision = decide(decision.state, happening, ids)
  return decision
}

const kinds = (effects: readonly Effect[]): string[] => effects.map((effect) => effect.kind)
const opened: CaseHappening = { kind: 'opened', next: UCR }
const answered = (answer: ServiceAnswer, next: NextStep = NOBODY, taskId = 'id-1'): CaseHappening => ({
  kind: 'answered',
  taskId,
  answer,
  next,
})

describe('opening a case', () => {
  test('offers it to the service routing found; responsibility stays with the sender', () => {
    const { state, effects } = after(opened)
    expect(state.offers).toEqual([
      { taskId: 'id-1', service: 'ucr', partner: 'ucr-team', status: 'requested', offeredAt: NOW },
    ])
    expect(state.baton.holder).toBe('hospital')
    expect(effects).toContainEqual({
      kind: 'create-offer',
      taskId: 'id-1',
      service: 'ucr',
      partner: 'ucr-team',
      explanation: ['Named by the sender.'],
      answerDue: '2026-11-21T11:30:00.000Z',
    })
  })

  test('asks a person when routing chose nobody', () => {
    const { state, effects } = after({ kind: 'opened', next: NOBODY })
    expect(state.offers).toEqual([])
    expect(effects).toContainEqual(expect.objectContaining({ kind: 'ask-person', why: 'choose-service' }))
  })
})

describe('answers of a service', () => {
  test('acceptance passes the baton to the service and tells the sender', () => {
    const { state, effects } = after(opened, answered({ kind: 'accepted' }))
    expect(state.baton.holder).toBe('ucr-team')
    expect(effects).toContainEqual({ kind: 'pass-baton', from: 'hospital', to: 'ucr-team' })
    expect(effects).toContainEqual({ kind: 'tell-sender', status: 'accepted', taskId: 'id-1' })
  })

  test('receipt is not acceptance: the baton stays', () => {
    expect(after(opened, answered({ kind: 'received' })).state.baton.holder).toBe('hospital')
  })

  test('a rejection goes to the next service and the sender is not troubled', () => {
    const { state, effects } = after(opened, answered({ kind: 'rejected', reason: REASON }, WARD))
    expect(state.offers.map((offer) => [offer.service, offer.status])).toEqual([
      ['ucr', 'rejected'],
      ['ward', 'requested'],
    ])
    expect(kinds(effects)).not.toContain('tell-sender')
  })

  test('a rejection with nowhere to go asks a person and tells the sender why', () => {
    const { state, effects } = after(opened, answered({ kind: 'rejected', reason: REASON }))
    expect(state.baton.holder).toBe('hospital')
    expect(effects).toContainEqual({ kind: 'tell-sender', status: 'pending', reason: REASON, taskId: 'id-1' })
    expect(effects).toContainEqual(expect.objectContaining({ kind: 'ask-person', why: 'service-rejected' }))
  })

  test('completion closes the case with its outcome', () => {
    const outcome = { codings: [], text: 'Seen at home' }
    const { state, effects } = after(
      opened,
      answered({ kind: 'accepted' }),
      answered({ kind: 'completed', outcome }),
    )
    expect(state.phase).toBe('closed')
    expect(effects).toContainEqual({ kind: 'set-request', status: 'completed' })
    expect(effects).toContainEqual({
      kind: 'tell-sender',
      status: 'completed',
      taskId: 'id-1',
      reason: outcome,
    })
  })

  test('a service that gives the case back hands it to the access point', () => {
    const { state } = after(
      opened,
      answered({ kind: 'accepted' }),
      answered({ kind: 'failed', reason: REASON }),
    )
    expect(state.baton.holder).toBe('spoa')
  })

  test('the same answer twice changes nothing', () => {
    expect(after(opened, answered({ kind: 'accepted' }), answered({ kind: 'accepted' })).effects).toEqual([])
  })

  test('acceptance after cancellation is shown to a person and withdrawn again', () => {
    const { state, effects } = after(
      opened,
      { kind: 'cancelled', enteredInError: false },
      answered({ kind: 'accepted' }),
    )
    expect(state.phase).toBe('closed')
    expect(state.baton.holder).toBe('hospital')
    expect(kinds(effects)).toEqual(['ask-person', 'withdraw-offer'])
  })
})

describe('other happenings', () => {
  test('an amendment is told to the service that holds the offer', () => {
    expect(after(opened, { kind: 'amended' }).effects).toEqual([
      { kind: 'update-offer', taskId: 'id-1', partner: 'ucr-team', service: 'ucr' },
    ])
  })

  test('an amendment is not told to a service that said no', () => {
    const rejected = answered({ kind: 'rejected', reason: REASON })
    expect(after(opened, rejected, { kind: 'amended' }).effects).toEqual([])
  })

  test('cancellation revokes the request and withdraws every open offer', () => {
    const { state, effects } = after(opened, { kind: 'cancelled', enteredInError: false })
    expect(state.offers.map((offer) => offer.status)).toEqual(['cancelled'])
    expect(effects).toContainEqual({ kind: 'set-request', status: 'revoked' })
    expect(kinds(effects)).toContain('withdraw-offer')
  })

  test('an undeliverable offer goes before a person', () => {
    const { state, effects } = after(opened, {
      kind: 'undeliverable',
      subject: 'id-1',
      fault: 'delivery-exhausted',
      cause: 'refused 8 times',
    })
    expect(state.offers.map((offer) => offer.status)).toEqual(['failed'])
    expect(effects).toContainEqual(expect.objectContaining({ kind: 'ask-person', why: 'undeliverable' }))
  })

  test('silence asks a person and leaves the offer open', () => {
    const { state, effects } = after(opened, { kind: 'answer-overdue', taskId: 'id-1' })
    expect(state.offers.map((offer) => offer.status)).toEqual(['requested'])
    expect(effects).toContainEqual(expect.objectContaining({ kind: 'ask-person', why: 'no-answer' }))
  })

  test.each<[string, CaseHappening]>([
    ['amended', { kind: 'amended' }],
    ['cancelled', { kind: 'cancelled', enteredInError: false }],
    ['ended', { kind: 'ended', as: 'completed' }],
  ])('a closed case refuses to be %s', (_name, happening) => {
    const closed = after(opened, answered({ kind: 'completed' })).state
    expect(() => decide(closed, happening, context())).toThrow(
      expect.objectContaining({ code: 'case-closed' }) as unknown as Fault,
    )
  })
})

const anyAnswer: fc.Arbitrary<ServiceAnswer> = fc.constantFrom<ServiceAnswer>(
  { kind: 'received' },
  { kind: 'accepted' },
  { kind: 'started' },
  { kind: 'rejected', reason: REASON },
  { kind: 'completed' },
  { kind: 'failed', reason: REASON },
)
const anyHappening: fc.Arbitrary<CaseHappening> = fc.oneof(
  fc
    .tuple(anyAnswer, fc.constantFrom(UCR, WARD, NOBODY), fc.integer({ min: 1, max: 6 }))
    .map(([answer, next, n]) => answered(answer, next, `id-${n}`)),
  fc.constantFrom<CaseHappening>(
    { kind: 'amended' },
    { kind: 'chosen', next: WARD },
    { kind: 'cancelled', enteredInError: false },
    { kind: 'answer-overdue', taskId: 'id-1' },
    { kind: 'undeliverable', subject: 'id-1', fault: 'delivery-exhausted', cause: 'refused' },
    { kind: 'ended', as: 'rejected', reason: REASON },
  ),
)

describe('whatever happens in whatever order', () => {
  const walk = (
    happenings: readonly CaseHappening[],
    look: (before: CaseState, after: Decision) => void,
  ): void => {
    const ids = context()
    let state = decide(NEW_CASE, opened, ids).state
    for (const happening of happenings) {
      let decision: Decision
      try {
        decision = decide(state, happening, ids)
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Fault)
        continue
      }
      look(state, decision)
      state = decision.state
    }
  }

  test('the baton has one holder, and moves only as an effect says', () => {
    fc.assert(
      fc.property(fc.array(anyHappening, { maxLength: 25 }), (happenings) => {
        walk(happenings, (before, { state, effects }) => {
          const passed = effects.filter((effect) => effect.kind === 'pass-baton')
          expect(passed.length).toBeLessThanOrEqual(1)
          expect(state.baton.holder === before.baton.holder).toBe(passed.length === 0)
        })
      }),
    )
  })

  test('an ended offer stays ended and a closed case stays closed', () => {
    fc.assert(
      fc.property(fc.array(anyHappening, { maxLength: 25 }), (happenings) => {
        walk(happenings, (before, { state }) => {
          if (before.phase === 'closed') expect(state.phase).toBe('closed')
          for (const offer of before.offers.filter((candidate) => !isOpenOffer(candidate))) {
            expect(state.offers.find((o) => o.taskId === offer.taskId)?.status).toBe(offer.status)
          }
        })
      }),
    )
  })

  test('a closed case leaves no offer open', () => {
    fc.assert(
      fc.property(fc.array(anyHappening, { maxLength: 25 }), (happenings) => {
        walk(happenings, (_before, { state }) => {
          if (state.phase === 'closed') expect(state.offers.filter(isOpenOffer)).toEqual([])
        })
      }),
    )
  })

  test('the step that ends the last open offer of an open case passes it on or asks a person', () => {
    fc.assert(
      fc.property(fc.array(anyHappening, { maxLength: 25 }), (happenings) => {
        walk(happenings, (before, { state, effects }) => {
          const leftAlone = before.offers.some(isOpenOffer) && !state.offers.some(isOpenOffer)
          if (!leftAlone || state.phase === 'closed') return
          expect(kinds(effects)).toContain('ask-person')
        })
      }),
    )
  })
})

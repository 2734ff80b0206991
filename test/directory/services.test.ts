import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { covers, fitsAge, isOpen, opensAt, wallClock } from '../../src/directory/services.js'
import type { OpeningHours } from '../../src/directory/types.js'
import { instantOf, type Instant } from '../../src/terms/instant.js'

const at = (text: string): Instant => instantOf(new Date(text))
const LONDON = 'Europe/London'

const ALL = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
const open = (from: string, to: string, days: OpeningHours['days'] = ALL) => ({ hours: [{ days, from, to }] })

describe('isOpen and opensAt (R11: hours of a service)', () => {
  // 2026-11-20 is a Friday; London keeps UTC in November.
  test.each([
    ['no hours: always open', { hours: [] }, '2026-11-22T03:00:00Z', true],
    ['the minute it opens', open('08:00', '20:00'), '2026-11-20T08:00:00Z', true],
    ['a millisecond before', open('08:00', '20:00'), '2026-11-20T07:59:59.999Z', false],
    ['the last millisecond', open('08:00', '20:00'), '2026-11-20T19:59:59.999Z', true],
    ['the minute it closes', open('08:00', '20:00'), '2026-11-20T20:00:00Z', false],
    ['the last minute of a day to 24:00', open('20:00', '24:00'), '2026-11-20T23:59:59Z', true],
    ['midnight after 24:00, nothing from 00:00', open('20:00', '24:00'), '2026-11-21T00:00:00Z', false],
    ['midnight belongs to the new day', open('00:00', '08:00', ['sat']), '2026-11-21T00:00:00Z', true],
    ['another day of the week', open('08:00', '20:00', ['mon', 'fri']), '2026-11-21T12:00:00Z', false],
    ['its day of the week', open('08:00', '20:00', ['mon', 'fri']), '2026-11-20T12:00:00Z', true],
  ])('%s', (_name, service, now, expected) => {
    expect(isOpen(service, at(now), LONDON)).toBe(expected)
  })

  test('a lunch break and a second stretch on one day', () => {
    const service = { hours: [...open('08:00', '12:00').hours, ...open('13:00', '17:00').hours] }
    expect(isOpen(service, at('2026-11-20T12:30:00Z'), LONDON)).toBe(false)
    expect(opensAt(service, at('2026-11-20T12:30:00Z'), LONDON)).toBe('2026-11-20T13:00:00.000Z')
  })

  test('the wall clock counts, winter and summer', () => {
    const service = open('08:00', '20:00')
    expect(isOpen(service, at('2026-07-01T07:00:00Z'), LONDON)).toBe(true) // 08:00 BST
    expect(isOpen(service, at('2026-07-01T19:00:00Z'), LONDON)).toBe(false) // 20:00 BST
    expect(isOpen(service, at('2026-12-01T07:00:00Z'), LONDON)).toBe(false) // 07:00 GMT
  })

  test('spring: from 01:00 to 02:00 never happens on the last Sunday of March', () => {
    const service = open('01:00', '02:00')
    for (const now of ['2026-03-29T00:30:00Z', '2026-03-29T00:59:59Z', '2026-03-29T01:00:00Z']) {
      expect(isOpen(service, at(now), LONDON)).toBe(false)
    }
    expect(opensAt(service, at('2026-03-29T00:30:00Z'), LONDON)).toBe('2026-03-30T00:00:00.000Z') // 01:00 BST
  })

  test('autumn: from 01:00 to 02:00 lasts two hours on the last Sunday of October', () => {
    const service = open('01:00', '02:00')
    const opened = [
      '2026-10-25T00:00:00Z',
      '2026-10-25T00:59:00Z',
      '2026-10-25T01:00:00Z',
      '2026-10-25T01:59:00Z',
    ]
    expect(opened.map((now) => isOpen(service, at(now), LONDON))).toEqual([true, true, true, true])
    expect(isOpen(service, at('2026-10-25T02:00:00Z'), LONDON)).toBe(false)
  })

  test('a zone east of the date line has its own day', () => {
    const service = open('07:00', '23:00', ['sat'])
    expect(isOpen(service, at('2026-11-20T18:00:00Z'), 'Pacific/Auckland')).toBe(true) // Saturday 07:00 NZDT
    expect(isOpen(service, at('2026-11-20T17:59:00Z'), 'Pacific/Auckland')).toBe(false)
  })

  test.each([
    ['open now', open('08:00', '20:00'), '2026-11-20T12:00:00Z', '2026-11-20T12:00:00.000Z'],
    ['later today', open('08:00', '20:00'), '2026-11-20T06:00:00Z', '2026-11-20T08:00:00.000Z'],
    ['tomorrow', open('08:00', '20:00'), '2026-11-20T21:00:00Z', '2026-11-21T08:00:00.000Z'],
    [
      'after the weekend',
      open('08:30', '17:00', ['mon']),
      '2026-11-20T21:00:00Z',
      '2026-11-23T08:30:00.000Z',
    ],
    ['in summer time', open('08:00', '20:00'), '2026-07-01T20:00:00Z', '2026-07-02T07:00:00.000Z'],
    ['over the spring change', open('08:00', '20:00'), '2026-03-28T21:00:00Z', '2026-03-29T07:00:00.000Z'],
    ['over the autumn change', open('08:00', '20:00'), '2026-10-24T20:00:00Z', '2026-10-25T08:00:00.000Z'],
  ])('opens %s', (_name, service, now, expected) => {
    expect(opensAt(service, at(now), LONDON)).toBe(expected)
  })

  test('closures hold for whole local days, first and last included', () => {
    const service = {
      ...open('00:00', '24:00'),
      closures: [{ from: '2026-12-25', to: '2026-12-26', reason: 'x' }],
    }
    expect(isOpen(service, at('2026-12-24T23:59:00Z'), LONDON)).toBe(true)
    expect(isOpen(service, at('2026-12-25T00:00:00Z'), LONDON)).toBe(false)
    expect(isOpen(service, at('2026-12-26T23:59:00Z'), LONDON)).toBe(false)
    expect(opensAt(service, at('2026-12-25T10:00:00Z'), LONDON)).toBe('2026-12-27T00:00:00.000Z')
  })

  test('closed for good: no opening', () => {
    const closures = [{ from: '2026-01-01', to: '2030-01-01', reason: 'x' }]
    expect(opensAt({ hours: [], closures }, at('2026-11-20T12:00:00Z'), LONDON)).toBeUndefined()
  })

  test('property: an opening is open, and not in the past', () => {
    const minutes = fc.integer({ min: 0, max: 1439 })
    const time = (m: number): string =>
      `${String(Math.floor(m / 60)).padStart(2, '0')}:${String(m % 60).padStart(2, '0')}`
    const span = fc.tuple(minutes, minutes).filter(([a, b]) => a < b)
    const year = {
      min: new Date('2026-01-01T00:00:00Z'),
      max: new Date('2026-12-31T00:00:00Z'),
      noInvalidDate: true,
    }
    fc.assert(
      fc.property(fc.date(year), span, fc.subarray([...ALL], { minLength: 1 }), (date, [from, to], days) => {
        const service = open(time(from), time(to), days)
        const now = instantOf(date)
        const opening = opensAt(service, now, LONDON)
        expect(opening).toBeDefined()
        expect(isOpen(service, opening as Instant, LONDON)).toBe(true)
        expect((opening as Instant) >= now).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  test('wallClock', () => {
    expect(wallClock(at('2026-07-01T23:30:00Z'), LONDON)).toBe('2026-07-02 00:30')
  })
})

describe('covers', () => {
  test.each([
    ['no catchment: everywhere', [], 'ZZ1 1ZZ', true],
    ['an area', ['LE1???'], 'LE1 6TH', true],
    ['spaces, hyphens and case do not count', ['LE1???'], 'le1-6th', true],
    ['LE1 is not LE11', ['LE1???'], 'LE11 6TH', false],
    ['LE11 is not LE1', ['LE11???'], 'LE1 6TH', false],
    ['LE1 6TH written together is in LE1', ['LE1???'], 'LE16TH', true],
    ['a whole postcode', ['LE16TH'], 'LE1 6TH', true],
    ['another whole postcode', ['LE16TH'], 'LE1 6TJ', false],
    ['a beginning', ['LE*'], 'LE67 9ZZ', true],
    ['not the beginning', ['LE*'], 'DE1 1AA', false],
    ['digits only', ['06*', '1010'], '0622', true],
    ['digits only, another', ['06*', '1010'], '1011', false],
    ['only half a postcode', ['LE1???'], 'LE1', false],
    ['an empty postcode is nowhere', ['*'], ' ', false],
  ])('%s', (_name, postcodes, postcode, expected) => {
    expect(covers({ postcodes }, postcode)).toBe(expected)
  })
})

describe('fitsAge', () => {
  test.each([
    [{}, 0, true],
    [{ minAgeYears: 18 }, 17, false],
    [{ minAgeYears: 18 }, 18, true],
    [{ maxAgeYears: 17 }, 17, true],
    [{ maxAgeYears: 17 }, 18, false],
    [{ minAgeYears: 16, maxAgeYears: 64 }, 65, false],
  ])('%j at %d: %s', (limits, age, expected) => {
    expect(fitsAge(limits, age)).toBe(expected)
  })
})

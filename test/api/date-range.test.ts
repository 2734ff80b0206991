import { describe, expect, test } from '@jest/globals'
import { dayRange, instantRange, type DateContext } from '../../src/api/date-range.js'
import type { Range } from '../../src/store/search-query.js'
import { at } from '../support/case-commit.js'

const london: DateContext = { zone: 'Europe/London', now: at('2026-11-21T12:00:00Z'), where: 'authored' }

describe('R4 search 3.1.1.5.7: a value is as wide as its precision', () => {
  test.each<[string, Range]>([
    ['2026', { from: '2026-01-01T00:00:00.000Z', before: '2027-01-01T00:00:00.000Z' }],
    // April begins in summer time and ends in it.
    ['2026-04', { from: '2026-03-31T23:00:00.000Z', before: '2026-04-30T23:00:00.000Z' }],
    ['2026-06-10', { from: '2026-06-09T23:00:00.000Z', before: '2026-06-10T23:00:00.000Z' }],
    // The day the clocks go forward has 23 hours, the day they go back 25.
    ['2026-03-29', { from: '2026-03-29T00:00:00.000Z', before: '2026-03-29T23:00:00.000Z' }],
    ['2026-10-25', { from: '2026-10-24T23:00:00.000Z', before: '2026-10-26T00:00:00.000Z' }],
    ['2026-06-10T10:00', { from: '2026-06-10T09:00:00.000Z', before: '2026-06-10T09:01:00.000Z' }],
    ['2026-06-10T10:00:07Z', { from: '2026-06-10T10:00:07.000Z', before: '2026-06-10T10:00:08.000Z' }],
    ['2026-06-10T10:00:07.5-05:30', { from: '2026-06-10T15:30:07.500Z', before: '2026-06-10T15:30:07.501Z' }],
    ['2024-02-29', { from: '2024-02-29T00:00:00.000Z', before: '2024-03-01T00:00:00.000Z' }],
    ['9999', { from: '9999-01-01T00:00:00.000Z', before: '9999-12-31T23:59:59.999Z' }],
  ])('%s', (text, expected) => {
    expect(instantRange(text, london)).toEqual(expected)
  })

  test('a plus sign that came as a space is a plus sign', () => {
    expect(instantRange('2026-06-10T10:00:00 01:00', london)).toEqual({
      from: '2026-06-10T09:00:00.000Z',
      before: '2026-06-10T09:00:01.000Z',
    })
  })
})

describe('prefixes', () => {
  const from = '2026-11-20T00:00:00.000Z'
  const before = '2026-11-21T00:00:00.000Z'
  test.each<[string, Range]>([
    ['eq', { from, before }],
    ['ne', { from, before, outside: true }],
    ['gt', { from: before }],
    ['sa', { from: before }],
    ['ge', { from }],
    ['lt', { before: from }],
    ['eb', { before: from }],
    ['le', { before }],
    // 36 hours ago: a tenth is 3 h 36 min on either side.
    ['ap', { from: '2026-11-19T20:24:00.000Z', before: '2026-11-21T03:36:00.000Z' }],
  ])('%s', (prefix, expected) => {
    expect(instantRange(`${prefix}2026-11-20`, london)).toEqual(expected)
  })
})

test('a date without a time is compared as days, whatever the zone', () => {
  expect(dayRange('1950-05', london)).toEqual({ from: '1950-05-01', before: '1950-06-01' })
  expect(dayRange('gt1950-05-03', london)).toEqual({ from: '1950-05-04' })
})

test.each([
  '',
  'soon',
  '2026-13',
  '2026-02-30',
  '2026-11-21T25:00',
  '26-11-21',
  'xx2026',
  '2026-11-21T',
  '0000',
  'ge',
])('%j is refused without being quoted', (text) => {
  expect(() => instantRange(text, london)).toThrow(
    expect.objectContaining({ code: 'parameter-invalid', where: 'authored' }),
  )
})

test('a birth date takes no time', () => {
  expect(() => dayRange('1950-05-03T10:00', london)).toThrow(
    expect.objectContaining({ code: 'parameter-invalid' }),
  )
})

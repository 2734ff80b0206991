import { describe, expect, test } from '@jest/globals'
import { offsetInZone, parseHl7Time } from '../../src/translate/dates.js'

describe('parseHl7Time', () => {
  test.each([
    ['2026', '2026', undefined, undefined],
    ['202611', '2026-11', undefined, undefined],
    ['20261121', '2026-11-21', undefined, undefined],
    ['2026112109', '2026-11-21', '09:00:00', undefined],
    ['202611210930', '2026-11-21', '09:30:00', undefined],
    ['20261121093012', '2026-11-21', '09:30:12', undefined],
    ['20261121093012.1234', '2026-11-21', '09:30:12.1234', undefined],
    ['202611210930+0100', '2026-11-21', '09:30:00', '+01:00'],
    ['20260701123030-0730', '2026-07-01', '12:30:30', '-07:30'],
    ['202611210930-0000', '2026-11-21', '09:30:00', 'Z'],
    ['20240229', '2024-02-29', undefined, undefined],
  ])('%s', (text, date, time, offset) => {
    expect(parseHl7Time(text)).toMatchObject({ date, ...(time && { time }), ...(offset && { offset }) })
  })

  test.each(
    [
      '19761325',
      '20230230',
      '20230229',
      '19000229',
      '00000101',
      '2026112124',
      '202611210960',
      '20261121093061',
      '202611',
      '2026-11-21',
      '21/11/2026',
      '20261121+0100',
      '202611210930+1500',
      '202611210930+0099',
      '',
    ].filter((text) => text !== '202611'),
  )('%s is no time', (text) => {
    expect(parseHl7Time(text)).toBeUndefined()
  })
})

describe('offsetInZone', () => {
  const at = (text: string): number => Date.parse(`${text}Z`)
  test.each([
    ['2026-01-15T12:00', '+00:00', undefined],
    ['2026-07-15T12:00', '+01:00', undefined],
    ['2026-03-29T00:59', '+00:00', undefined],
    ['2026-03-29T01:30', '+00:00', 'skipped'],
    ['2026-03-29T02:00', '+01:00', undefined],
    ['2026-10-25T00:30', '+01:00', undefined],
    ['2026-10-25T01:30', '+01:00', 'twice'],
    ['2026-10-25T02:00', '+00:00', undefined],
  ])('%s in London is %s', (time, offset, doubt) => {
    expect(offsetInZone('Europe/London', at(time))).toEqual(
      doubt === undefined ? { offset } : { offset, doubt },
    )
  })
})

import { describe, expect, test } from '@jest/globals'
import { isNhsNumber, nhsNumberDigits } from '../../src/terms/nhs-number.js'
import { addMs, instantOf, msBetween, parseInstant } from '../../src/terms/instant.js'
import { isUuid, uuidV5, uuidV7 } from '../../src/terms/uuid.js'
import { formatOffset, isZone, offsetOfLocal } from '../../src/terms/zone.js'

describe('NHS number, modulus 11', () => {
  // 943476591: 10*9+9*4+8*3+7*4+6*7+5*6+4*5+3*9+2*1 = 299; 299 mod 11 = 2; 11-2 = 9.
  test.each([
    ['9434765919', true],
    ['943 476 5919', true],
    ['943-476-5919', true],
    ['9434765918', false],
    ['943476591', false],
    ['94347659190', false],
    ['943476591X', false],
    ['', false],
  ])('%s -> %s', (text, expected) => {
    expect(isNhsNumber(text)).toBe(expected)
  })

  test('a remainder that would need check digit 10 is never valid', () => {
    // 100000001: 10*1+2*1 = 12; 12 mod 11 = 1; 11-1 = 10.
    for (let digit = 0; digit <= 9; digit++) expect(isNhsNumber(`100000001${digit}`)).toBe(false)
  })

  test('spaces and hyphens are only writing', () => {
    expect(nhsNumberDigits(' 943-476 5919 ')).toBe('9434765919')
  })
})

describe('instants', () => {
  test.each([
    ['2026-11-21T09:30:00Z', '2026-11-21T09:30:00.000Z'],
    ['2026-11-21T09:30:00.1234567+01:00', '2026-11-21T08:30:00.123Z'],
    ['2026-11-21T09:30-05:00', '2026-11-21T14:30:00.000Z'],
  ])('%s is %s', (text, expected) => {
    expect(parseInstant(text)).toBe(expected)
  })

  test.each(['2026-11-21', '2026-11-21T09:30:00', '2026-13-21T09:30:00Z', 'yesterday', ''])(
    '%s is none',
    (text) => {
      expect(parseInstant(text)).toBeUndefined()
    },
  )

  test('adding and measuring agree', () => {
    const start = instantOf(new Date(Date.UTC(2026, 10, 21, 9, 30)))
    expect(addMs(start, 7_200_000)).toBe('2026-11-21T11:30:00.000Z')
    expect(msBetween(start, addMs(start, 1))).toBe(1)
  })
})

describe('UUIDs', () => {
  test('v5 of the DNS name www.example.com, RFC 9562 appendix A.4', () => {
    expect(uuidV5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com')).toBe(
      '2ed6657d-e927-568b-95e1-2665a8aea6a2',
    )
  })

  test('v7 of the example in RFC 9562 appendix A.6', () => {
    const random = Uint8Array.from([0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f])
    expect(uuidV7(0x017f22e279b0, random)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f')
  })

  test('only the canonical form is one', () => {
    expect(isUuid('017f22e2-79b0-7cc3-98c4-dc0c0c07398f')).toBe(true)
    expect(isUuid('017f22e279b07cc398c4dc0c0c07398f')).toBe(false)
  })
})

describe('wall-clock times in a zone', () => {
  test.each([
    ['winter', Date.UTC(2026, 0, 15, 12), { offsetMinutes: 0 }],
    ['summer', Date.UTC(2026, 6, 15, 12), { offsetMinutes: 60 }],
    ['just before the spring change', Date.UTC(2024, 2, 31, 0, 59), { offsetMinutes: 0 }],
    [
      'in the hour the spring change skips',
      Date.UTC(2024, 2, 31, 1, 30),
      { offsetMinutes: 0, doubt: 'skipped' },
    ],
    ['just after the spring change', Date.UTC(2024, 2, 31, 2, 0), { offsetMinutes: 60 }],
    [
      'in the hour the autumn change repeats',
      Date.UTC(2024, 9, 27, 1, 30),
      { offsetMinutes: 60, doubt: 'twice' },
    ],
    ['just after the repeated hour', Date.UTC(2024, 9, 27, 2, 0), { offsetMinutes: 0 }],
  ])('%s, Europe/London', (_name, localMs, expected) => {
    expect(offsetOfLocal('Europe/London', localMs)).toEqual(expected)
  })

  test('offsets are written with sign and minutes', () => {
    expect([formatOffset(60), formatOffset(-210), formatOffset(0)]).toEqual(['+01:00', '-03:30', '+00:00'])
  })

  test('only zones of the time zone database are zones', () => {
    expect([isZone('Europe/London'), isZone('Pacific/Auckland'), isZone('Leicester')]).toEqual([
      true,
      true,
      false,
    ])
  })
})

import { describe, expect, test } from '@jest/globals'
import { findNamedService } from '../../src/directory/named-service.js'
import { parseDeployment } from '../../src/directory/deployment.js'

const deployment = parseDeployment(
  new Map([
    ['deployment.yaml', 'name: T\ntimeZone: Europe/London\naccessPoint: door\n'],
    [
      'partners/all.yaml',
      `partners:
  door: { name: The Front Door, identifiers: [{ system: urn:org, value: DOOR }] }
  trust: { name: Community Trust, identifiers: [{ system: urn:org, value: TRUST }] }
  ward: { name: The Ward, identifiers: [{ system: urn:org, value: WARD }] }
`,
    ],
    [
      'directory/all.yaml',
      `services:
  ucr-north: { name: UCR North, partner: trust, aliases: [Rapid response, UCR-N^DIR], identifiers: [{ system: urn:dir, value: '1' }] }
  ucr-south: { name: UCR South, partner: trust, aliases: [Rapid response], identifiers: [{ system: urn:dir, value: '2' }] }
  ward: { name: Virtual ward, partner: ward }
`,
    ],
    ['pathways/all.yaml', 'pathways: { none: { name: N, fallback: true, offer: manual, services: [] } }\n'],
  ]),
)

const named = (identifiers: { system?: string; value: string }[], names: string[] = []) =>
  findNamedService(deployment, { identifiers, names })

describe('findNamedService', () => {
  test.each([
    ['nothing named', [], [], { kind: 'none' }],
    [
      'an identifier with its system',
      [{ system: 'urn:dir', value: '1' }],
      [],
      { kind: 'services', services: ['ucr-north'] },
    ],
    ['an identifier without a system', [{ value: '2' }], [], { kind: 'services', services: ['ucr-south'] }],
    ['the form of PRD-7', [{ value: 'ucr-n^dir' }], [], { kind: 'services', services: ['ucr-north'] }],
    ['a name in any case and spacing', [], ['  ucr   NORTH '], { kind: 'services', services: ['ucr-north'] }],
    ['its id', [], ['ucr-south'], { kind: 'services', services: ['ucr-south'] }],
    [
      'a name two services share',
      [],
      ['Rapid response'],
      { kind: 'services', services: ['ucr-north', 'ucr-south'] },
    ],
    [
      'the identifier settles the shared name',
      [{ value: '2' }],
      ['Rapid response'],
      { kind: 'services', services: ['ucr-south'] },
    ],
    [
      'an identifier beside an unknown name',
      [{ value: '2' }],
      ['Dr Example'],
      { kind: 'services', services: ['ucr-south'] },
    ],
    [
      'an unknown identifier beside a known name',
      [{ value: 'X' }],
      ['UCR North'],
      { kind: 'services', services: ['ucr-north'] },
    ],
    ['a partner with one service', [{ value: 'WARD' }], [], { kind: 'services', services: ['ward'] }],
    [
      'a partner with two',
      [],
      ['Community Trust'],
      { kind: 'services', services: ['ucr-north', 'ucr-south'] },
    ],
    ['the access point itself', [{ value: 'DOOR' }], [], { kind: 'none' }],
    [
      'the access point by name, and a service',
      [],
      ['the front door', 'UCR North'],
      { kind: 'services', services: ['ucr-north'] },
    ],
    ['nobody known', [{ value: 'X' }], ['Somewhere'], { kind: 'unknown' }],
    [
      'identifier and name disagree',
      [{ value: '1' }],
      ['UCR South'],
      { kind: 'contradiction', services: ['ucr-north', 'ucr-south'] },
    ],
  ])('%s', (_name, identifiers, names, expected) => {
    expect(named(identifiers, names)).toEqual(expected)
  })

  test('part of a name is not a name', () => {
    expect(named([], ['UCR'])).toEqual({ kind: 'unknown' })
  })
})

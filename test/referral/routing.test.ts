import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { FhirResource } from 'fhir/r4.js'
import { loadDeployment } from '../../src/config/deployment-files.js'
import { parseDeployment } from '../../src/directory/deployment.js'
import { factsOf, type RoutingFacts } from '../../src/referral/routing-facts.js'
import { route } from '../../src/referral/routing.js'
import { agesOn } from '../../src/referral/routing-suitability.js'
import { instantOf } from '../../src/terms/instant.js'

const DEPLOYMENT = parseDeployment(
  new Map([
    [
      'deployment.yaml',
      'name: T\ntimeZone: Europe/London\naccessPoint: door\npostcodes: { unitLength: 3 }\n',
    ],
    [
      'partners/all.yaml',
      `partners:
  door: { name: Front door }
  team: { name: Team, receives: { channel: fhir, url: http://127.0.0.1:1 } }
  desk: { name: Desk }
`,
    ],
    [
      'directory/all.yaml',
      `services:
  always: { name: Always, partner: team, postcodes: [TE1, TE2] }
  daytime:
    name: Daytime
    partner: team
    postcodes: [TE1]
    minAgeYears: 18
    hours: [{ days: [mon, tue, wed, thu, fri], from: '08:00', to: '18:00' }]
  children: { name: Children, partner: team, maxAgeYears: 17 }
  by-phone: { name: By phone, partner: desk }
  lone: { name: Lone, partner: team }
`,
    ],
    [
      'pathways/all.yaml',
      `pathways:
  home: { name: Care at home, codes: [{ code: HOME }, { system: urn:codes, code: '7' }], services: [daytime, always, by-phone], offer: automatic, answerWithinMinutes: 1440 }
  child: { name: Care of children, codes: [{ code: CHILD }], services: [children], offer: manual }
  unknown: { name: Need unknown, fallback: true, services: [always], offer: manual }
`,
    ],
  ]),
)

const FRIDAY_NOON = instantOf(new Date('2026-11-20T12:00:00Z'))
const FRIDAY_EVENING = instantOf(new Date('2026-11-20T20:00:00Z'))
const MONDAY_EARLY = instantOf(new Date('2026-11-23T02:00:00Z'))

const facts = (more: Partial<RoutingFacts> = {}): RoutingFacts => ({
  codes: [{ code: 'HOME', from: 'reason' }],
  named: { identifiers: [], names: [] },
  postcode: 'TE1 1AA',
  birthDate: '1950-01-01',
  priority: 'urgent',
  excluded: [],
  ...more,
})
const naming = (...names: string[]): Partial<RoutingFacts> => ({ named: { identifiers: [], names } })

describe('the need', () => {
  test.each<[string, RoutingFacts['codes'], string, string[]]>([
    ['a code', [{ code: 'HOME', from: 'reason' }], 'home', []],
    ['a code in another case', [{ code: 'home', from: 'reason' }], 'home', []],
    ['a local code under any system', [{ system: 'urn:x', code: 'HOME', from: 'reason' }], 'home', []],
    ['a code with its system', [{ system: 'urn:codes', code: '7', from: 'condition' }], 'home', []],
    ['the same code of another system', [{ system: 'urn:x', code: '7', from: 'condition' }], 'unknown', []],
    ['no code', [], 'unknown', []],
    [
      'two needs: the stronger evidence first',
      [
        { code: 'CHILD', from: 'code' },
        { code: 'HOME', from: 'condition' },
      ],
      'child',
      ['home'],
    ],
  ])('%s', (_name, codes, need, otherNeeds) => {
    expect(route(facts({ codes }), DEPLOYMENT, FRIDAY_NOON)).toMatchObject({ need, otherNeeds })
  })

  test('R4: the referral`s second need is told, not lost', () => {
    const codes: RoutingFacts['codes'] = [
      { code: 'HOME', from: 'reason' },
      { code: 'CHILD', from: 'category' },
    ]
    expect(route(facts({ codes }), DEPLOYMENT, FRIDAY_NOON).explanation.at(-1)).toBe(
      'The referral also shows the need "Care of children" (the code CHILD in the type of referral).',
    )
  })
})

describe('an automatic pathway', () => {
  test('the first suitable service is offered it, and every other is explained', () => {
    expect(route(facts(), DEPLOYMENT, FRIDAY_NOON)).toMatchObject({
      need: 'home',
      chosen: 'daytime',
      choice: 'first-suitable',
      explanation: [
        'The need is "Care at home", shown by the code HOME in the reason.',
        'Daytime is offered it, the first suitable service of the pathway: takes ages 18 to any; covers the postcode of the patient; is open now.',
        'Always would be suitable too: takes every age; covers the postcode of the patient; is open now.',
        'By phone is not suitable: receives nothing electronically: a person must make contact.',
      ],
    })
  })

  test.each<[string, Partial<RoutingFacts>, typeof FRIDAY_NOON, string | undefined, string]>([
    [
      'closed: the next one',
      {},
      FRIDAY_EVENING,
      'always',
      'Daytime is not suitable: is closed until 2026-11-23 08:00 (Europe/London), and the referral is not marked routine.',
    ],
    [
      'outside the catchment: the next one',
      { postcode: 'TE2 1AA' },
      FRIDAY_NOON,
      'always',
      'Daytime is not suitable: does not cover the postcode of the patient.',
    ],
    [
      'TE11 is not TE1',
      { postcode: 'TE11 1AA' },
      FRIDAY_NOON,
      undefined,
      'Always is not suitable: does not cover the postcode of the patient.',
    ],
    [
      'too young: the next one',
      { birthDate: '2008-11-21' },
      FRIDAY_NOON,
      'always',
      'Daytime is not suitable: takes ages 18 to any only.',
    ],
    [
      'R14: refused before: the next one',
      { excluded: ['daytime'] },
      FRIDAY_NOON,
      'always',
      'Daytime is not suitable: was already asked for this need and did not take it.',
    ],
    [
      'all refused: a person',
      { excluded: ['daytime', 'always'] },
      FRIDAY_NOON,
      undefined,
      'A person must choose: no service of the pathway "Care at home" is suitable now.',
    ],
    [
      'postcode unknown: a person',
      { postcode: undefined as never },
      FRIDAY_NOON,
      undefined,
      'Always is not suitable: covers certain postcodes; the postcode of the patient is not known.',
    ],
    [
      'age not exact enough: the next one',
      { birthDate: '2008' },
      FRIDAY_NOON,
      'always',
      'Daytime is not suitable: takes ages 18 to any; the date of birth is not exact enough to tell.',
    ],
    [
      'birthday today: 18',
      { birthDate: '2008-11-20' },
      FRIDAY_NOON,
      'daytime',
      'Daytime is offered it, the first suitable service of the pathway: takes ages 18 to any; covers the postcode of the patient; is open now.',
    ],
    [
      'a year is exact enough for the old',
      { birthDate: '1941' },
      FRIDAY_NOON,
      'daytime',
      'Always would be suitable too: takes every age; covers the postcode of the patient; is open now.',
    ],
  ])('%s', (_name, more, now, chosen, sentence) => {
    const decision = route(facts(more), DEPLOYMENT, now)
    expect(decision.chosen).toBe(chosen)
    expect(decision.choice).toBe(chosen === undefined ? 'person-must-choose' : 'first-suitable')
    expect(decision.explanation).toContain(sentence)
  })

  test('a routine referral goes to an open service before one that opens later', () => {
    const decision = route(facts({ priority: 'routine' }), DEPLOYMENT, MONDAY_EARLY)
    expect(decision.chosen).toBe('always')
    expect(decision.explanation).toContain(
      'Daytime would be suitable too: takes ages 18 to any; covers the postcode of the patient; is closed until 2026-11-23 08:00 (Europe/London); a routine referral may wait for that.',
    )
  })

  test('a routine referral waits at a closed door that opens before the answer is due', () => {
    const decision = route(facts({ priority: 'routine', excluded: ['always'] }), DEPLOYMENT, MONDAY_EARLY)
    expect(decision).toMatchObject({ chosen: 'daytime', choice: 'first-suitable' })
  })

  test('but not over a weekend when the answer is due in a day', () => {
    const decision = route(facts({ priority: 'routine', excluded: ['always'] }), DEPLOYMENT, FRIDAY_EVENING)
    expect(decision.choice).toBe('person-must-choose')
    expect(decision.explanation).toContain(
      'Daytime is not suitable: is closed until 2026-11-23 08:00 (Europe/London), after the answer is due.',
    )
  })
})

describe('a manual pathway', () => {
  test('lists and explains, and leaves the choice to a person', () => {
    const codes: RoutingFacts['codes'] = [{ code: 'CHILD', from: 'code' }]
    const decision = route(facts({ codes, birthDate: '2015-02' }), DEPLOYMENT, FRIDAY_NOON)
    expect(decision.choice).toBe('person-must-choose')
    expect(decision.chosen).toBeUndefined()
    expect(decision.shortlist).toMatchObject([{ service: 'children', suitable: true }])
    expect(decision.explanation[1]).toBe(
      'A person must choose: the pathway "Care of children" leaves it to one.',
    )
  })
})

describe('a service the sender named', () => {
  test('is offered it even where another comes first', () => {
    const decision = route(facts(naming('ALWAYS')), DEPLOYMENT, FRIDAY_NOON)
    expect(decision).toMatchObject({ chosen: 'always', choice: 'named-by-sender', need: 'home' })
    expect(decision.explanation[1]).toBe('Always is offered it, as named by the sender.')
  })

  test('says its need when no code does', () => {
    const decision = route(facts({ ...naming('daytime'), codes: [] }), DEPLOYMENT, FRIDAY_NOON)
    expect(decision).toMatchObject({ chosen: 'daytime', need: 'home' })
    expect(decision.explanation[0]).toBe(
      'The need is "Care at home": the service named by the sender meets it.',
    )
  })

  test('settles the need between two that the codes show', () => {
    const codes: RoutingFacts['codes'] = [
      { code: 'HOME', from: 'code' },
      { code: 'CHILD', from: 'condition' },
    ]
    const decision = route(
      facts({ ...naming('Children'), codes, birthDate: '2015-01-01' }),
      DEPLOYMENT,
      FRIDAY_NOON,
    )
    expect(decision).toMatchObject({ need: 'child', chosen: 'children', otherNeeds: ['home'] })
  })

  test('that no pathway knows is offered it beside the fallback', () => {
    const decision = route(facts({ ...naming('Lone'), codes: [] }), DEPLOYMENT, FRIDAY_NOON)
    expect(decision).toMatchObject({ need: 'unknown', chosen: 'lone', choice: 'named-by-sender' })
  })

  test.each<[string, Partial<RoutingFacts>, typeof FRIDAY_NOON, string]>([
    [
      'ask 50: outside its catchment',
      { ...naming('Daytime'), postcode: 'TE2 1AA' },
      FRIDAY_NOON,
      'Daytime is not suitable: does not cover the postcode of the patient.',
    ],
    [
      'ask 50: the postcode is not known',
      { ...naming('Daytime'), postcode: undefined as never },
      FRIDAY_NOON,
      'Daytime is not suitable: covers certain postcodes; the postcode of the patient is not known.',
    ],
    [
      'closed and urgent',
      naming('Daytime'),
      FRIDAY_EVENING,
      'Daytime is not suitable: is closed until 2026-11-23 08:00 (Europe/London), and the referral is not marked routine.',
    ],
    ['of another age', naming('Children'), FRIDAY_NOON, 'Children is not suitable: takes ages 0 to 17 only.'],
    [
      'without an electronic way in',
      naming('By phone'),
      FRIDAY_NOON,
      'By phone is not suitable: receives nothing electronically: a person must make contact.',
    ],
  ])('is never quietly replaced: %s', (_name, more, now, sentence) => {
    const decision = route(facts(more), DEPLOYMENT, now)
    expect(decision.choice).toBe('person-must-choose')
    expect(decision.chosen).toBeUndefined()
    expect(decision.explanation[1]).toMatch(
      /^The sender named .*, which may not be the right place\. A person must choose\.$/,
    )
    expect(decision.explanation).toContain(sentence)
    expect(decision.shortlist).not.toEqual([])
  })

  test('closed, routine and opening in time: it waits there', () => {
    const decision = route(facts({ ...naming('Daytime'), priority: 'routine' }), DEPLOYMENT, MONDAY_EARLY)
    expect(decision).toMatchObject({ chosen: 'daytime', choice: 'named-by-sender' })
    expect(decision.explanation[1]).toContain('a routine referral may wait for that')
  })

  test('R14: that did not take it gives way to the next of an automatic pathway', () => {
    const decision = route(facts({ ...naming('Daytime'), excluded: ['daytime'] }), DEPLOYMENT, FRIDAY_NOON)
    expect(decision).toMatchObject({ chosen: 'always', choice: 'first-suitable' })
    expect(decision.explanation[1]).toBe('Daytime was named by the sender, was asked, and did not take it.')
  })

  test.each<[string, Partial<RoutingFacts>, string]>([
    [
      'nobody knows',
      naming('The other hospital'),
      'The sender named a service that the directory does not know. A person must choose.',
    ],
    [
      'that contradicts its own identifier',
      { named: { identifiers: [{ value: 'daytime' }], names: ['Always'] } },
      "The sender's identifier and name mean different services (Daytime, Always). A person must choose.",
    ],
    [
      'in words that fit several',
      naming('Team'),
      "The sender's words can mean Always or Daytime or Children or Lone. A person must choose.",
    ],
  ])('%s: a person', (_name, more, sentence) => {
    const decision = route(facts(more), DEPLOYMENT, FRIDAY_NOON)
    expect(decision.choice).toBe('person-must-choose')
    expect(decision.explanation[1]).toBe(sentence)
  })

  test('by its provider: the one of its services that meets the need', () => {
    const codes: RoutingFacts['codes'] = [{ code: 'CHILD', from: 'code' }]
    const decision = route(
      facts({ ...naming('Team'), codes, birthDate: '2015-01-01' }),
      DEPLOYMENT,
      FRIDAY_NOON,
    )
    expect(decision).toMatchObject({ chosen: 'children', choice: 'named-by-sender' })
  })

  test('the access point itself is no target', () => {
    expect(route(facts(naming('Front Door')), DEPLOYMENT, FRIDAY_NOON).choice).toBe('first-suitable')
  })
})

describe('properties', () => {
  const codes = fc.array(
    fc.record({
      code: fc.constantFrom('HOME', 'CHILD', 'NOTHING', '7'),
      from: fc.constantFrom('code', 'reason', 'condition', 'category'),
    }),
    { maxLength: 3 },
  )
  const services = [...DEPLOYMENT.services.keys()]
  const words = fc.array(fc.constantFrom(...services, 'Team', 'Front door', 'Nowhere'), { maxLength: 2 })
  const anyFacts: fc.Arbitrary<RoutingFacts> = fc
    .record({
      codes,
      named: fc.record({ identifiers: words.map((list) => list.map((value) => ({ value }))), names: words }),
      postcode: fc.constantFrom('TE1 1AA', 'TE2 1AA', 'TE11 1AA', undefined),
      birthDate: fc.constantFrom('1950', '2008-11', '2015-01-01', 'nonsense', undefined),
      priority: fc.constantFrom('routine', 'urgent', 'asap', 'stat', undefined),
      excluded: fc.subarray(services),
    })
    .map(
      (record) =>
        Object.fromEntries(
          Object.entries(record).filter(([, value]) => value !== undefined),
        ) as unknown as RoutingFacts,
    )
  const anyTime = fc
    .date({
      min: new Date('2026-01-01T00:00:00Z'),
      max: new Date('2027-01-01T00:00:00Z'),
      noInvalidDate: true,
    })
    .map(instantOf)

  test('never an unsuitable, excluded or unlisted service, and never one without a rule that allows it', () => {
    fc.assert(
      fc.property(anyFacts, anyTime, (some, now) => {
        const { chosen, choice, pathway, shortlist, explanation } = route(some, DEPLOYMENT, now)
        expect(chosen === undefined).toBe(choice === 'person-must-choose')
        expect(explanation.length).toBeGreaterThanOrEqual(2)
        if (chosen === undefined) return
        expect(shortlist.find(({ service }) => service === chosen)?.suitable).toBe(true)
        expect(some.excluded).not.toContain(chosen)
        if (choice === 'first-suitable') expect(pathway.offer).toBe('automatic')
        if (choice === 'first-suitable') expect(pathway.services).toContain(chosen)
        if (choice === 'named-by-sender')
          expect([...some.named.identifiers, ...some.named.names]).not.toEqual([])
      }),
      { numRuns: 1_000 },
    )
  })

  test('same facts and time: same answer', () => {
    fc.assert(
      fc.property(anyFacts, anyTime, (some, now) => {
        expect(route(some, DEPLOYMENT, now)).toEqual(route(some, DEPLOYMENT, now))
      }),
      { numRuns: 100 },
    )
  })

  test('the explanation names neither the postcode nor the date of birth', () => {
    fc.assert(
      fc.property(anyFacts, anyTime, (some, now) => {
        const text = route(some, DEPLOYMENT, now).explanation.join('\n')
        for (const secret of [some.postcode, some.birthDate])
          if (secret !== undefined && secret.length > 4) expect(text).not.toContain(secret)
      }),
      { numRuns: 200 },
    )
  })
})

describe('agesOn', () => {
  test.each([
    ['the day before the birthday', '2026-11-19', '2008-11-20', { youngest: 17, oldest: 17 }],
    ['the birthday', '2026-11-20', '2008-11-20', { youngest: 18, oldest: 18 }],
    ['a month', '2026-11-20', '2008-11', { youngest: 17, oldest: 18 }],
    ['a month that is over', '2026-11-20', '2008-10', { youngest: 18, oldest: 18 }],
    ['a year', '2026-11-20', '2008', { youngest: 17, oldest: 18 }],
    ['born today', '2026-11-20', '2026-11-20', { youngest: 0, oldest: 0 }],
    ['this year', '2026-11-20', '2026', { youngest: 0, oldest: 0 }],
    ['29 February, on 28 February', '2027-02-28', '2008-02-29', { youngest: 18, oldest: 18 }],
    ['29 February, on 1 March', '2027-03-01', '2008-02-29', { youngest: 19, oldest: 19 }],
    ['tomorrow', '2026-11-20', '2026-11-21', undefined],
    ['no date', '2026-11-20', '20081120', undefined],
  ])('%s', (_name, day, birthDate, expected) => {
    expect(agesOn(day, birthDate)).toEqual(expected)
  })
})

describe('examples/llr', () => {
  const llr = loadDeployment('examples/llr', () => undefined)
  const referral = (more: {
    category?: string
    reason?: string
    performer?: string
    postcode?: string
    priority?: 'routine' | 'urgent'
  }): FhirResource[] => [
    {
      resourceType: 'ServiceRequest',
      id: 'r',
      status: 'active',
      intent: 'order',
      priority: more.priority ?? 'urgent',
      subject: { reference: 'Patient/p' },
      ...(more.category === undefined ? {} : { category: [{ coding: [{ code: more.category }] }] }),
      ...(more.reason === undefined ? {} : { reasonCode: [{ coding: [{ code: more.reason }] }] }),
      ...(more.performer === undefined ? {} : { performer: [{ identifier: { value: more.performer } }] }),
    },
    {
      resourceType: 'Patient',
      id: 'p',
      birthDate: '1941-03-02',
      address: [{ use: 'home', postalCode: more.postcode ?? 'LE2 2BB' }],
    },
  ]
  const chosenFor = (resources: FhirResource[], now = FRIDAY_NOON) =>
    route(factsOf(resources, now), llr, now).chosen

  test('D8: a fall that names urgent community response in PRD-2 and PRD-7 goes there, day and night', () => {
    const resources: FhirResource[] = [
      ...referral({ category: 'MED' }),
      {
        resourceType: 'Practitioner',
        id: 'prd-rt',
        name: [{ family: 'Urgent community response' }],
        identifier: [{ type: { text: 'DOS' }, value: 'UCR-LEICESTER' }],
      },
      {
        resourceType: 'Condition',
        id: 'dg1',
        subject: { reference: 'Patient/p' },
        code: { coding: [{ system: 'http://snomed.info/sct', code: '217082002', display: 'Fall' }] },
      },
    ]
    const [request] = resources
    if (request?.resourceType === 'ServiceRequest') request.performer = [{ reference: 'Practitioner/prd-rt' }]
    for (const now of [FRIDAY_NOON, FRIDAY_EVENING, MONDAY_EARLY]) {
      expect(route(factsOf(resources, now), llr, now)).toMatchObject({
        need: 'ucr-2-hour',
        chosen: 'ucr-leicester',
        choice: 'named-by-sender',
      })
    }
  })

  test.each([
    ['N1: a fall', referral({ reason: 'FALL' }), 'ucr-leicester'],
    ['the form of PRD-7', referral({ performer: 'UCR-LEICESTER^DOS' }), 'ucr-leicester'],
    ['D5: a crisis in the city', referral({ reason: 'CRISIS' }), 'icrs-leicester'],
    ['D5: a crisis in the county', referral({ reason: 'CRISIS', postcode: 'LE11 1AA' }), 'ucr-leicester'],
    ['D4, R35: a mental health crisis', referral({ category: 'PSY' }), 'adult-mental-health'],
    ['D14: step-up to the virtual ward', referral({ reason: 'STEPUP' }), 'virtual-ward'],
    ['D14: a minor injury', referral({ reason: 'INJURY' }), 'utc-loughborough'],
    [
      'D1: social care in the county',
      referral({ reason: 'SOC', postcode: 'LE11 1AA', priority: 'routine' }),
      'first-contact-plus',
    ],
    [
      'D2: social care in the city is by telephone',
      referral({ reason: 'SOC', priority: 'routine' }),
      undefined,
    ],
    [
      'D3: social care in Rutland is by telephone',
      referral({ reason: 'SOC', postcode: 'LE15 6AA', priority: 'routine' }),
      undefined,
    ],
    ['D6: a bed is agreed between people', referral({ reason: 'BED' }), undefined],
    ['D14: same day emergency care is agreed between people', referral({ reason: 'SDEC' }), undefined],
    ['a need nobody coded', referral({}), undefined],
    ['somewhere else altogether', referral({ reason: 'FALL', postcode: 'BD1 1AA' }), undefined],
  ])('%s', (_name, resources, expected) => {
    expect(chosenFor(resources)).toBe(expected)
  })
})

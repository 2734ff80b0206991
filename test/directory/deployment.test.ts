import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseDeployment } from '../../src/directory/deployment.js'
import { Fault } from '../../src/terms/fault.js'

/** A small deployment that is right. Each row below makes it wrong in one place. */
const RIGHT = {
  'deployment.yaml': `name: Testshire
timeZone: Europe/London
accessPoint: door
postcodes: { unitLength: 3 }
`,
  'partners/all.yaml': `partners:
  door:
    name: The door
  hospital:
    name: The hospital
    identifiers:
      - { system: https://example.org/org, value: HOSP }
    sends:
      hl7v2:
        applications:
          - { application: PAS, facility: H1 }
          - application: LAB
    receives:
      channel: hl7v2
      host: pas.example.org
      port: 2575
      application: PAS
      facility: H1
  nurses:
    name: The nurses
    organization: hospital
    timeZone: Europe/Dublin
    sends:
      bars: { serviceIds: ['77'] }
    receives:
      channel: bars
      url: { env: NURSES_URL, default: http://127.0.0.1:9000/fhir/ }
      serviceId: '77'
      retry:
        firstDelayMs: 100
        maxAttempts: unlimited
  council:
    name: The council
    receives:
      channel: fhir
      url: https://council.example.org/fhir
`,
  'directory/all.yaml': `services:
  nursing:
    name: Home  nursing
    partner: nurses
    identifiers:
      - { system: https://example.org/svc, value: '77' }
    aliases: [HN^SVC]
    postcodes: [te1, TE2 9ZZ, TS*]
    minAgeYears: 18
    maxAgeYears: 110
    hours:
      - { days: [mon, tue], from: '08:00', to: '24:00' }
    closures:
      - { from: '2026-12-25', to: '2026-12-26', reason: Holiday }
    useCase: { code: home-nursing, display: Home nursing, bilateral: true }
  care:
    name: Social care
    partner: council
    category: referral
resources:
  - resourceType: Location
    id: town-hall
    name: Town hall
`,
  'pathways/all.yaml': `pathways:
  nursing-need:
    name: Nursing
    codes:
      - { system: http://snomed.info/sct, code: '1' }
      - code: NURSE
    services: [nursing, care]
    offer: automatic
    answerWithinMinutes: 90
  unknown:
    name: Unknown
    fallback: true
    services: []
    offer: manual
`,
} as const

type File = keyof typeof RIGHT

const filesOf = (changes: Partial<Record<string, string>> = {}): ReadonlyMap<string, string> =>
  new Map(Object.entries({ ...RIGHT, ...changes }).map(([file, text]) => [file, text ?? '']))

/** The lines of the refusal, without the heading. */
function problemsOf(
  files: ReadonlyMap<string, string>,
  env?: (name: string) => string | undefined,
): string[] {
  try {
    parseDeployment(files, env)
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault
    expect(fault.code).toBe('deployment-invalid')
    return fault.message.split('\n').slice(1)
  }
  return []
}

function changed(file: File, from: string, to: string): ReadonlyMap<string, string> {
  expect(RIGHT[file]).toContain(from)
  return filesOf({ [file]: RIGHT[file].replace(from, to) })
}

describe('a right deployment', () => {
  const deployment = parseDeployment(filesOf(), (name) => (name === 'OTHER' ? 'x' : undefined))

  test('partners, with the documented defaults where the file says nothing', () => {
    expect(deployment.partners.get('hospital')).toEqual({
      id: 'hospital',
      name: 'The hospital',
      organization: 'hospital',
      identifiers: [{ system: 'https://example.org/org', value: 'HOSP' }],
      sends: {
        hl7v2: {
          applications: [
            { application: 'PAS', facility: 'H1' },
            { application: 'LAB', facility: '' },
          ],
          processingIds: ['P'],
          duplicateWindowMs: 86_400_000,
          overlays: [],
        },
      },
      receives: {
        channel: 'hl7v2',
        host: 'pas.example.org',
        port: 2575,
        application: 'PAS',
        facility: 'H1',
        version: '2.5.1',
        discardsRepeats: false,
        timeoutMs: 30_000,
        retry: {
          firstDelayMs: 1_000,
          maxDelayMs: 300_000,
          maxAttempts: 20,
          breakerFailures: 5,
          breakerOpenMs: 30_000,
        },
      },
    })
  })

  test('an address from the environment, its default, and `unlimited` attempts', () => {
    expect(deployment.partners.get('nurses')).toMatchObject({
      organization: 'hospital',
      receives: { url: 'http://127.0.0.1:9000/fhir', retry: { firstDelayMs: 100, maxAttempts: null } },
    })
    const set = parseDeployment(filesOf(), () => 'https://nurses.example.org')
    expect(set.partners.get('nurses')?.receives).toMatchObject({ url: 'https://nurses.example.org' })
    const empty = parseDeployment(filesOf(), () => '')
    expect(empty.partners.get('nurses')?.receives).toMatchObject({ url: 'http://127.0.0.1:9000/fhir' })
  })

  test('services: names as they are compared, postcodes as patterns, needs from the pathways', () => {
    expect(deployment.services.get('nursing')).toEqual({
      id: 'nursing',
      name: 'Home  nursing',
      partner: 'nurses',
      aliases: ['NURSING', 'HOME NURSING', 'HN^SVC', '77', 'HTTPS://EXAMPLE.ORG/SVC|77'],
      needs: ['nursing-need'],
      postcodes: ['TE1???', 'TE29ZZ', 'TS*'],
      minAgeYears: 18,
      maxAgeYears: 110,
      hours: [{ days: ['mon', 'tue'], from: '08:00', to: '24:00' }],
      closures: [{ from: '2026-12-25', to: '2026-12-26', reason: 'Holiday' }],
      category: 'validation',
      useCase: { code: 'home-nursing', display: 'Home nursing', bilateral: true },
    })
  })

  test('pathways keep the order of the file; two hours unless it says otherwise', () => {
    expect(deployment.pathways.map(({ need, answerWithinMs }) => [need, answerWithinMs])).toEqual([
      ['nursing-need', 5_400_000],
      ['unknown', 7_200_000],
    ])
  })

  test('FHIR resources are made from partners and services, beside those written by hand', () => {
    const names = deployment.resources.map(({ resourceType, id }) => `${resourceType}/${id}`)
    expect(names.sort()).toEqual([
      'Endpoint/council',
      'Endpoint/hospital',
      'Endpoint/nurses',
      'HealthcareService/care',
      'HealthcareService/nursing',
      'Location/nursing-area',
      'Location/town-hall',
      'Organization/council',
      'Organization/door',
      'Organization/hospital',
    ])
    expect(
      deployment.resources.find(
        ({ id, resourceType }) => id === 'nursing' && resourceType === 'HealthcareService',
      ),
    ).toEqual({
      resourceType: 'HealthcareService',
      id: 'nursing',
      active: true,
      identifier: [{ system: 'https://example.org/svc', value: '77' }],
      providedBy: { reference: 'Organization/hospital' },
      type: [{ text: 'Nursing' }],
      name: 'Home  nursing',
      coverageArea: [{ reference: 'Location/nursing-area' }],
      eligibility: [{ comment: 'Age in full years: 18 to 110' }],
      availableTime: [
        { daysOfWeek: ['mon', 'tue'], availableStartTime: '08:00:00', availableEndTime: '23:59:59' },
      ],
      notAvailable: [{ description: 'Holiday', during: { start: '2026-12-25', end: '2026-12-26' } }],
      endpoint: [{ reference: 'Endpoint/nurses' }],
    })
  })

  test('JSON files are read like YAML', () => {
    const json = JSON.stringify({ name: 'J', timeZone: 'Europe/London', accessPoint: 'door' })
    const { 'deployment.yaml': _yaml, ...rest } = RIGHT
    expect(parseDeployment(new Map(Object.entries({ ...rest, 'deployment.json': json }))).name).toBe('J')
  })
})

describe('a refusal names file, line, what was found and expected, and the fix', () => {
  const rows: [string, File, string, string, string][] = [
    // deployment.yaml
    [
      'zone',
      'deployment.yaml',
      'Europe/London',
      'Europe/Leicester',
      'deployment.yaml:2: found `Europe/Leicester`, expected an IANA time zone such as `Europe/London`; correct it',
    ],
    [
      'access point',
      'deployment.yaml',
      'accessPoint: door',
      'accessPoint: dor',
      'deployment.yaml:3: found `dor`, expected the id of a partner; did you mean `door`?',
    ],
    [
      'unknown key',
      'deployment.yaml',
      'postcodes:',
      'postcode:',
      'deployment.yaml:4: found the unknown key `postcode`, expected one of name, timeZone, accessPoint, publicUrl, postcodes; did you mean `postcodes`?',
    ],
    [
      'unit length',
      'deployment.yaml',
      'unitLength: 3',
      'unitLength: 9',
      'deployment.yaml:4: found the number `9`, expected how many last characters of a postcode are the unit within its area (`LE1 6TH`: 3); 0 to 8; correct it',
    ],
    [
      'public URL',
      'deployment.yaml',
      'accessPoint: door',
      'accessPoint: door\npublicUrl: onedoor.example.org',
      'deployment.yaml:4: found `onedoor.example.org`, expected an absolute http or https URL without user, password, query or fragment; correct it',
    ],
    [
      'key twice',
      'deployment.yaml',
      'accessPoint: door',
      'accessPoint: door\nname: Again',
      'deployment.yaml:4: found YAML that cannot be read (Map keys must be unique), expected valid YAML 1.2; correct the line',
    ],
    // partners
    [
      'required',
      'partners/all.yaml',
      '    name: The hospital\n',
      '',
      'partners/all.yaml:4: found no `name`, expected the name of the partner as people know it; add it',
    ],
    [
      'misspelt key',
      'partners/all.yaml',
      'receives:\n      channel: hl7v2',
      'recieves:\n      channel: hl7v2',
      'partners/all.yaml:13: found the unknown key `recieves`, expected one of name, organization, identifiers, timeZone, sends, receives; did you mean `receives`?',
    ],
    [
      'secret in the file',
      'partners/all.yaml',
      '      application: PAS\n',
      '      application: PAS\n      password: hunter2\n',
      'partners/all.yaml:18: found the unknown key `password`, expected one of channel, host, port, application, facility, version, discardsRepeats, timeoutMs, retry; remove it',
    ],
    [
      'id',
      'partners/all.yaml',
      '  council:\n',
      '  The_Spare:\n    name: Spare\n  council:\n',
      'partners/all.yaml:32: found the id `The_Spare`, expected an id of lower-case letters, digits, `-` and `.`, at most 48, beginning with a letter or digit; rename it',
    ],
    [
      'channel',
      'partners/all.yaml',
      'channel: fhir',
      'channel: fhr',
      'partners/all.yaml:35: found `fhr`, expected one of bars, fhir, hl7v2; did you mean `fhir`?',
    ],
    [
      'no channel',
      'partners/all.yaml',
      '      channel: fhir\n',
      '',
      'partners/all.yaml:34: found no `channel`, expected one of bars, fhir, hl7v2; add it',
    ],
    [
      'port',
      'partners/all.yaml',
      'port: 2575',
      'port: 65536',
      'partners/all.yaml:16: found the number `65536`, expected a TCP port, 1 to 65535; correct it',
    ],
    [
      'port in quotes',
      'partners/all.yaml',
      'port: 2575',
      "port: '2575'",
      'partners/all.yaml:16: found `2575`, expected a whole number: a TCP port, 1 to 65535; write it without quotes',
    ],
    [
      'port from nowhere',
      'partners/all.yaml',
      'port: 2575',
      'port: { env: PAS_PORT }',
      'partners/all.yaml:16: found `PAS_PORT`, which is not set, expected an environment variable with a value; set it or give a `default`',
    ],
    [
      'URL',
      'partners/all.yaml',
      'https://council.example.org/fhir',
      'ftp://council.example.org',
      'partners/all.yaml:36: found `ftp://council.example.org`, expected an absolute http or https URL without user, password, query or fragment; correct it',
    ],
    [
      'secret in a URL',
      'partners/all.yaml',
      'https://council',
      'https://me:hunter2@council',
      'partners/all.yaml:36: found a URL with user, password, query or fragment, expected an absolute http or https URL without user, password, query or fragment; remove that part',
    ],
    [
      'env without a name',
      'partners/all.yaml',
      'env: NURSES_URL, ',
      '',
      'partners/all.yaml:27: found no `env`, expected an environment variable such as `ONEDOOR_UCR_URL`; add it',
    ],
    [
      'number for text',
      'partners/all.yaml',
      "serviceId: '77'",
      'serviceId: 77',
      'partners/all.yaml:28: found the number `77`, expected text: the service id it answers for, as text; put it in quotes',
    ],
    [
      'attempts',
      'partners/all.yaml',
      'maxAttempts: unlimited',
      'maxAttempts: forever',
      'partners/all.yaml:31: found `forever`, expected one of unlimited; write one of these',
    ],
    [
      'attempts 0',
      'partners/all.yaml',
      'maxAttempts: unlimited',
      'maxAttempts: 0',
      'partners/all.yaml:31: found the number `0`, expected attempts before a person is asked, 1 to 10,000, or `unlimited`; correct it',
    ],
    [
      'delays',
      'partners/all.yaml',
      'firstDelayMs: 100',
      'maxDelayMs: 10',
      'partners/all.yaml:29: found maxDelayMs 10 below firstDelayMs 1000, expected maxDelayMs of at least firstDelayMs; raise it',
    ],
    [
      'organization',
      'partners/all.yaml',
      'organization: hospital',
      'organization: hopsital',
      'partners/all.yaml:21: found `hopsital`, expected the id of a partner or Organization; did you mean `hospital`?',
    ],
    [
      'partner zone',
      'partners/all.yaml',
      'Europe/Dublin',
      'Dublin',
      'partners/all.yaml:22: found `Dublin`, expected an IANA time zone such as `Europe/London`; correct it',
    ],
    [
      'sender twice',
      'partners/all.yaml',
      '  council:\n    name: The council\n',
      '  council:\n    name: The council\n    sends: { hl7v2: { applications: [{ application: PAS, facility: H1 }] } }\n',
      'partners/all.yaml:34: found the sender `PAS|H1` again, expected one partner for it, `hospital` has it; remove one',
    ],
    [
      'identifier twice',
      'partners/all.yaml',
      '  council:\n',
      '  council:\n    identifiers: [{ system: https://example.org/org, value: HOSP }]\n',
      'partners/all.yaml:33: found the identifier `HOSP` again, expected one partner for it, `hospital` has it; remove one',
    ],
    [
      'empty list',
      'partners/all.yaml',
      "serviceIds: ['77']",
      'serviceIds: []',
      'partners/all.yaml:24: found an empty list, expected the ids it signs with (MessageHeader.source); add an entry',
    ],
    [
      'nothing',
      'partners/all.yaml',
      'host: pas.example.org',
      'host:',
      'partners/all.yaml:15: found nothing, expected text: a host name or address; give it a value or remove the key',
    ],
    // directory
    [
      'partner of a service',
      'directory/all.yaml',
      'partner: council',
      'partner: counsil',
      'directory/all.yaml:18: found `counsil`, expected the id of a partner; did you mean `council`?',
    ],
    [
      'hours backwards',
      'directory/all.yaml',
      "from: '08:00', to: '24:00'",
      "from: '20:00', to: '08:00'",
      'directory/all.yaml:12: found 20:00 to 08:00, expected an end after its beginning; write two entries: 20:00 to 24:00, and 00:00 to 08:00 on the days after',
    ],
    [
      'time of day',
      'directory/all.yaml',
      "from: '08:00'",
      "from: '8am'",
      'directory/all.yaml:12: found `8am`, expected a time of day from 00:00 to 23:59, as HH:MM; correct it',
    ],
    [
      '24:30',
      'directory/all.yaml',
      "to: '24:00'",
      "to: '24:30'",
      'directory/all.yaml:12: found `24:30`, expected a time of day from 00:01 to 24:00, as HH:MM; correct it',
    ],
    [
      'day',
      'directory/all.yaml',
      '[mon, tue]',
      '[mon, tues]',
      'directory/all.yaml:12: found `tues`, expected one of mon, tue, wed, thu, fri, sat, sun; did you mean `tue`?',
    ],
    [
      'day twice',
      'directory/all.yaml',
      '[mon, tue]',
      '[mon, mon]',
      'directory/all.yaml:12: found entry 1 again as entry 2, expected each entry once; remove one',
    ],
    [
      'no such date',
      'directory/all.yaml',
      "to: '2026-12-26'",
      "to: '2026-12-32'",
      'directory/all.yaml:14: found `2026-12-32`, expected a day of the calendar; correct it',
    ],
    [
      'closure backwards',
      'directory/all.yaml',
      "to: '2026-12-26'",
      "to: '2026-12-24'",
      'directory/all.yaml:14: found 2026-12-25 to 2026-12-24, expected the first day first; exchange them',
    ],
    [
      'ages',
      'directory/all.yaml',
      'minAgeYears: 18',
      'minAgeYears: 111',
      'directory/all.yaml:9: found minAgeYears 111 above maxAgeYears 110, expected the youngest age first; exchange them',
    ],
    [
      'age as text',
      'directory/all.yaml',
      'minAgeYears: 18',
      'minAgeYears: adult',
      'directory/all.yaml:9: found `adult`, expected a whole number: the youngest age it takes in full years, 0 to 130; write it without quotes',
    ],
    [
      'postcode',
      'directory/all.yaml',
      'TS*',
      'T*S',
      'directory/all.yaml:8: found `T*S`, expected an area (`LE1`), a postcode (`LE1 6TH`), or the beginning of one with `*` (`LE*`); correct it',
    ],
    [
      'use case missing',
      'directory/all.yaml',
      '    useCase: { code: home-nursing, display: Home nursing, bilateral: true }\n',
      '',
      'directory/all.yaml:2: found no `useCase`, expected the use case of offers to it, since its partner `nurses` receives over bars; add it',
    ],
    [
      'use case not agreed',
      'directory/all.yaml',
      ', bilateral: true',
      '',
      'directory/all.yaml:15: found `home-nursing`, which is on no national list, expected a code such as `a4t3`, or `bilateral: true`; correct the code or add `bilateral: true`',
    ],
    [
      'national and bilateral',
      'directory/all.yaml',
      'code: home-nursing',
      'code: a4t3',
      'directory/all.yaml:15: found the national code `a4t3` marked bilateral, expected a national code unmarked; remove `bilateral` or use a code of your own',
    ],
    [
      'service id',
      'directory/all.yaml',
      "value: '77'",
      "value: '78'",
      'directory/all.yaml:5: found no identifier `77`, expected the service id its partner `nurses` receives under; correct one of the two',
    ],
    [
      'resource type',
      'directory/all.yaml',
      'resourceType: Location',
      'resourceType: Loction',
      'directory/all.yaml:21: found `Loction`, expected one of Organization, HealthcareService, Location, Endpoint; did you mean `Location`?',
    ],
    [
      'resource again',
      'directory/all.yaml',
      'id: town-hall',
      'id: nursing-area',
      'directory/all.yaml:22: found `Location/nursing-area` again, expected an id that no other resource has, written or made from a partner or service; rename or remove it',
    ],
    // pathways
    [
      'service of a pathway',
      'pathways/all.yaml',
      '[nursing, care]',
      '[nursing, caer]',
      'pathways/all.yaml:7: found `caer`, expected the id of a service; did you mean `care`?',
    ],
    [
      'offer',
      'pathways/all.yaml',
      'offer: automatic',
      'offer: auto',
      'pathways/all.yaml:8: found `auto`, expected one of automatic, manual; write one of these',
    ],
    [
      'fallback by itself',
      'pathways/all.yaml',
      'offer: manual',
      'offer: automatic',
      'pathways/all.yaml:14: found `automatic`, expected `offer: manual` on the fallback: nobody knows the need yet; write `manual`',
    ],
    [
      'no fallback',
      'pathways/all.yaml',
      '    fallback: true\n',
      '',
      'deployment.yaml:1: found no pathway with `fallback: true`, expected one for referrals whose need is unknown; add it in pathways/',
    ],
    [
      'code twice',
      'pathways/all.yaml',
      '    fallback: true\n',
      '    fallback: true\n    codes: [{ code: nurse }]\n',
      'pathways/all.yaml:13: found the code `nurse` again, expected one need for it, `nursing-need` has it; remove one',
    ],
    [
      'code as number',
      'pathways/all.yaml',
      "code: '1'",
      'code: 1',
      'pathways/all.yaml:5: found the number `1`, expected text: the code as text; put it in quotes',
    ],
  ]

  test.each(rows)('%s', (_name, file, from, to, line) => {
    expect(problemsOf(changed(file, from, to))).toEqual([line])
  })

  test('an id used in two files', () => {
    const files = filesOf({ 'partners/more.yaml': 'partners:\n  council:\n    name: Another\n' })
    expect(problemsOf(files)).toEqual([
      'partners/more.yaml:2: found the id `council` again, expected an id of its own, partners/all.yaml:32 has this one; rename one',
    ])
  })

  test('two fallbacks', () => {
    const second =
      'pathways:\n  other:\n    name: Other\n    fallback: true\n    services: []\n    offer: manual\n'
    expect(problemsOf(filesOf({ 'pathways/more.yaml': second }))).toEqual([
      'pathways/more.yaml:4: found a second fallback, expected one fallback, `unknown` is it; remove the key',
    ])
  })

  test('a file in a misspelt folder is not passed over', () => {
    expect(problemsOf(filesOf({ 'partner/x.yaml': 'partners: {}' }))).toEqual([
      'partner/x.yaml:1: found a file in no known place, expected deployment.yaml, or a .yaml or .json file in partners/, directory/ or pathways/; did you mean `partners/`?',
    ])
  })

  test('no deployment.yaml', () => {
    const { 'deployment.yaml': _top, ...rest } = RIGHT
    expect(problemsOf(new Map(Object.entries(rest)))).toEqual([
      'deployment.yaml:1: found no such file, expected the name, zone and access point of the place; add it',
    ])
  })

  test.each([
    ['empty', ''],
    ['a list', '- a\n'],
    ['a comment only', '# nothing\n'],
  ])('a file that is %s', (_name, text) => {
    const [line] = problemsOf(filesOf({ 'partners/more.yaml': text }))
    expect(line).toMatch(/^partners\/more\.yaml:1: found (nothing|a list), expected a map of keys: /)
  })

  test('a tangle of aliases is refused, not expanded', () => {
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...'bcdefg'.split('').map((name, i) => {
        const before = 'abcdefg'[i]
        return `${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}]`
      }),
    ].join('\n')
    expect(problemsOf(filesOf({ 'partners/more.yaml': bomb }))[0]).toMatch(
      /^partners\/more\.yaml:1: found YAML that cannot be resolved/,
    )
  })

  test('an environment variable that holds no URL or port', () => {
    expect(problemsOf(filesOf(), () => 'nonsense')).toEqual([
      'partners/all.yaml:27: found `nonsense`, expected an absolute http or https URL without user, password, query or fragment; correct it',
    ])
    const port = changed('partners/all.yaml', 'port: 2575', 'port: { env: PAS_PORT, default: 1 }')
    expect(problemsOf(port, (name) => (name === 'PAS_PORT' ? '70000' : undefined))).toEqual([
      'partners/all.yaml:16: found `70000`, expected a TCP port, 1 to 65535; correct the environment variable',
    ])
  })

  test('every problem is named at once, in the order of files and lines', () => {
    const files = filesOf({
      'deployment.yaml': RIGHT['deployment.yaml'].replace('Europe/London', 'Here'),
      'partners/all.yaml': RIGHT['partners/all.yaml']
        .replace('port: 2575', 'port: 0')
        .replace('url: https://council.example.org/fhir', 'url: council'),
      'directory/all.yaml': RIGHT['directory/all.yaml'].replace('partner: council', 'partner: nobody'),
    })
    expect(problemsOf(files).map((line) => line.split(': ')[0])).toEqual([
      'deployment.yaml:2',
      'directory/all.yaml:18',
      'partners/all.yaml:16',
      'partners/all.yaml:36',
    ])
  })

  test('where = the first place', () => {
    expect(() => parseDeployment(changed('deployment.yaml', 'Europe/London', 'Here'))).toThrow(
      expect.objectContaining({ code: 'deployment-invalid', where: 'deployment.yaml:2' }),
    )
  })
})

describe('properties', () => {
  const LINE = /^[a-z/.]+\.yaml:\d+: found .+, expected .+; .+$/s
  const files = Object.keys(RIGHT) as File[]
  const edit = fc.record({
    file: fc.constantFrom(...files),
    at: fc.nat(40),
    put: fc.constantFrom(
      '',
      '  x: 1',
      '- y',
      'null',
      '    - {}',
      ': :',
      '\tz',
      '  door:',
      '    name: []',
      '*a',
      '&a b',
    ),
  })

  test('whatever is done to the files: a deployment, or a refusal with a line for each problem', () => {
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        const changes = new Map<string, string>(Object.entries(RIGHT))
        for (const { file, at, put } of edits) {
          const lines = (changes.get(file) ?? '').split('\n')
          lines.splice(at % lines.length, 1, put)
          changes.set(file, lines.join('\n'))
        }
        for (const line of problemsOf(changes)) expect(line).toMatch(LINE)
      }),
      { numRuns: 500 },
    )
  })
})

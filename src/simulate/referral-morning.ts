/** A morning of a hospital's referrals, invented: REF^I12 as UK trusts write it (v2.4 with ITK habits, v2.5.1), for
 *  patients who do not exist (NHS numbers of the 999 test range). */
import { STANDARD_SEPARATORS } from '../codec/hl7v2/separators.js'
import { writeMessage, type SegmentData } from '../codec/hl7v2/build.js'
import { isNhsNumber } from '../terms/nhs-number.js'

export interface Hospital {
  /** MSH-3 and MSH-4. */
  readonly application: string
  readonly facility: string
}

export interface Referral {
  readonly controlId: string
  /** RF1-6.1. */
  readonly referralId: string
  readonly bytes: Uint8Array
}

interface Story {
  readonly family: string
  readonly given: string
  readonly title: string
  readonly birth: string
  readonly sex: 'M' | 'F'
  readonly postcode: string
  readonly street: string
  readonly phone: string
  /** What the referrer asks for: RF1-10, and the service alias in PRD RT. */
  readonly reason: readonly [code: string, text: string]
  readonly service?: readonly [alias: string, name: string]
  readonly priority: 'S' | 'A' | 'R'
  readonly diagnosis: readonly [code: string, text: string]
  readonly allergy?: string
  readonly observations: readonly (readonly [code: string, name: string, value: string, unit: string])[]
  readonly note: string
  readonly version: '2.4' | '2.5.1'
}

const UCR = ['UCR-LEICESTER', 'Urgent Community Response'] as const
const WARD = ['VW-LLR', 'Virtual Ward'] as const
const NURSING = ['CHSPA', 'Community Health Single Point of Access'] as const

const STORIES: readonly Story[] = [
  {
    family: 'Thistlewood',
    given: 'Marigold',
    title: 'Mrs',
    birth: '19410309',
    sex: 'F',
    postcode: 'LE2 1AB',
    street: '7 Invented Lane',
    phone: '0116 496 0101',
    reason: ['FALL', 'Fall at home, cannot get up unaided'],
    service: UCR,
    priority: 'S',
    diagnosis: ['W19', 'Unspecified fall'],
    allergy: 'Penicillin',
    observations: [
      ['59408-5', 'Oxygen saturation', '95', '%'],
      ['8867-4', 'Heart rate', '88', '/min'],
    ],
    note: 'Lives alone. Key safe by the side door, number known to the falls team.',
    version: '2.5.1',
  },
  {
    family: 'Bramblecott',
    given: 'Rufus',
    title: 'Mr',
    birth: '19520621',
    sex: 'M',
    postcode: 'LE4 5CD',
    street: '12 Fictional Road',
    phone: '0116 496 0102',
    reason: ['VW', 'Step-up monitoring of COPD at home'],
    service: WARD,
    priority: 'A',
    diagnosis: ['J44.1', 'COPD with acute exacerbation'],
    observations: [
      ['59408-5', 'Oxygen saturation', '91', '%'],
      ['9279-1', 'Respiratory rate', '22', '/min'],
    ],
    note: 'Home oxygen concentrator in place; daughter staying for the week.',
    version: '2.4',
  },
  {
    family: 'Quillfeather',
    given: 'Dorothea',
    title: 'Miss',
    birth: '19380130',
    sex: 'F',
    postcode: 'LE3 6EF',
    street: '3 Made-up Mews',
    phone: '0116 496 0103',
    reason: ['CATHETER', 'Blocked catheter, in discomfort'],
    service: UCR,
    priority: 'S',
    diagnosis: ['T83.0', 'Mechanical complication of urinary catheter'],
    allergy: 'Latex',
    observations: [['8310-5', 'Body temperature', '37.6', 'Cel']],
    note: 'Hard of hearing: please knock loudly and telephone first.',
    version: '2.4',
  },
  {
    family: 'Pepperwick',
    given: 'Ambrose',
    title: 'Mr',
    birth: '19470815',
    sex: 'M',
    postcode: 'LE5 2GH',
    street: '45 Imagined Street',
    phone: '0116 496 0104',
    reason: ['FRAILTY', 'Sudden loss of function, carers worried'],
    priority: 'A',
    diagnosis: ['R54', 'Age-related physical debility'],
    observations: [['8480-6', 'Systolic blood pressure', '104', 'mm[Hg]']],
    note: 'Two carers twice a day; wife has dementia.',
    version: '2.5.1',
  },
  {
    family: 'Larkspur',
    given: 'Winifred',
    title: 'Mrs',
    birth: '19331104',
    sex: 'F',
    postcode: 'LE8 9JK',
    street: '1 Pretend Place',
    phone: '0116 496 0105',
    reason: ['NURSING', 'Daily dressing of leg wound'],
    service: NURSING,
    priority: 'R',
    diagnosis: ['L97', 'Ulcer of lower limb'],
    allergy: 'Adhesive dressings',
    observations: [],
    note: 'Dressings for three days supplied on discharge.',
    version: '2.5.1',
  },
  {
    family: "O'Fablington",
    given: 'Séan',
    title: 'Mr',
    birth: '19600229',
    sex: 'M',
    postcode: 'LE1 7LM',
    street: 'Flat 9 & 10, Sample House',
    phone: '0116 496 0106',
    reason: ['DIABETES', 'Unstable glucose after discharge'],
    service: UCR,
    priority: 'A',
    diagnosis: ['E11.9', 'Type 2 diabetes mellitus'],
    observations: [['15074-8', 'Glucose in blood', '18.2', 'mmol/L']],
    note: 'Insulin regimen changed on 20 November; district nurse visits not yet arranged.',
    version: '2.4',
  },
]

/** The nth referral of a run. Ids hold the run's own key, so that no two runs share one. */
export function referral(index: number, run: string, at: Date, hospital: Hospital): Referral {
  const story = STORIES[index % STORIES.length]
  if (story === undefined) throw new Error('the morning has no stories')
  const serial = String(index + 1).padStart(4, '0')
  const ids = { controlId: `${run}${serial}`, referralId: `RF-${run}-${serial}` }
  const text = writeMessage(segmentsOf(story, index, ids, at, hospital), STANDARD_SEPARATORS)
  return { ...ids, bytes: Buffer.from(text, 'utf8') }
}

interface Ids {
  readonly controlId: string
  readonly referralId: string
}

function segmentsOf(story: Story, index: number, ids: Ids, at: Date, hospital: Hospital): SegmentData[] {
  const time = hl7Time(at)
  return [
    {
      name: 'MSH',
      fields: {
        3: hospital.application,
        4: hospital.facility,
        5: 'ONEDOOR',
        6: 'SPOA',
        7: time,
        9: story.version === '2.4' ? ['REF', 'I12'] : ['REF', 'I12', 'REF_I12'],
        10: ids.controlId,
        11: 'P',
        12: story.version,
        17: 'GBR',
        18: 'UNICODE UTF-8',
      },
    },
    {
      name: 'RF1',
      fields: {
        1: ['P', 'Pending', 'HL70283'],
        2: [story.priority, PRIORITY[story.priority], 'HL70280'],
        3: [story.reason[0], story.reason[1], 'L'],
        6: [ids.referralId, hospital.facility],
        7: time,
        10: [story.reason[0], story.reason[1], 'L'],
      },
    },
    ...providers(story, hospital),
    patientSegment(story, index, hospital),
    { name: 'DG1', fields: { 1: '1', 3: [story.diagnosis[0], story.diagnosis[1], 'I10'], 6: 'F' } },
    ...(story.allergy === undefined
      ? []
      : [
          {
            name: 'AL1',
            fields: { 1: '1', 2: ['DA', 'Drug allergy', 'HL70127'], 3: ['', story.allergy], 4: 'MO' },
          },
        ]),
    ...(story.observations.length === 0 ? [] : [vitalSigns(time)]),
    ...story.observations.map(([code, name, value, unit], n) => ({
      name: 'OBX',
      fields: {
        1: String(n + 1),
        2: 'NM',
        3: [code, name, 'LN'],
        5: value,
        6: [unit, unit, 'UCUM'],
        11: 'F',
        14: time,
      },
    })),
    {
      name: 'PV1',
      fields: {
        1: '1',
        2: 'I',
        3: ['WARD24', '', 'B3', hospital.facility],
        19: `V${ids.controlId}`,
        44: time,
      },
    },
    { name: 'NTE', fields: { 1: '1', 3: story.note } },
  ]
}

/** Observations of a referral stand under an OBR (HL7 v2.5.1 ch. 11, REF_I12). */
const vitalSigns = (time: string): SegmentData => ({
  name: 'OBR',
  fields: { 1: '1', 4: ['85353-1', 'Vital signs', 'LN'], 7: time, 25: 'F' },
})

function providers(story: Story, hospital: Hospital): SegmentData[] {
  const from: SegmentData = {
    name: 'PRD',
    fields: {
      1: ['RP', 'Referring provider', 'HL70286'],
      2: ['Harebell', 'Asha', '', '', 'Dr'],
      3: ['Ward 24', '', 'Leicester', '', 'LE1 5WW'],
      5: ['0116 496 0000', 'WPN', 'PH'],
      4: ['WARD24', '', '', hospital.facility],
      7: ['C7654321', 'GMC'],
    },
  }
  if (story.service === undefined) return [from]
  const [alias, name] = story.service
  const to: SegmentData = {
    name: 'PRD',
    fields: { 1: ['RT', 'Referred to provider', 'HL70286'], 4: [name], 7: [alias, 'DOS'] },
  }
  return [from, to]
}

function patientSegment(story: Story, index: number, hospital: Hospital): SegmentData {
  const number = testNhsNumber(index)
  return {
    name: 'PID',
    fields: {
      1: '1',
      3: {
        repetitions: [
          [number, '', '', 'NHS', 'NH'],
          [`H${String(700000 + index)}`, '', '', hospital.facility, 'MR'],
        ],
      },
      5: [story.family, story.given, '', '', story.title, '', 'L'],
      7: story.birth,
      8: story.sex,
      11: [story.street, '', 'Leicester', '', story.postcode, 'GBR', 'H'],
      13: [story.phone, 'PRN', 'PH'],
    },
  }
}

const PRIORITY: Readonly<Record<Story['priority'], string>> = { S: 'STAT', A: 'ASAP', R: 'Routine' }

/** The nth number of the 999 test range whose check digit is right. */
export function testNhsNumber(index: number): string {
  let found = -1
  for (let serial = 0; serial < 1_000_000; serial++) {
    const stem = `999${String(serial).padStart(6, '0')}`
    for (let check = 0; check <= 9; check++) {
      if (isNhsNumber(`${stem}${check}`) && ++found === index) return `${stem}${check}`
    }
  }
  throw new Error('the test range is used up')
}

/** In UTC, with its offset. */
const hl7Time = (at: Date): string => `${at.toISOString().replace(/[-:T]/g, '').slice(0, 14)}+0000`

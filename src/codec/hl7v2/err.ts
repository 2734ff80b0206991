/** ERR segments of an answer, in the shape of the version that is spoken. */
import type { ComponentData, SegmentData } from './build.js'

export interface AckError {
  /** `PID-3[2].4.1`; anything that is no HL7 place is left out of ERR. */
  readonly location: string
  /** HL7 table 0357, for example `101`. */
  readonly hl7Code: string
  /** HL7 table 0516. */
  readonly severity: 'E' | 'W' | 'I' | 'F'
  /** For a person at the sender's desk; never patient data. */
  readonly text: string
}

/** From v2.5 one ERR per error with ERR-2 to ERR-8 (HL7 v2.5.1 ch. 2.15.5); before it one ERR whose ERR-1 repeats
 *  (HL7 v2.4 ch. 2.16.5). Without a version the newer shape. */
export function errSegments(
  errors: readonly AckError[],
  version: string | undefined,
): readonly SegmentData[] {
  if (errors.length === 0) return []
  if (isBefore25(version)) {
    return [{ name: 'ERR', fields: { 1: { repetitions: errors.map(codeAndLocation) } } }]
  }
  return errors.map((error) => ({
    name: 'ERR',
    fields: {
      2: locationOf(error.location),
      3: [error.hl7Code, ERROR_NAMES[error.hl7Code], 'HL70357'],
      4: error.severity,
      8: error.text,
    },
  }))
}

/** HL7 table 0357. */
const ERROR_NAMES: Readonly<Record<string, string>> = {
  '0': 'Message accepted',
  '100': 'Segment sequence error',
  '101': 'Required field missing',
  '102': 'Data type error',
  '103': 'Table value not found',
  '200': 'Unsupported message type',
  '201': 'Unsupported event code',
  '202': 'Unsupported processing id',
  '203': 'Unsupported version id',
  '204': 'Unknown key identifier',
  '205': 'Duplicate key identifier',
  '206': 'Application record locked',
  '207': 'Application internal error',
}

const isBefore25 = (version: string | undefined): boolean => {
  const minor = /^2\.(\d+)/.exec(version ?? '')?.[1]
  return minor !== undefined && Number(minor) < 5
}

/** ELD: segment, sequence, field, code. */
function codeAndLocation(error: AckError): readonly ComponentData[] {
  const [segment, sequence, field] = locationOf(error.location)
  return [segment, sequence, field, [error.hl7Code, ERROR_NAMES[error.hl7Code], 'HL70357']]
}

/** ERL: segment, sequence, field, repetition, component, subcomponent. */
function locationOf(location: string): readonly (string | undefined)[] {
  const match = /^([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?(?:-(\d+)(?:\[(\d+)\])?(?:\.(\d+))?(?:\.(\d+))?)?$/.exec(
    location,
  )
  if (match === null) return []
  const [, segment, ordinal = '1', field, repetition = '1', component, subcomponent] = match
  return [segment, ordinal, field, field === undefined ? undefined : repetition, component, subcomponent]
}

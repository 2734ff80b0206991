/** Names and types of segments, fields and components per HL7 version: the only door to the `hl7v2-dictionary`
 *  package. Loading it takes over half a second and 100 MB, so it happens on first use and never on the way of a
 *  message. */

export interface FieldMeaning {
  /** `Patient Identifier List`. */
  readonly name: string
  /** `CX`. */
  readonly type: string
  readonly isRequired: boolean
  readonly mayRepeat: boolean
  /** HL7 table number. */
  readonly table?: number
}

export interface Dictionary {
  /** The version it describes, the nearest known to the one asked for. */
  readonly version: string
  /** `Patient identification`; undefined for a segment the version does not have. */
  segmentName(segment: string): string | undefined
  field(segment: string, field: number): FieldMeaning | undefined
  /** Component of a data type: `component('CX', 4)` is the assigning authority. */
  component(type: string, component: number): FieldMeaning | undefined
  /** The place in words, `Patient Name / Family Name`, down to the component where there is one. */
  describe(segment: string, field: number, component?: number): string | undefined
  /** Segments of a message structure such as `REF_I12`, in order, groups opened. */
  segmentsOf(structure: string): readonly string[] | undefined
}

export async function loadDictionary(version: string): Promise<Dictionary> {
  const { dictionaries, findNearestHL7Version } = await import('hl7v2-dictionary')
  // The package types a version as a template of two numbers; it takes any text and finds the nearest.
  const nearest = findNearestHL7Version(version as Parameters<typeof findNearestHL7Version>[0])
  const data: RawDictionary = dictionaries[nearest] ?? { segments: {}, types: {}, messages: {} }
  return {
    version: nearest,
    segmentName: (segment) => own(data.segments, segment)?.desc,
    field: (segment, field) => meaningOf(own(data.segments, segment)?.fields, field),
    component: (type, component) => meaningOf(own(data.types, type)?.fields, component),
    describe: (segment, field, component) => describe(data, segment, field, component),
    segmentsOf: (structure) => {
      const message = own(data.messages, structure)
      return message === undefined ? undefined : segmentsIn(message.segments)
    },
  }
}

/** The part of the package's data that is read here. */
interface RawDictionary {
  readonly segments: Readonly<Record<string, RawComposite>>
  readonly types: Readonly<Record<string, RawComposite>>
  readonly messages: Readonly<Record<string, { readonly segments?: RawGroup }>>
}

interface RawComposite {
  readonly desc?: string
  readonly fields?: Readonly<Record<string, RawField>>
}

interface RawField {
  readonly type: string
  readonly desc?: string
  readonly opt?: string
  readonly rep?: number | 'infinite'
  readonly table?: number
}

type RawGroup = Readonly<Record<string, { readonly idx: number; readonly segments?: RawGroup }>>

/** Names come from messages, so `constructor` must find nothing. */
const own = <T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined =>
  record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined

function meaningOf(
  fields: Readonly<Record<string, RawField>> | undefined,
  n: number,
): FieldMeaning | undefined {
  const field = own(fields, String(n))
  if (field === undefined) return undefined
  return {
    name: field.desc ?? '',
    type: field.type,
    isRequired: field.opt === 'R',
    mayRepeat: field.rep === 'infinite' || (field.rep ?? 1) > 1,
    ...(field.table === undefined ? {} : { table: field.table }),
  }
}

function describe(
  data: RawDictionary,
  segment: string,
  field: number,
  component?: number,
): string | undefined {
  const meaning = meaningOf(own(data.segments, segment)?.fields, field)
  if (meaning === undefined) return undefined
  const part =
    component === undefined ? undefined : meaningOf(own(data.types, meaning.type)?.fields, component)
  return part === undefined ? meaning.name : `${meaning.name} / ${part.name}`
}

function segmentsIn(group: RawGroup | undefined): readonly string[] {
  const entries = Object.entries(group ?? {}).sort(([, one], [, other]) => one.idx - other.idx)
  return entries.flatMap(([name, entry]) =>
    entry.segments === undefined ? [name] : segmentsIn(entry.segments),
  )
}

/** One segment and what is in it. Text is cut into fields, repetitions and components when first asked for,
 *  and escapes are undone only by `value()`. */
import { decodeEscapes, type Syntax } from './escape.js'
import { isHeaderSegment } from './separators.js'

export class Segment {
  private fields: string[] | undefined
  private read: (Field | undefined)[] | undefined

  constructor(
    /** The segment's exact text, without its line end. */
    readonly raw: string,
    /** `PID`, `ZU1`; whatever stands before the first field separator. */
    readonly name: string,
    /** Place in the message, from 0. */
    readonly index: number,
    /** Place among the segments of the same name, from 1. */
    readonly ordinal: number,
    readonly syntax: Syntax,
  ) {}

  /** Fields present, trailing empty ones included: `PID|1|` has 2. */
  get fieldCount(): number {
    return this.rawFields.length - 1
  }

  /** Exact text per field number; element 0 is the segment's name. */
  get rawFields(): readonly string[] {
    return (this.fields ??= this.split())
  }

  /** Exact text of field `n` (from 1), `''` when absent. MSH-1 is the field separator (HL7 v2.5.1 ch. 2.15.9.1). */
  rawField(n: number): string {
    return n < 1 ? '' : (this.rawFields[n] ?? '')
  }

  field(n: number): Field {
    const read = (this.read ??= [])
    return (read[n] ??= new Field(this.rawField(n), this.isVerbatim(n) ? VERBATIM : this.syntax))
  }

  private isVerbatim(n: number): boolean {
    return n <= 2 && isHeaderSegment(this.name)
  }

  private split(): string[] {
    const separator = this.syntax.separators.field
    const fields = this.raw.split(separator)
    if (isHeaderSegment(this.name)) fields.splice(1, 0, separator)
    return fields
  }
}

export class Field {
  private split: readonly Repetition[] | undefined

  constructor(
    readonly raw: string,
    private readonly syntax: Syntax,
  ) {}

  /** At least one; an absent field has one empty repetition. */
  get repetitions(): readonly Repetition[] {
    return (this.split ??= splitAt(this.raw, this.syntax.separators.repetition).map(
      (raw) => new Repetition(raw, this.syntax),
    ))
  }
}

export class Repetition {
  private components: readonly string[] | undefined

  constructor(
    readonly raw: string,
    private readonly syntax: Syntax,
  ) {}

  /** Components present, at least 1: `A^` has 2. */
  get componentCount(): number {
    return this.rawComponents.length
  }

  /** Subcomponents present in a component (from 1), at least 1. */
  subcomponentCount(component: number): number {
    return splitAt(this.rawComponent(component), this.syntax.separators.subcomponent).length
  }

  /** Exact text of component `n` (from 1), `''` when absent. */
  rawComponent(n: number): string {
    return this.rawComponents[n - 1] ?? ''
  }

  /** `undefined` when nothing was sent, `null` for `""` (the sender says: empty it), else the value with escapes
   *  undone (HL7 v2.5.1 ch. 2.5.3). */
  value(component = 1, subcomponent = 1): string | null | undefined {
    const raw = splitAt(this.rawComponent(component), this.syntax.separators.subcomponent)[subcomponent - 1]
    if (raw === undefined || raw === '') return undefined
    return raw === '""' ? null : decodeEscapes(raw, this.syntax)
  }

  private get rawComponents(): readonly string[] {
    return (this.components ??= splitAt(this.raw, this.syntax.separators.component))
  }
}

/** `''` as separator: the sender declared none, so nothing is split. */
const splitAt = (raw: string, separator: string): readonly string[] =>
  separator === '' || !raw.includes(separator) ? [raw] : raw.split(separator)

/** MSH-1 and MSH-2 are the separators themselves. */
const VERBATIM: Syntax = {
  separators: { field: '', component: '', repetition: '', escape: '', subcomponent: '', truncation: '' },
  characterSet: 'ASCII',
}

/** A parsed HL7 v2 message: the bytes that came in, and segments that are read on demand. */
import type { Issue } from '../../terms/issue.js'
import type { CharacterSet } from './character-set.js'
import { parsePath } from './path.js'
import type { Segment } from './segment.js'
import type { Separators } from './separators.js'

export interface MessageParts {
  /** What arrived. */
  readonly source: Uint8Array | string
  readonly text: string
  readonly separators: Separators
  readonly characterSet: CharacterSet
  readonly segments: readonly Segment[]
  readonly byName: ReadonlyMap<string, readonly Segment[]>
  readonly doubts: readonly Issue[]
}

export class Message {
  readonly separators: Separators
  readonly segments: readonly Segment[]
  /** The set the bytes were read in, as HL7 table 0211 names it. */
  readonly characterSet: CharacterSet
  /** The exact text, line ends included, without a byte order mark. */
  readonly text: string
  /** What had to be guessed to read it: a character set, a line break inside a field. */
  readonly doubts: readonly Issue[]

  constructor(private readonly parts: MessageParts) {
    this.separators = parts.separators
    this.segments = parts.segments
    this.characterSet = parts.characterSet
    this.text = parts.text
    this.doubts = parts.doubts
  }

  /** First segment of that name. */
  segment(name: string): Segment | undefined {
    return this.parts.byName.get(name)?.[0]
  }

  /** All segments of that name, in order. */
  all(name: string): readonly Segment[] {
    return this.parts.byName.get(name) ?? NONE
  }

  /** Value at a path (`PID-5.1`, see path.ts): `undefined` absent or empty, `null` for `""`. */
  get(path: string): string | null | undefined {
    const { segment, ordinal, field, repetition, component, subcomponent } = parsePath(path)
    const found = this.parts.byName.get(segment)?.[ordinal - 1]
    return found?.field(field).repetitions[repetition - 1]?.value(component, subcomponent)
  }

  /** MSH-9.1: `REF`. */
  get messageCode(): string | undefined {
    return this.get('MSH-9.1') ?? undefined
  }

  /** MSH-9.2: `I12`. */
  get triggerEvent(): string | undefined {
    return this.get('MSH-9.2') ?? undefined
  }

  /** MSH-9.3: `REF_I12`, where the sender gives it. */
  get structure(): string | undefined {
    return this.get('MSH-9.3') ?? undefined
  }

  /** `REF^I12` in standard spelling, whatever the declared separators; `ACK` when there is no event. */
  get messageType(): string {
    const { messageCode = '', triggerEvent } = this
    return triggerEvent === undefined ? messageCode : `${messageCode}^${triggerEvent}`
  }

  /** MSH-10. */
  get controlId(): string | undefined {
    return this.get('MSH-10') ?? undefined
  }

  /** MSH-12.1: `2.5.1`. */
  get version(): string | undefined {
    return this.get('MSH-12') ?? undefined
  }

  /** MSH-11.1: `P`, `T` or `D`. */
  get processingId(): string | undefined {
    return this.get('MSH-11') ?? undefined
  }

  /** Byte for byte what came in; a message given as text is written in UTF-8. */
  toBytes(): Uint8Array {
    const { source } = this.parts
    return typeof source === 'string' ? Buffer.from(source) : source
  }
}

const NONE: readonly Segment[] = []

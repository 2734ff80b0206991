/** How much of one HL7 v2 message is read before it is refused. Every value is finite; 0 means 0. */

export interface Hl7Limits {
  /** Bytes of the whole message, byte order mark and line ends included. */
  readonly maxMessageBytes: number
  readonly maxSegments: number
  /** Repetitions of one field. */
  readonly maxRepetitions: number
  /** Bytes of one field (in UTF-8); an OBX-5 that carries a document is one field. */
  readonly maxFieldBytes: number
}

export const DEFAULT_HL7_LIMITS: Hl7Limits = {
  maxMessageBytes: 16 * 1024 * 1024,
  maxSegments: 4_096,
  maxRepetitions: 1_000,
  maxFieldBytes: 12 * 1024 * 1024,
}

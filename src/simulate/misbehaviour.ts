/** The ways a partner can go wrong that its senders must survive. */

export const MISBEHAVIOURS = [
  /** Answers correctly, but late. */
  'slow',
  /** Reads the request and never answers. */
  'silent',
  'error-500',
  'error-503',
  'reject-422',
  /** Takes the message, then cuts the connection instead of answering. */
  'cut',
  /** Sends its own answers twice. */
  'duplicate-answer',
  /** Replies with the ids of another request. */
  'wrong-ids',
] as const

export type Misbehaviour = (typeof MISBEHAVIOURS)[number]

export const isMisbehaviour = (text: string): text is Misbehaviour =>
  MISBEHAVIOURS.some((kind) => kind === text)

/** How long `slow` waits before it answers. */
export const SLOW_MS = 3_000

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

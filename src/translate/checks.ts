/** Checks that an identifier's system may ask for; which system asks for which is data (table identifier-checks). */
import { isNhsNumber, nhsNumberDigits } from '../terms/nhs-number.js'

export interface IdentifierCheck {
  /** What a value that fails should have been, for the warning. */
  readonly expected: string
  /** The value in its one spelling; undefined when it fails. */
  accept(text: string): string | undefined
}

export const CHECKS: ReadonlyMap<string, IdentifierCheck> = new Map([
  [
    'nhs-number',
    {
      expected: 'Not an NHS number (ten digits, modulus 11)',
      accept: (text) => (isNhsNumber(text) ? nhsNumberDigits(text) : undefined),
    },
  ],
])

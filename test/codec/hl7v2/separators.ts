/** Separators a sender may choose, for property tests. */
import fc from 'fast-check'
import type { Separators } from '../../../src/codec/hl7v2/separators.js'

const USABLE = "|^~\\&#!$%*+,-./:;<=>?@[]_`{}'() §¤£"

/** Six different characters, or five and no truncation character. */
export const anySeparators: fc.Arbitrary<Separators> = fc
  .tuple(fc.uniqueArray(fc.constantFrom(...USABLE), { minLength: 6, maxLength: 6 }), fc.boolean())
  .map(([six, hasTruncation]) => {
    const [field = '', component = '', repetition = '', escape = '', subcomponent = '', truncation = ''] = six
    return { field, component, repetition, escape, subcomponent, truncation: hasTruncation ? truncation : '' }
  })

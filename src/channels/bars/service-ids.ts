/** Under which DoS service ids a partner is addressed and signs its messages. */
import { isDosServiceId } from '../../codec/bars/terms.js'
import type { Partner } from '../../directory/types.js'

export const serviceIdsOf = (partner: Partner): readonly string[] => [
  ...(partner.sends.bars?.serviceIds ?? []),
  ...partner.identifiers.filter(({ system }) => isDosServiceId(system)).map(({ value }) => value),
]

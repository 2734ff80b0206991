/** HL7 v2 bytes to a FHIR bundle with its ledger, validated and not, and what that does to memory. */
import { parseMessage } from '../../src/codec/hl7v2/parse.js'
import { isError } from '../../src/terms/issue.js'
import { race } from './measure.js'
import { admission, longResult, referral } from './messages.js'
import { product } from './product.js'
import { result, type Bench, type Result } from './report.js'

/** microsoft/FHIR-Converter's JavaScript version, per CPU second on this kind of machine, measured on an ADT of
 *  0.6 KB and an ORU of 50 KB of ours. It validates nothing and has no template for REF. */
const FHIR_CONVERTER = { ADT: 48, ORU: 0.6 }
const TIMES = 50

export const translate: Bench = {
  name: 'translate',
  run: async () => [
    ...measured('ADT 0.6 KB', admission(), FHIR_CONVERTER.ADT),
    ...measured('REF 1.6 KB', referral()),
    ...measured('ORU 50 KB', longResult(), FHIR_CONVERTER.ORU),
    memory(),
  ],
}

function measured(name: string, text: string, converter?: number): Result[] {
  const { translator, validate, context } = product()
  const bytes = Buffer.from(text)
  const translated = translator.translate(parseMessage(bytes), context)
  const errors = validate(translated.bundle).filter(isError)
  if (!translated.ok || errors.length > 0) {
    throw new Error(`${name} is refused: ${JSON.stringify([...translated.issues, ...errors])}`)
  }
  const rates = race({
    alone: () => translator.translate(parseMessage(bytes), context),
    validated: () => validate(translator.translate(parseMessage(bytes), context).bundle),
  })
  const limit =
    converter === undefined
      ? {}
      : { limit: converter, limitName: 'FHIR-Converter (measured before)', goal: { atLeast: TIMES } }
  return [
    result({
      name: `translate, ${name}`,
      unit: 'per CPU s',
      ours: rates.alone,
      note: 'parse, map, ledger',
    }),
    result({
      name: `translate + validate, ${name}`,
      unit: 'per CPU s',
      ours: rates.validated,
      note: `parse, map, ledger, validate: ${translated.bundle?.entry?.length} entries`,
      ...limit,
    }),
  ]
}

const MESSAGES = 20_000

/** Heap after the first 2,000 messages, all different, and after the last: what grows with messages is a leak. */
function memory(): Result {
  const { translator, validate, context } = product()
  let before = 0
  for (let n = 1; n <= MESSAGES; n++) {
    validate(translator.translate(parseMessage(Buffer.from(admission(String(n)))), context).bundle)
    if (n === 2_000) before = heapMB()
  }
  return result({
    name: `heap grown from message 2,000 to ${MESSAGES.toLocaleString('en-GB')}`,
    unit: 'MB',
    ours: Number((heapMB() - before).toFixed(2)),
    goal: { atMost: 4 },
  })
}

function heapMB(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed / 1024 / 1024
}

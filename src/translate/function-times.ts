/** Mapping functions of dates and times. */
import { offsetInZone, parseHl7Time } from './dates.js'
import type { Hl7Time } from './dates.js'
import { changed, first, ofText, refuseValue } from './function.js'
import type { FunctionDefinition } from './function.js'
import type { Run } from './run.js'
import { textOf } from './tracked.js'
import type { Value } from './tracked.js'

export const TIME_FUNCTIONS: Readonly<Record<string, FunctionDefinition>> = {
  date: timeFunction('HL7 date -> FHIR date, same precision', (_run, _value, time) => time.date),
  dateTime: timeFunction("HL7 time -> FHIR dateTime, sender's zone if none given", (run, value, time) =>
    time.time === undefined ? time.date : withZone(run, value, time),
  ),
  instant: timeFunction('HL7 time -> FHIR instant; nothing for a date alone', (run, value, time) =>
    time.time === undefined ? undefined : withZone(run, value, time),
  ),
  birthTime: timeFunction('time of birth; nothing when it is 0000 padding', (run, value, time) =>
    time.time === undefined || isPadding(time.time) ? undefined : withZone(run, value, time),
  ),
  time: ofText(
    'HL7 time of day HH[MM[SS]] -> FHIR time',
    (text) => {
      const at = parseHl7Time(`20000101${text}`)
      return at?.offset === undefined ? at?.time : undefined
    },
    'a time of day (HH[MM[SS]])',
  ),
  notBefore: {
    args: [1, 1],
    says: 'the end of a period, left out with a warning when it lies before the start',
    compile: (site) => {
      const { evaluate } = first(site)
      return (run, value) => {
        const start = textOf(evaluate(run))
        const end = textOf(value)
        if (start === undefined || end === undefined || !isBefore(end, start)) return value
        refuseValue(run, value, 'at or after the start of its period')
        return undefined
      }
    },
  },
}

function timeFunction(says: string, write: (run: Run, value: Value, time: Hl7Time) => string | undefined) {
  const definition: FunctionDefinition = {
    args: [0, 0],
    says,
    compile: () => (run, value) => {
      const text = textOf(value)
      if (text === undefined) return undefined
      const time = parseHl7Time(text)
      if (time === undefined) {
        refuseValue(run, value, 'a real date or time (YYYY[MM[DD[HH[MM[SS]]]]][+/-ZZZZ])')
        return undefined
      }
      return changed(value, write(run, value, time))
    },
  }
  return definition
}

function withZone(run: Run, value: Value, time: Hl7Time): string {
  if (time.offset !== undefined) return `${time.date}T${time.time}${time.offset}`
  const { timeZone } = run.context
  const { offset, doubt } = offsetInZone(timeZone, time.localMs)
  if (run.zoned++ === 0) run.firstZoned = run.pathOf(value)
  if (doubt === 'skipped') {
    run.warn(
      'value',
      value,
      `The clocks in ${timeZone} skip this time; read with the offset before the change (${offset}).`,
    )
  } else if (doubt === 'twice') {
    run.warn('value', value, `This time comes twice in ${timeZone}; the first was taken (${offset}).`)
  }
  return `${time.date}T${time.time}${offset}`
}

/** An HL7 time of day 0000 in a date of birth is padding, not midnight. */
const isPadding = (time: string): boolean => /^00:00:00(\.0+)?$/.test(time)

/** Compared as far as both are precise; times by the instant they name. */
function isBefore(end: string, start: string): boolean {
  if (end.includes('T') && start.includes('T')) return Date.parse(end) < Date.parse(start)
  const length = Math.min(end.length, start.length, 10)
  return end.slice(0, length) < start.slice(0, length)
}

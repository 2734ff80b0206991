/** No patient's name, number or address leaves the gateway but to those it is meant for: whatever goes wrong, logs at
 *  their loudest, errors, refusals and metrics hold codes and places only. */
import { expect, test } from '@jest/globals'
import { withServe, type Served } from '../support/gateway.js'
import { framed, Sender } from '../wire/mllp-peers.js'

const serve = withServe()
const NAME = 'Zwetschgenbaum'
const NHS_NUMBER = '9990000018'
const POSTCODE = 'QX77 7QX'
const NOTE = 'Sesquipedalian'
const CANARIES = [NAME, NHS_NUMBER, POSTCODE, NOTE, 'canary@example.org']

const PID = `PID|1||${NHS_NUMBER}^^^NHS^NH||${NAME}^${NAME}^^^Mrs||19410309|F|||7 ${NAME} Lane^^Town^^${POSTCODE}||^NET^Internet^canary@example.org`

const message = (id: string, segments: readonly string[], header = ''): string =>
  [
    header === '' ? `MSH|^~\\&|UHLPAS|RWE|ONEDOOR|LLR|20261121093000||REF^I12|${id}|P|2.5.1` : header,
    ...segments,
  ].join('\r') + '\r'

const RF1 = (id: string): string => `RF1|P|A|||O|R-${id}^RWE|20261121|||FALL^${NOTE}^L`
const NTE = `NTE|1||${NOTE} ${NAME}`

/** Taken, and refused for every reason there is content for. */
const MESSAGES: readonly string[] = [
  message('P1', [RF1('P1'), PID, NTE]),
  message('P1', [RF1('P1'), PID, NTE, NTE]),
  message('P2', [RF1('P2'), PID, PID.replace('PID|1', 'PID|2')]),
  message('P3', [NTE, RF1('P3')]),
  message('P4', [
    RF1('P4'),
    PID.replace('19410309', NAME),
    `OBX|1|NM|X^${NAME}||${NAME}|${NAME}`,
    `OBX|2|${NAME}|Y||1`,
  ]),
  message('P5', [RF1('P5'), `${NAME}|${NAME}`, PID]),
  message('P6', [RF1('P6'), PID, `ZZ ${NAME}`]),
  message('P7', [RF1('P7'), PID.replace(NAME, `${NAME}\0`)]),
  message('P8', [RF1('P8'), PID], `MSH|^~\\&|WHO|KNOWS|ONEDOOR|LLR|20261121||REF^I14|P8|P|2.5.1`),
  message('P9', [RF1('P9'), PID], `MSH|^~\\&|UHLPAS|RWE|ONEDOOR|LLR|20261121||REF^I14|P9|P|2.5.1`),
  message('P10', [RF1('P10'), PID], `MSH|^~\\&|UHLPAS|RWE|ONEDOOR|LLR|20261121||REF^I12|P10|T|2.5.1`),
  message('P11', [RF1('P11'), PID], `MSH|^~\\&|UHLPAS|RWE|ONEDOOR|LLR|${NAME}||REF^${NAME}|P11|P|2.5.1`),
  message(
    'P12',
    [RF1('P12'), PID],
    `MSH|^~\\&|UHLPAS|RWE|ONEDOOR|LLR|20261121||REF^I12|P12|P|2.5.1||||||${NAME}`,
  ),
  message('P13', [RF1('P13'), PID], `MSH|^~\\&|UHLPAS|RWE|ONEDOOR|LLR|20261121||REF^I12|P13|${NAME}|${NAME}`),
  `${PID}\r${RF1('P14')}\r`,
  `${NAME} wrote a letter`,
]

async function answersOf(served: Served): Promise<string[]> {
  const sender = await Sender.to(served.mllpPort)
  const raw: string[] = []
  sender.socket.on('data', (chunk: Buffer) => raw.push(chunk.toString('latin1')))
  for (const text of MESSAGES) sender.write(Buffer.from(framed(text), 'utf8'))
  while (sender.answers.length < MESSAGES.length && !sender.ended) await new Promise((r) => setTimeout(r, 20))
  expect(sender.answers[0]).toBe('AA P1')
  expect(sender.answers.filter((answer) => !answer.startsWith('A'))).toEqual([])
  // Text outside a frame, cut off by the sender.
  sender.write(`${NAME} again`)
  sender.socket.end(`\x0b${message('P15', [RF1('P15'), PID])}`)
  await sender.closed()
  return raw
}

async function httpAnswers(http: string): Promise<string[]> {
  const json = { 'content-type': 'application/fhir+json' }
  const patient = JSON.stringify({
    resourceType: 'Patient',
    name: [{ family: NAME, gender: NAME }],
    gender: NAME,
  })
  const task = JSON.stringify({
    resourceType: 'Task',
    id: 'x',
    status: 'acepted',
    authoredOn: NAME,
    intent: 'order',
    description: NOTE,
  })
  const bundle = JSON.stringify({
    resourceType: 'Bundle',
    type: 'message',
    entry: [{ resource: JSON.parse(patient) as unknown }],
  })
  const requests: readonly (readonly [string, RequestInit?])[] = [
    [`/FHIR/R4/Patient?birthdate=${NAME}`],
    [`/FHIR/R4/Patient?${NAME}=1`],
    [`/FHIR/R4/Patient?identifier=a|b|${NHS_NUMBER}&_count=${NAME}`],
    [`/FHIR/R4/Patient/${NAME}`],
    [`/FHIR/R4/${NAME}/1`],
    [`/FHIR/R4/Task/x`, { method: 'PUT', headers: json, body: task }],
    [`/FHIR/R4/Task/x`, { method: 'PUT', headers: json, body: task.slice(0, -3) }],
    [`/FHIR/R4/Patient`, { method: 'POST', headers: json, body: patient }],
    [`/bars/FHIR/R4/$process-message`, { method: 'POST', headers: json, body: bundle }],
    [`/bars/FHIR/R4/$process-message`, { method: 'POST', headers: json, body: `{"a": "${NAME}` }],
    [`/${NAME}`],
  ]
  const bodies: string[] = []
  for (const [path, init] of requests) {
    const response = await fetch(http + path, init)
    expect(response.status).toBeGreaterThanOrEqual(400)
    bodies.push(await response.text())
  }
  bodies.push(await (await fetch(`${http}/metrics`)).text())
  return bodies
}

test('names, numbers, addresses and notes stay out of logs, refusals, errors and metrics', async () => {
  const served = await serve({ env: { LOG_LEVEL: 'trace', MLLP_FRAME_TIMEOUT_MS: '500' } })
  // The names in MSH are echoed to who wrote them; what else an answer says is ours.
  const acks = (await answersOf(served))
    .join('')
    .split('\r')
    .filter((line) => !/^\x0b?MSH/.test(line))
  const bodies = await httpAnswers(served.http)
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  expect(await served.stop()).toBe(0)

  const found = (place: string, text: string): string[] =>
    CANARIES.filter((canary) => text.includes(canary)).map((canary) => `${canary} in ${place}`)
  expect(found('answers', acks.join('\r'))).toEqual([])
  expect(bodies.flatMap((body, n) => found(`body ${n}: ${body}`, body))).toEqual([])
  expect(
    served
      .output()
      .split('\n')
      .flatMap((line) => found(`log: ${line}`, line)),
  ).toEqual([])
  // The log did speak.
  expect(served.output()).toContain('"event":"answered"')
  expect(served.output()).toContain('"fault":"patient-ambiguous"')
}, 60_000)

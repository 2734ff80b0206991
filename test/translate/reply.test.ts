/** RRI: the case's answer in the sender's own words, read back by the codec. */
import { describe, expect, test } from '@jest/globals'
import type { Patient, ServiceRequest, Task } from 'fhir/r4.js'
import { parseMessage } from '../../src/codec/hl7v2/parse.js'
import type { Instant } from '../../src/terms/instant.js'
import { createReplyWriter } from '../../src/translate/reply.js'
import type { ReplyInput } from '../../src/translate/reply.js'
import { mappings, translate, valueAt } from './support.js'

const write = createReplyWriter(mappings)
const referral = translate([
  'MSH|^~\\&|PAS|RWE01|SPOA|LLR|20260610120000||REF^I12^REF_I12|M-1|P|2.4',
  'RF1|A|R||||R-1^PAS|20260610||20260610||UB-1^UBRN',
  'PID|1||9990000026^^^NHS^NH~A1^^^RWE01^MR||Harrow^Nadia||19900215|F',
])
const task = valueAt(referral, 'Task') as Task

const input: ReplyInput = {
  event: 'I12',
  version: '2.4',
  controlId: 'OUT-1',
  now: '2026-06-10T12:30:00.000Z' as Instant,
  processingId: 'P',
  sending: { application: 'SPOA', facility: 'LLR' },
  receiving: { application: 'PAS', facility: 'RWE01' },
  originalControlId: 'M-1',
  serviceRequest: valueAt(referral, 'ServiceRequest') as ServiceRequest,
  task: { ...task, status: 'accepted' },
  patient: valueAt(referral, 'Patient') as Patient,
  provider: {
    resourceType: 'Organization',
    name: 'Urgent Community Response',
    identifier: [{ system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: 'UCR01' }],
  },
  reasons: [],
  notes: ['A nurse will call | today.', 'Ring twice & wait.'],
}

describe('createReplyWriter', () => {
  const message = parseMessage(write(input))

  test.each([
    ['MSH-3', 'SPOA'],
    ['MSH-6', 'RWE01'],
    ['MSH-7', '20260610123000+0000'],
    ['MSH-9.1', 'RRI'],
    ['MSH-9.2', 'I12'],
    ['MSH-10', 'OUT-1'],
    ['MSH-11', 'P'],
    ['MSH-12', '2.4'],
    ['MSA-1', 'AA'],
    ['MSA-2', 'M-1'],
    ['RF1-1.1', 'A'],
    ['RF1-6.2', 'PAS'],
    ['RF1-11.1', 'UB-1'],
    ['PRD-4.9', 'Urgent Community Response'],
    ['PRD-7.1', 'UCR01'],
    ['PID-3.1', '9990000026'],
    ['PID-3.4', 'NHS'],
    ['PID-3[2].5', 'MR'],
    ['PID-5.1', 'Harrow'],
    ['PID-7', '19900215'],
    ['PID-8', 'F'],
    ['NTE[1]-3', 'A nurse will call | today.'],
    ['NTE[2]-1', '2'],
    ['NTE[2]-3', 'Ring twice & wait.'],
  ])('%s is %s', (path, value) => {
    expect(message.get(path)).toBe(value)
  })

  test.each([
    ['accepted', 'A'],
    ['in-progress', 'A'],
    ['received', 'P'],
    ['requested', 'P'],
    ['rejected', 'R'],
    ['failed', 'E'],
  ] as const)('a task %s is RF1-1 %s', (status, code) => {
    expect(parseMessage(write({ ...input, task: { ...task, status } })).get('RF1-1.1')).toBe(code)
  })

  test('reasons are given in RF1-10, coded where they are coded', () => {
    const reasons = [{ text: 'Out of area', code: '5', system: 'local' }, { text: 'No capacity' }]
    const answer = parseMessage(write({ ...input, reasons }))
    expect([answer.get('RF1-10.1'), answer.get('RF1-10.2'), answer.get('RF1-10[2].2')]).toEqual([
      '5',
      'Out of area',
      'No capacity',
    ])
  })

  test('a case without a number of the sender cannot be answered', () => {
    const { identifier: _, ...serviceRequest } = input.serviceRequest
    expect(() => write({ ...input, serviceRequest })).toThrow(
      expect.objectContaining({ code: 'mapping-failed', where: 'RF1-6' }),
    )
  })
})

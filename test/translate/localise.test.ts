import { expect, test } from '@jest/globals'
import { localise } from '../../src/translate/localise.js'
import { translate } from './support.js'

const { bundle } = translate([
  'MSH|^~\\&|PAS|RWE01|SPOA|LLR|20260610120000||REF^I12|M-1|P|2.4',
  'RF1|A|R||||R-1^PAS|20260610',
  'PID|1||X1||Harrow^Nadia',
])

test('references name type and id, the header stays out, the bundle is unchanged', () => {
  const before = JSON.stringify(bundle)
  const resources = bundle === null ? [] : localise(bundle)
  const text = JSON.stringify(resources)
  expect(resources.map(({ resourceType }) => resourceType)).toEqual(['Patient', 'ServiceRequest', 'Task'])
  expect(text).not.toContain('urn:uuid:')
  const [patient, request, task] = resources
  expect(request).toMatchObject({ subject: { reference: `Patient/${patient?.id}` } })
  expect(task).toMatchObject({ focus: { reference: `ServiceRequest/${request?.id}` } })
  expect(JSON.stringify(bundle)).toBe(before)
})

import { describe, expect, test } from '@jest/globals'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readDefinitionsPack } from '../../src/config/assets.js'
import { loadDeployment } from '../../src/config/deployment-files.js'
import { createDefinitions, type DefinitionPack } from '../../src/fhir/definitions.js'
import { createValidator } from '../../src/fhir/validate.js'

const nothingSet = (): undefined => undefined

describe('examples/llr', () => {
  const deployment = loadDeployment('examples/llr', nothingSet)

  test('D1-D8, D14: every named service is in the directory', () => {
    expect([...deployment.services.keys()].sort()).toEqual([
      'acute-visiting',
      'adult-mental-health',
      'community-health',
      'first-contact-plus',
      'icrs-leicester',
      'rutland-customer-service',
      'spoc-leicester',
      'ucr-leicester',
      'uhl-bed-bureau',
      'uhl-sdec',
      'utc-loughborough',
      'virtual-ward',
    ])
  })

  test('the hospital signs as UHLPAS of RWE and gets its answers over MLLP', () => {
    const hospital = deployment.partners.get('uhl')
    expect(hospital?.sends.hl7v2?.applications).toEqual([{ application: 'UHLPAS', facility: 'RWE' }])
    expect(hospital?.receives).toMatchObject({
      channel: 'hl7v2',
      host: '127.0.0.1',
      port: 9105,
      facility: 'RWE',
    })
  })

  test.each([
    ['ONEDOOR_UCR_URL', 'lpt-ucr'],
    ['ONEDOOR_ICRS_URL', 'leicester-city-icrs'],
    ['ONEDOOR_VIRTUAL_WARD_URL', 'lpt-virtual-ward'],
    ['ONEDOOR_FIRST_CONTACT_URL', 'leicestershire'],
    ['ONEDOOR_SDEC_URL', 'uhl-sdec'],
    ['ONEDOOR_UTC_URL', 'dhu'],
    ['ONEDOOR_MENTAL_HEALTH_URL', 'lpt-mental-health'],
    ['ONEDOOR_COMMUNITY_HEALTH_URL', 'lpt-community-health'],
  ])('%s moves %s', (name, partner) => {
    const moved = loadDeployment('examples/llr', (asked) =>
      asked === name ? 'http://127.0.0.1:5' : undefined,
    )
    expect(moved.partners.get(partner)?.receives).toMatchObject({ url: 'http://127.0.0.1:5' })
    expect(readFileSync('examples/llr/README.md', 'utf8')).toContain(`\`${name}\``)
  })

  test('every reference between its resources has an end', () => {
    const { resources } = deployment
    const known = new Set(resources.map(({ resourceType, id }) => `${resourceType}/${id}`))
    const references = [...JSON.stringify(resources).matchAll(/"reference":"([^"]+)"/g)].map(
      (match) => match[1],
    )
    expect(references.length).toBeGreaterThan(0)
    expect(references.filter((reference) => !known.has(reference ?? ''))).toEqual([])
  })
})

describe('resources made from the deployment', () => {
  // The pack is built from the official definitions by `npm run build`.
  const validator = createValidator(createDefinitions(readDefinitionsPack() as DefinitionPack))

  test.each(['examples/llr', 'examples/plain'])('%s: every one is valid FHIR R4', (folder) => {
    const { resources } = loadDeployment(folder, nothingSet)
    const wrong = resources.flatMap((resource) =>
      validator.validate(resource).map(({ where, text }) => [where, text]),
    )
    expect(wrong).toEqual([])
  })
})

describe('another country', () => {
  /** Words of one country's health service; the adopter of `examples/plain` should meet none of them. */
  const NATIONAL = /\b(nhs|ods|bars|dos)\b/i
  const filesUnder = (path: string): string[] =>
    statSync(path).isDirectory() ? readdirSync(path).flatMap((name) => filesUnder(join(path, name))) : [path]
  const withoutComments = (source: string): string =>
    source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')

  test('examples/plain loads', () => {
    const deployment = loadDeployment('examples/plain', nothingSet)
    expect(deployment.timeZone).toBe('Pacific/Auckland')
    expect([...deployment.partners.values()].map(({ receives }) => receives?.channel)).toEqual([
      undefined,
      'hl7v2',
      'fhir',
    ])
  })

  test('examples/plain has no national word', () => {
    expect(filesUnder('examples/plain').filter((file) => NATIONAL.test(readFileSync(file, 'utf8')))).toEqual(
      [],
    )
  })

  test.each(['src/referral', 'src/flow', 'src/capacity'])('the code of %s has no national word', (folder) => {
    const files = existsSync(folder) ? filesUnder(folder) : []
    expect(files.filter((file) => NATIONAL.test(withoutComments(readFileSync(file, 'utf8'))))).toEqual([])
  })
})

describe('loadDeployment', () => {
  test('a folder that is not there names the variable to check', () => {
    expect(() => loadDeployment('examples/nowhere', nothingSet)).toThrow(
      expect.objectContaining({
        code: 'deployment-invalid',
        where: 'examples/nowhere',
        message:
          'The deployment folder cannot be read (ENOENT); expected a folder with deployment.yaml. Check ONEDOOR_DEPLOYMENT.',
      }),
    )
  })

  test('an empty folder lacks its deployment.yaml', () => {
    const folder = mkdtempSync(join(tmpdir(), 'onedoor-deployment-'))
    try {
      writeFileSync(join(folder, 'notes.txt'), 'not read')
      expect(() => loadDeployment(folder, nothingSet)).toThrow(
        /^The deployment has one problem:\ndeployment\.yaml:1: /,
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

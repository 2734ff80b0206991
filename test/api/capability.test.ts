import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Bundle, CapabilityStatement, CapabilityStatementRestResource } from 'fhir/r4.js'
import { readDefinitionsPack } from '../../src/config/assets.js'
import { createDefinitions, type DefinitionPack } from '../../src/fhir/definitions.js'
import { createValidator } from '../../src/fhir/validate.js'
import { isError } from '../../src/terms/issue.js'
import { aTask, withApi } from './support.js'

const api = withApi()
let statement: CapabilityStatement
let resources: readonly CapabilityStatementRestResource[]

const metadata = async (): Promise<string> => (await fetch(`${api.base}/metadata`)).text()

beforeAll(async () => {
  statement = JSON.parse(await metadata()) as CapabilityStatement
  resources = statement.rest?.[0]?.resource ?? []
})

test('says who answers, where and in what', async () => {
  expect(statement).toMatchObject({
    resourceType: 'CapabilityStatement',
    kind: 'instance',
    status: 'active',
    fhirVersion: '4.0.1',
    date: '2026-11-01T00:00:00.000Z',
    software: { name: 'OneDoor', version: '0.0.1' },
    implementation: { url: api.base },
    rest: [{ mode: 'server' }],
  })
  expect(statement.format).toContain('application/fhir+json')
})

test('is valid R4', () => {
  const validator = createValidator(createDefinitions(readDefinitionsPack() as DefinitionPack))
  expect(validator.validate(statement).filter(isError)).toEqual([])
})

test('is the same when asked again', async () => {
  expect(await metadata()).toBe(await metadata())
})

describe('every declared interaction answers', () => {
  /** One resource of the type, so that the reads have something to read. */
  const idOf = async (type: string): Promise<string> => {
    const bundle = (await (await fetch(`${api.base}/${type}?_count=1`)).json()) as Bundle
    return bundle.entry?.[0]?.resource?.id ?? 'none'
  }

  test('read, vread, history, search and update', async () => {
    expect(resources.length).toBeGreaterThan(15)
    for (const { type, interaction = [] } of resources) {
      const id = await idOf(type)
      const found = id === 'none' ? 404 : 200
      const calls = {
        read: [`${type}/${id}`, 'GET', found],
        vread: [`${type}/${id}/_history/1`, 'GET', found],
        'history-instance': [`${type}/${id}/_history`, 'GET', found],
        'search-type': [type, 'GET', 200],
        update: [`${type}/${id}`, 'PUT', found],
      } as const
      for (const { code } of interaction) {
        const call = Object.entries(calls).find(([name]) => name === code)?.[1]
        if (call === undefined) throw new Error(`${type} declares ${code}, which no test calls`)
        const [path, method, status] = call
        const body = method === 'PUT' ? { body: JSON.stringify(aTask(id)) } : {}
        const headers = { 'content-type': 'application/fhir+json' }
        const response = await fetch(`${api.base}/${path}`, { method, headers, ...body })
        expect(`${code} ${path} ${response.status}`).toBe(`${code} ${path} ${status}`)
      }
    }
  })

  test('every declared search parameter is taken, with its kind of value', async () => {
    const values = {
      token: 'x',
      reference: 'urn:uuid:0b1f6a52-2c6e-4c8e-9d6e-0a3f5e2b7c11',
      date: '2026',
      string: 'x',
    } as const
    for (const { type, searchParam = [] } of resources) {
      for (const { name, type: kind } of searchParam) {
        const value = values[kind as keyof typeof values]
        const response = await fetch(`${api.base}/${type}?${name}=${value}`)
        expect(`${type}?${name} ${response.status}`).toBe(`${type}?${name} 200`)
      }
    }
  })

  test('every declared include is taken', async () => {
    for (const { type, searchInclude = [], searchRevInclude = [] } of resources) {
      const queries = [
        ...searchInclude.map((value) => `_include=${value}`),
        ...searchRevInclude.map((value) => `_revinclude=${value}`),
      ]
      const answers = await Promise.all(
        queries.map(async (query) => [query, (await fetch(`${api.base}/${type}?_count=1&${query}`)).status]),
      )
      expect(answers).toEqual(queries.map((query) => [query, 200]))
    }
  })
})

test('every search parameter names its definition', () => {
  const definitions = resources.flatMap(({ searchParam = [] }) =>
    searchParam.map(({ definition }) => definition),
  )
  expect(definitions.filter((url) => !/^https?:\/\/[^ ]+\/SearchParameter\//.test(url ?? ''))).toEqual([])
})

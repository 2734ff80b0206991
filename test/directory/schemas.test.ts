/** The JSON Schemas that editors read are the ones the loader checks with.
 *  `UPDATE_SCHEMAS=1 npm run jest -- test/directory/schemas` and `npm run format` write them anew. */
import { describe, expect, test } from '@jest/globals'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { SCHEMAS } from '../../src/directory/check.js'

const FOLDER = 'schemas/deployment'

const written = (schema: object): string => `${JSON.stringify(schema, null, 2)}\n`

/** Every key that a file may hold, at any depth. */
function fieldsOf(schema: unknown): readonly string[] {
  if (typeof schema !== 'object' || schema === null) return []
  return Object.entries(schema).flatMap(([key, value]) =>
    key === 'properties'
      ? Object.entries(value as object).flatMap(([field, inner]) => [field, ...fieldsOf(inner)])
      : fieldsOf(value),
  )
}

if (process.env.UPDATE_SCHEMAS === '1') {
  for (const [kind, schema] of Object.entries(SCHEMAS)) {
    writeFileSync(`${FOLDER}/${kind}.schema.json`, written(schema))
  }
}

describe('published schemas', () => {
  test.each(Object.entries(SCHEMAS))('%s.schema.json is the loader`s own', (kind, schema) => {
    expect(JSON.parse(readFileSync(`${FOLDER}/${kind}.schema.json`, 'utf8'))).toEqual(
      JSON.parse(written(schema)),
    )
  })

  test('there is no schema of a file that does not exist', () => {
    const files = readdirSync(FOLDER).sort()
    expect(files).toEqual(['deployment', 'directory', 'partners', 'pathways'].map((k) => `${k}.schema.json`))
  })

  test('every field of every schema tells the author what it expects', () => {
    const bare: string[] = []
    const visit = (schema: unknown, path: string): void => {
      if (typeof schema !== 'object' || schema === null) return
      const { properties = {}, ...rest } = schema as { properties?: Record<string, object> }
      for (const [key, field] of Object.entries(properties)) {
        const explained = 'description' in field || 'enum' in field || 'const' in field
        if (!explained) bare.push(`${path}/${key}`)
        visit(field, `${path}/${key}`)
      }
      for (const [key, value] of Object.entries(rest)) visit(value, `${path}/${key}`)
    }
    for (const [kind, schema] of Object.entries(SCHEMAS)) visit(schema, kind)
    expect(bare).toEqual([])
  })

  test('docs/deployments.md explains every field', () => {
    const docs = readFileSync('docs/deployments.md', 'utf8')
    const fields = new Set(fieldsOf(SCHEMAS))
    expect(fields.size).toBeGreaterThan(40)
    expect([...fields].filter((field) => !new RegExp(`\\b${field}\\b`).test(docs))).toEqual([])
  })

  test('the first line of every example file leads the editor to its schema', () => {
    const files = readdirSync('examples', { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.yaml'),
    )
    const lost = files.filter((file) => {
      const parts = file.split('/')
      const kind = parts.length === 2 ? 'deployment' : parts[1]
      const expected = `# yaml-language-server: $schema=${'../'.repeat(parts.length)}schemas/deployment/${kind}.schema.json`
      return readFileSync(`examples/${file}`, 'utf8').split('\n')[0] !== expected
    })
    expect(lost).toEqual([])
  })
})

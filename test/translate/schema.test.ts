/** The published schema accepts every shipped mapping file and refuses what the engine would refuse. */
import { describe, expect, test } from '@jest/globals'
import { Ajv } from 'ajv'
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { mappings } from './support.js'

const ajv = new Ajv({ allErrors: true, strict: false })
const validate = ajv.compile(JSON.parse(readFileSync('mappings/mapping.schema.json', 'utf8')) as object)

test.each([...mappings.keys()])('%s', (path) => {
  const accepted = validate(parse(mappings.get(path) ?? ''))
  expect([accepted, accepted ? [] : validate.errors]).toEqual([true, []])
})

describe('refuses', () => {
  test.each([
    ['a file of no kind', 'about: nothing'],
    ['an unknown directive', 'datatype: X\nmakes: Y\ntemplate:\n  $need: a'],
    [
      'a message without a header',
      'message: m\ntypes: [A]\nbundle: {}\nmake: [a]\nremainder: {resource: a, linkedFrom: a.b}',
    ],
    [
      'an unknown action',
      'message: m\ntypes: [A]\nactions: {A: begin}\nbundle: {}\nmake: [a]\nheader: a\nremainder: {resource: a, linkedFrom: a.b}',
    ],
    ['a resource in lower case', 'resources:\n  a:\n    makes: patient\n    template: {}'],
    ['a field that is no number', 'reply: R\nsegments:\n  - segment: MSH\n    fields: {a: b}'],
  ])('%s', (_name, text) => {
    expect(validate(parse(text))).toBe(false)
  })
})

/** FHIR packages: a gzipped tar, its limits and its damage. */
import { describe, expect, test } from '@jest/globals'
import { gzipSync } from 'node:zlib'
import { readPackage } from '../../src/fhir/package.js'
import { Fault } from '../../src/terms/fault.js'

/** POSIX ustar: 512-byte header, content padded to 512. */
function entry(name: string, content: string, type = '0', prefix = ''): Buffer {
  const body = Buffer.from(content)
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write('0000644\0', 100)
  header.write(body.length.toString(8).padStart(11, '0'), 124)
  header.write(type, 156)
  header.write('ustar\u000000', 257)
  header.write(prefix, 345)
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)])
}

const archive = (...entries: readonly Buffer[]): Buffer =>
  gzipSync(Buffer.concat([...entries, Buffer.alloc(1024)]))
const structure = JSON.stringify({ resourceType: 'StructureDefinition', url: 'http://example.org/a' })

function refusal(read: () => unknown): string {
  try {
    read()
    return 'read'
  } catch (thrown) {
    return thrown instanceof Fault ? thrown.code : String(thrown)
  }
}

describe('readPackage', () => {
  test.each<[string, readonly Buffer[], number]>([
    ['a definition', [entry('package/a.json', structure)], 1],
    ['the manifest is none', [entry('package/package.json', structure)], 0],
    ['examples are passed over', [entry('package/example/a.json', structure)], 0],
    ['other resources are passed over', [entry('package/a.json', '{"resourceType":"Patient"}')], 0],
    [
      'what is not JSON is passed over',
      [entry('package/a.json', '{'), entry('package/b.json', structure)],
      1,
    ],
    ['null is passed over', [entry('package/a.json', 'null')], 0],
    [
      'folders and links are passed over',
      [entry('package/a.json', structure, '5'), entry('package/b.json', '', '2')],
      0,
    ],
    ['a name in two parts', [entry('a.json', structure, '0', 'package')], 1],
    [
      'a pax name',
      [
        entry('x', `${'27 path=package/long-a.json'.length + 1} path=package/long-a.json\n`, 'x'),
        entry('package/lo', structure),
      ],
      1,
    ],
  ])('%s', (_name, entries, count) => {
    expect(readPackage(archive(...entries))).toHaveLength(count)
  })

  test('not gzip', () => {
    expect(refusal(() => readPackage(Buffer.from('no')))).toBe('deployment-invalid')
  })

  test('a damaged header', () => {
    const damaged = entry('package/a.json', structure)
    damaged.write('not octal!!', 124)
    expect(refusal(() => readPackage(archive(damaged)))).toBe('deployment-invalid')
  })

  test('size unpacked: at the limit and one past it', () => {
    const packed = archive(entry('package/a.json', structure))
    expect(readPackage(packed, { maxBytes: 2048 })).toHaveLength(1)
    expect(refusal(() => readPackage(packed, { maxBytes: 2047 }))).toBe('deployment-invalid')
  })
})

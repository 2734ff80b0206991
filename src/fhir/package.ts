/** FHIR packages: a gzipped tar of JSON resources under `package/` (https://confluence.hl7.org/display/FHIR/NPM+Package+Specification). */
import { gunzipSync } from 'node:zlib'
import { Fault } from '../terms/fault.js'

export interface PackageLimits {
  /** Bytes after decompression. Default 512 MiB. */
  readonly maxBytes?: number
}

const CONFORMANCE = new Set(['StructureDefinition', 'ValueSet', 'CodeSystem'])

/** The StructureDefinitions, ValueSets and CodeSystems of a package; its examples and index are passed over. */
export function readPackage(tgz: Uint8Array, limits: PackageLimits = {}): readonly unknown[] {
  const { maxBytes = 512 * 1024 * 1024 } = limits
  const resources: unknown[] = []
  for (const { name, content } of tarEntries(unzipped(tgz, maxBytes))) {
    if (!/^package\/[^/]+\.json$/.test(name) || name === 'package/package.json') continue
    const resource = parsed(content)
    const type = resource?.resourceType
    if (typeof type === 'string' && CONFORMANCE.has(type)) resources.push(resource)
  }
  return resources
}

function unzipped(tgz: Uint8Array, maxBytes: number): Buffer {
  try {
    return gunzipSync(tgz, { maxOutputLength: maxBytes })
  } catch (cause) {
    const text = `The package is not a gzipped tar, or is larger than ${maxBytes} bytes unpacked. Use the published .tgz.`
    throw new Fault('deployment-invalid', text, '', { cause })
  }
}

/** A file that is not JSON is no definition; what is missing then shows as an unknown profile. */
function parsed(content: Buffer): { readonly resourceType?: unknown } | null {
  try {
    return JSON.parse(content.toString('utf8')) as { resourceType?: unknown } | null
  } catch {
    return null
  }
}

interface Entry {
  readonly name: string
  readonly content: Buffer
}

const BLOCK = 512

/** POSIX ustar with pax long names. Only regular files matter here. */
function* tarEntries(tar: Buffer): Generator<Entry> {
  let longName: string | undefined
  for (let at = 0; at + BLOCK <= tar.length;) {
    const header = tar.subarray(at, at + BLOCK)
    const size = Number.parseInt(field(header, 124, 12), 8)
    // Two zero blocks end the archive.
    if (header[0] === 0) return
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new Fault(
        'deployment-invalid',
        'The package has a damaged tar header. Fetch it again.',
        `byte ${at}`,
      )
    }
    const content = tar.subarray(at + BLOCK, at + BLOCK + size)
    const type = String.fromCharCode(header[156] ?? 0)
    if (type === 'x') longName = /\d+ path=([^\n]+)\n/.exec(content.toString('utf8'))?.[1]
    else {
      if (type === '0' || type === '\0') yield { name: longName ?? nameOf(header), content }
      longName = undefined
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
  }
}

function nameOf(header: Buffer): string {
  const prefix = field(header, 345, 155)
  const name = field(header, 0, 100)
  return prefix === '' ? name : `${prefix}/${name}`
}

function field(header: Buffer, start: number, length: number): string {
  const bytes = header.subarray(start, start + length)
  const end = bytes.indexOf(0)
  return bytes
    .subarray(0, end < 0 ? length : end)
    .toString('utf8')
    .trim()
}

/** A deployment folder on disk -> the checked deployment. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { parseDeployment, type EnvLookup } from '../directory/deployment.js'
import type { Deployment } from '../directory/types.js'
import { Fault } from '../terms/fault.js'

/** Mapping overlays live beside the deployment's own files and are read by the translation. */
const NOT_OURS = ['mappings', 'profiles']

/** Throws Fault `deployment-invalid` when the folder cannot be read or any file in it is wrong. */
export function loadDeployment(folder: string, env: EnvLookup): Deployment {
  return parseDeployment(readFiles(folder), env)
}

function readFiles(folder: string): ReadonlyMap<string, string> {
  try {
    return new Map(
      readdirSync(folder, { withFileTypes: true, recursive: true })
        .filter((entry) => entry.isFile() && /\.(ya?ml|json)$/.test(entry.name))
        .map((entry) => join(entry.parentPath, entry.name))
        .map((path): [string, string] => [relative(folder, path).split(sep).join('/'), path])
        .filter(([file]) => !NOT_OURS.includes(file.split('/')[0] ?? '') && !file.startsWith('.'))
        .map(([file, path]) => [file, readFileSync(path, 'utf8')]),
    )
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? 'for a reason unknown' // fs throws nothing else
    throw new Fault(
      'deployment-invalid',
      `The deployment folder cannot be read (${why}); expected a folder with deployment.yaml. Check ONEDOOR_DEPLOYMENT.`,
      folder,
      { cause },
    )
  }
}

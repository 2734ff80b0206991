/** A deployment folder on disk -> the checked deployment. */
import { parseDeployment, type EnvLookup } from '../directory/deployment.js'
import type { Deployment } from '../directory/types.js'
import { Fault } from '../terms/fault.js'
import { readTexts } from './assets.js'

/** Folders that other parts of the product read: mapping overlays and profiles of the deployment. */
const NOT_OURS = ['mappings', 'profiles', 'morning']

/** Throws Fault `deployment-invalid` when the folder cannot be read or any file in it is wrong. */
export function loadDeployment(folder: string, env: EnvLookup): Deployment {
  return parseDeployment(readFiles(folder), env)
}

function readFiles(folder: string): ReadonlyMap<string, string> {
  try {
    const texts = readTexts(folder, ['.yaml', '.yml', '.json'])
    return new Map([...texts].filter(([file]) => !NOT_OURS.includes(file.split('/')[0] ?? '')))
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

/** A private copy of the built product, as it is or with a defect put in: a build elsewhere cannot pull it away, and
 *  a mutant never touches `dist`. */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  chmodSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One text of one compiled file, replaced. */
export interface Defect {
  /** Relative to `dist`. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

export interface Product {
  /** What `node` runs. */
  readonly entry: string
  readonly remove: () => void
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SHARED = ['node_modules', 'mappings', 'profiles', 'package.json']

/** Throws when the product was not built, or when a defect's text is not there exactly once: then the code has moved
 *  on and the defect must be written anew. */
export function copyOfProduct(defects: readonly Defect[] = []): Product {
  const dist = join(ROOT, 'dist')
  if (!existsSync(join(dist, 'main.js')))
    throw new Error('dist/main.js is missing; run `npm run build` first.')
  const folder = mkdtempSync(join(tmpdir(), 'onedoor-kill-product-'))
  chmodSync(folder, 0o755)
  const copy = join(folder, 'dist')
  cpSync(dist, copy, { recursive: true })
  for (const name of SHARED) symlinkSync(join(ROOT, name), join(folder, name))
  for (const { file, find, replace } of defects) {
    const path = join(copy, file)
    const parts = readFileSync(path, 'utf8').split(find)
    if (parts.length !== 2) {
      throw new Error(`dist/${file} holds ${parts.length - 1} times, expected once: ${find}`)
    }
    writeFileSync(path, parts.join(replace))
  }
  return { entry: join(copy, 'main.js'), remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** `npm start`: builds when `dist/` is missing, then runs the gateway in this process. */
import { existsSync } from 'node:fs'

if (!existsSync(new URL('../dist/main.js', import.meta.url))) await import('./build.mjs')
await import('../dist/main.js')

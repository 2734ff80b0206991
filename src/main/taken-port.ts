/** A port that cannot be listened on is the operator's to mend: said with its variable, not as a defect. */
import { Fault } from '../terms/fault.js'

export async function listening<T>(
  variable: string,
  host: string,
  port: number,
  start: Promise<T>,
): Promise<T> {
  try {
    return await start
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    const why = WHY[String(code)]
    if (why === undefined) throw cause
    throw new Fault(
      'config-invalid',
      `${variable}: ${host}:${port} ${why}; stop what has it, or set ${variable} to another port (0: any free one).`,
      '',
      { cause },
    )
  }
}

const WHY: Readonly<Record<string, string | undefined>> = {
  EADDRINUSE: 'is in use',
  EACCES: 'may not be opened by this account',
  EADDRNOTAVAIL: 'is no address of this machine',
}

/** Environment -> one frozen, checked value. Every bad value is named at once and start is refused. */
import { Fault } from '../terms/fault.js'

export interface Config {
  readonly host: string
  readonly port: number
  readonly mllpPort: number
  /** Set: MLLP speaks TLS only; with an authority every client must prove a certificate of it. */
  readonly mllpTls: TlsFiles | undefined
  readonly databaseUrl: string | undefined
  readonly dataDir: string
  /** Made by `onedoor init-cluster`; copied when the data directory has no database yet. */
  readonly clusterTemplate: string | undefined
  readonly deploymentDir: string
  readonly publicUrl: string | undefined
  readonly auth: 'none'
  readonly logLevel: LogLevel
  readonly limits: Limits
}

/** Paths of PEM files. */
export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string | undefined
}

export type LogLevel = (typeof LOG_LEVELS)[number]

/** Every limit has its unit in its name, a finite default and a variable; 0 means 0. */
export interface Limits {
  readonly mllpMaxFrameBytes: number
  readonly mllpMaxConnections: number
  readonly mllpIdleTimeoutMs: number
  readonly mllpFrameTimeoutMs: number
  readonly mllpMaxInFlight: number
  readonly hl7MaxMessageBytes: number
  readonly hl7MaxSegments: number
  readonly hl7MaxRepetitions: number
  readonly hl7MaxFieldBytes: number
  readonly httpMaxBodyBytes: number
  readonly databasePoolSize: number
  readonly statementTimeoutMs: number
  readonly deliveryConcurrency: number
  readonly deliveryLeaseMs: number
  readonly deliveryPollMs: number
  readonly stopGraceMs: number
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

interface Bound {
  readonly variable: string
  readonly fallback: number
  readonly min: number
  readonly max: number
}

const bound = (variable: string, fallback: number, min: number, max: number): Bound => ({
  variable,
  fallback,
  min,
  max,
})

const MB = 1024 * 1024

/** Documented in docs/operations.md; a test compares the two. */
export const LIMIT_BOUNDS: Readonly<Record<keyof Limits, Bound>> = {
  mllpMaxFrameBytes: bound('MLLP_MAX_FRAME_BYTES', 16 * MB, 1024, 1024 * MB),
  mllpMaxConnections: bound('MLLP_MAX_CONNECTIONS', 1000, 0, 65_536),
  mllpIdleTimeoutMs: bound('MLLP_IDLE_TIMEOUT_MS', 3_600_000, 0, 86_400_000),
  mllpFrameTimeoutMs: bound('MLLP_FRAME_TIMEOUT_MS', 60_000, 0, 3_600_000),
  mllpMaxInFlight: bound('MLLP_MAX_IN_FLIGHT', 1, 1, 1024),
  hl7MaxMessageBytes: bound('HL7_MAX_MESSAGE_BYTES', 16 * MB, 1024, 1024 * MB),
  hl7MaxSegments: bound('HL7_MAX_SEGMENTS', 4096, 1, 1_000_000),
  hl7MaxRepetitions: bound('HL7_MAX_REPETITIONS', 1000, 1, 1_000_000),
  hl7MaxFieldBytes: bound('HL7_MAX_FIELD_BYTES', 12 * MB, 1, 1024 * MB),
  httpMaxBodyBytes: bound('HTTP_MAX_BODY_BYTES', 10 * MB, 1024, 1024 * MB),
  databasePoolSize: bound('DATABASE_POOL_SIZE', 24, 2, 500),
  statementTimeoutMs: bound('DATABASE_STATEMENT_TIMEOUT_MS', 10_000, 100, 600_000),
  deliveryConcurrency: bound('DELIVERY_CONCURRENCY', 32, 1, 1000),
  deliveryLeaseMs: bound('DELIVERY_LEASE_MS', 20_000, 1000, 3_600_000),
  deliveryPollMs: bound('DELIVERY_POLL_MS', 1000, 10, 60_000),
  stopGraceMs: bound('STOP_GRACE_MS', 8000, 0, 600_000),
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Throws Fault `config-invalid` whose message lists every bad value. */
export function loadConfig(env: Environment): Config {
  const problems: string[] = []
  const limits = Object.fromEntries(
    Object.entries(LIMIT_BOUNDS).map(([name, limit]) => [name, whole(env, limit, problems)]),
  ) as unknown as Limits
  const config: Config = {
    host: env['HOST'] ?? '127.0.0.1',
    port: whole(env, bound('PORT', 8080, 0, 65_535), problems),
    mllpPort: whole(env, bound('MLLP_PORT', 2575, 0, 65_535), problems),
    mllpTls: tlsFiles(env, problems),
    databaseUrl: databaseUrl(env['DATABASE_URL'], problems),
    dataDir: env['ONEDOOR_DATA_DIR'] ?? './data',
    clusterTemplate: env['ONEDOOR_CLUSTER_TEMPLATE'],
    deploymentDir: env['ONEDOOR_DEPLOYMENT'] ?? './examples/llr',
    publicUrl: url(env['ONEDOOR_PUBLIC_URL'], problems),
    auth: auth(env['ONEDOOR_AUTH'], problems),
    logLevel: logLevel(env['LOG_LEVEL'], problems),
    limits: Object.freeze(limits),
  }
  if (config.auth === 'none' && !isLoopback(config.host)) {
    problems.push(
      `HOST: found ${config.host}; without authentication only loopback (127.0.0.1, ::1, localhost) is served`,
    )
  }
  if (problems.length > 0) {
    throw new Fault(
      'config-invalid',
      `The environment has ${problems.length} bad value(s):\n${problems.join('\n')}`,
    )
  }
  return Object.freeze(config)
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)

function whole(env: Environment, { variable, fallback, min, max }: Bound, problems: string[]): number {
  const text = env[variable]
  if (text === undefined || text === '') return fallback
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN
  if (value >= min && value <= max) return value
  problems.push(`${variable}: found ${JSON.stringify(text)}; expected a whole number from ${min} to ${max}`)
  return fallback
}

function url(text: string | undefined, problems: string[]): string | undefined {
  if (text === undefined || text === '') return undefined
  if (URL.canParse(text) && /^https?:/.test(text)) return text.replace(/\/$/, '')
  problems.push('ONEDOOR_PUBLIC_URL: expected an http or https URL')
  return undefined
}

function databaseUrl(text: string | undefined, problems: string[]): string | undefined {
  if (text === undefined || text === '') return undefined
  if (/^postgres(ql)?:\/\//.test(text)) return text
  problems.push('DATABASE_URL: expected postgres://user:password@host:port/database')
  return undefined
}

function tlsFiles(env: Environment, problems: string[]): TlsFiles | undefined {
  const certFile = env['MLLP_TLS_CERT_FILE']
  const keyFile = env['MLLP_TLS_KEY_FILE']
  const caFile = env['MLLP_TLS_CA_FILE']
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile, caFile }
  if (certFile !== undefined || keyFile !== undefined || caFile !== undefined) {
    problems.push('MLLP_TLS_CERT_FILE, MLLP_TLS_KEY_FILE: TLS needs both; MLLP_TLS_CA_FILE goes with them')
  }
  return undefined
}

function auth(text: string | undefined, problems: string[]): 'none' {
  if (text === undefined || text === '' || text === 'none') return 'none'
  problems.push(`ONEDOOR_AUTH: found ${JSON.stringify(text)}; this release knows "none" (loopback only)`)
  return 'none'
}

function logLevel(text: string | undefined, problems: string[]): LogLevel {
  const found = LOG_LEVELS.find((level) => level === (text ?? 'info'))
  if (found !== undefined) return found
  problems.push(`LOG_LEVEL: found ${JSON.stringify(text)}; expected one of ${LOG_LEVELS.join(', ')}`)
  return 'info'
}

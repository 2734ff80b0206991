/** The gateway: read config, open the store, start the edges; what is started here is stopped in reverse. */
import { schedule } from 'node-cron'
import { refuseUnlessLoopback } from '../api/access.js'
import { createApp } from '../api/app.js'
import { fhirRouter } from '../api/fhir-router.js'
import { healthRouter } from '../api/health.js'
import { DEFAULT_API_LIMITS } from '../api/limits.js'
import { createMetrics, metricsRouter, type Metrics } from '../api/metrics.js'
import { barsRouter } from '../channels/bars/router.js'
import { startMllpListener, type MllpListenerOptions } from '../channels/mllp/listener.js'
import { productReleased, productVersion, readTls, shippedOr } from '../config/assets.js'
import { loadDeployment } from '../config/deployment-files.js'
import { loadConfig, type Config } from '../config/environment.js'
import { createLog, describe, logObserver, type Log } from '../config/log.js'
import type { Deployment } from '../directory/types.js'
import { receiveAnswer } from '../flow/answer.js'
import type { Gateway, Observer } from '../flow/gateway.js'
import { updateTask } from '../flow/update-task.js'
import { startWork } from '../flow/work.js'
import { instantOf } from '../terms/instant.js'
import { openConfiguredStore } from './database.js'
import { hostInUrl, listenHttp } from './http-listener.js'
import { newId } from './new-id.js'
import { createPublishers } from './publishers.js'
import { stopSignal } from './stop-signal.js'
import { listening } from './taken-port.js'
import { loadTranslation } from './translation.js'

type Stop = () => Promise<unknown>

/** Runs until SIGTERM, SIGINT or SIGHUP. */
export async function serve(): Promise<number> {
  const config = loadConfig(process.env)
  const log = createLog(config.logLevel)
  const stops: Stop[] = []
  const signalled = stopSignal()
  try {
    await start(config, log, stops)
    log.info({ event: 'stopping', signal: await signalled })
  } finally {
    for (const stop of stops.reverse()) {
      await stop().catch((error: unknown) => log.error({ event: 'stop-failed', ...describe(error) }))
    }
  }
  return 0
}

async function start(config: Config, log: Log, stops: Stop[]): Promise<void> {
  const { limits } = config
  const { host } = config
  const http = await listening('PORT', host, config.port, listenHttp(host, config.port))
  stops.push(() => http.close(limits.stopGraceMs))
  const baseUrl = `http://${hostInUrl(host)}:${http.port}`
  // PostgreSQL starts in processes of its own while mappings and deployment are read in this one.
  const opening = openConfiguredStore(config, log)
  stops.push(() =>
    opening.then(
      ({ close }) => close(),
      () => undefined,
    ),
  )
  const translation = loadTranslation()
  const publishers = createPublishers()
  stops.push(publishers.close)
  const deployment = deploymentOf(config, baseUrl)
  const { store } = await opening

  const metrics = createMetrics()
  const gateway: Gateway = {
    store,
    deployment,
    ...translation,
    publishers: publishers.byChannel,
    clock,
    newId,
    random: Math.random,
    acceptUnregistered: config.auth === 'none',
    hl7Limits: hl7Limits(config),
    observe: both(logObserver(log), metrics),
  }
  await store.putDirectory(deployment.resources, clock())

  const work = startWork(gateway, {
    concurrency: limits.deliveryConcurrency,
    leaseMs: Math.max(limits.deliveryLeaseMs, 2 * longestTimeoutMs(deployment)),
    pollMs: limits.deliveryPollMs,
  })
  stops.push(work.stop)
  const deadlines = schedule('* * * * * *', () =>
    work.tick().catch((error: unknown) => gateway.observe.failed('deadlines-unreachable', error)),
  )
  stops.push(async () => deadlines.stop())

  let takingWork = false
  http.answerWith(application(config, gateway, metrics, () => takingWork))
  const mllp = await listening(
    'MLLP_PORT',
    host,
    config.mllpPort,
    startMllpListener(mllpOptions(config), gateway),
  )
  stops.push(() => mllp.close(limits.stopGraceMs))
  takingWork = true
  stops.push(async () => {
    takingWork = false
  })
  process.stdout.write(`${JSON.stringify({ event: 'listening', http: baseUrl, mllpPort: mllp.port })}\n`)
}

const clock = () => instantOf(new Date())

function deploymentOf(config: Config, baseUrl: string): Deployment {
  const found = loadDeployment(shippedOr(config.deploymentDir), (name) => process.env[name])
  return { ...found, publicUrl: config.publicUrl ?? found.publicUrl ?? baseUrl }
}

/** A lease must outlive the send it covers, or two workers would send at once. */
const longestTimeoutMs = ({ partners }: Deployment): number =>
  Math.max(0, ...[...partners.values()].map(({ receives }) => receives?.timeoutMs ?? 0))

const hl7Limits = ({ limits }: Config): Gateway['hl7Limits'] => ({
  maxMessageBytes: limits.hl7MaxMessageBytes,
  maxSegments: limits.hl7MaxSegments,
  maxRepetitions: limits.hl7MaxRepetitions,
  maxFieldBytes: limits.hl7MaxFieldBytes,
})

function application(config: Config, gateway: Gateway, metrics: Metrics, isTakingWork: () => boolean) {
  const { store, deployment, clock: now, newId } = gateway
  const log = gateway.observe.failed
  const limits = { ...DEFAULT_API_LIMITS, maxBodyBytes: config.limits.httpMaxBodyBytes }
  const software = { version: productVersion(), released: productReleased() }
  metrics.watchStore(store, now)
  return createApp({
    guard: refuseUnlessLoopback,
    open: [
      healthRouter({ store, version: software.version, now, isTakingWork, pingTimeoutMs: 2000 }),
      metricsRouter(metrics),
    ],
    routers: [
      [
        '/FHIR/R4',
        fhirRouter({
          store,
          deployment,
          validate: gateway.validate,
          updateTask: (update) => updateTask(update, gateway),
          now,
          log,
          limits,
          software,
          operations: [],
        }),
      ],
      [
        '/bars/FHIR/R4',
        barsRouter({
          deployment,
          receiveAnswer: (answer) => receiveAnswer(answer, gateway),
          quarantine: (input) => store.quarantine(input),
          now,
          newId,
          log,
        }),
      ],
    ],
    newId,
    log,
  })
}

function mllpOptions({ host, mllpPort, mllpTls, limits }: Config): MllpListenerOptions {
  return {
    host,
    port: mllpPort,
    ...(mllpTls === undefined ? {} : { tls: readTls(mllpTls) }),
    limits: {
      maxFrameBytes: limits.mllpMaxFrameBytes,
      maxConnections: limits.mllpMaxConnections,
      maxConnectionsPerAddress: limits.mllpMaxConnections,
      idleTimeoutMs: limits.mllpIdleTimeoutMs,
      frameTimeoutMs: limits.mllpFrameTimeoutMs,
      maxInFlight: limits.mllpMaxInFlight,
    },
  }
}

const both = (first: Observer, second: Observer): Observer => ({
  answered: (info) => {
    first.answered(info)
    second.answered(info)
  },
  attempted: (info) => {
    first.attempted(info)
    second.attempted(info)
  },
  failed: (event, error) => {
    first.failed(event, error)
    second.failed(event, error)
  },
})

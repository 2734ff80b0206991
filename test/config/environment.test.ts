import { describe, expect, test } from '@jest/globals'
import { loadConfig, LIMIT_BOUNDS } from '../../src/config/environment.js'
import { Fault } from '../../src/terms/fault.js'

const faultOf = (env: Record<string, string>): Fault => {
  try {
    loadConfig(env)
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown
    throw thrown
  }
  throw new Error('the environment was accepted')
}

describe('environment', () => {
  test('an empty one serves loopback on the documented ports', () => {
    expect(loadConfig({})).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      mllpPort: 2575,
      dataDir: './data',
      deploymentDir: './examples/llr',
      auth: 'none',
      logLevel: 'info',
    })
  })

  test('names every bad value at once', () => {
    const fault = faultOf({ PORT: '99999', MLLP_PORT: 'x', LOG_LEVEL: 'loud', DATABASE_URL: 'mysql://x' })
    expect(fault.code).toBe('config-invalid')
    for (const name of ['PORT', 'MLLP_PORT', 'LOG_LEVEL', 'DATABASE_URL'])
      expect(fault.message).toContain(name)
  })

  test.each(['0.0.0.0', '10.0.0.1', '::', 'example.org'])('refuses %s without authentication', (host) => {
    expect(faultOf({ HOST: host }).message).toContain('loopback')
  })

  test.each(Object.entries(LIMIT_BOUNDS))(
    '%s is taken at its bounds and refused one past them',
    (name, limit) => {
      const set = (value: number): Record<string, string> => ({ [limit.variable]: String(value) })
      const limits = (env: Record<string, string>): Record<string, number> => ({ ...loadConfig(env).limits })
      expect(limits(set(limit.min))[name]).toBe(limit.min)
      expect(limits(set(limit.max))[name]).toBe(limit.max)
      expect(faultOf(set(limit.max + 1)).message).toContain(limit.variable)
      if (limit.min > 0) expect(faultOf(set(limit.min - 1)).message).toContain(limit.variable)
    },
  )

  test('does not change afterwards', () => {
    const config = loadConfig({})
    expect(Object.isFrozen(config) && Object.isFrozen(config.limits)).toBe(true)
  })
})

import { describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { faultOf } from '../../src/store/fault-of.js'
import { Fault } from '../../src/terms/fault.js'

function refusal(code: string): pg.DatabaseError {
  const error = new pg.DatabaseError('Key (name)=(Margaret Example) already exists', 10, 'error')
  error.code = code
  return error
}

describe('SQLSTATE -> fault', () => {
  test.each([
    ['serialization_failure', '40001', 'store-busy'],
    ['deadlock_detected', '40P01', 'store-busy'],
    ['lock_not_available', '55P03', 'store-busy'],
    ['query_canceled', '57014', 'store-busy'],
    ['too_many_connections', '53300', 'store-busy'],
    ['disk_full', '53100', 'store-unavailable'],
    ['admin_shutdown', '57P01', 'store-unavailable'],
    ['cannot_connect_now', '57P03', 'store-unavailable'],
    ['io_error', '58030', 'store-unavailable'],
    ['connection_failure', '08006', 'store-unavailable'],
    ['untranslatable_character', '22P05', 'characters-invalid'],
    ['program_limit_exceeded', '54000', 'value-invalid'],
    ['unique_violation', '23505', 'internal-error'],
    ['undefined_column', '42703', 'internal-error'],
  ])('%s', (_name, state, code) => {
    const cause = refusal(state)
    const fault = faultOf(cause)
    expect(fault).toMatchObject({ code, cause })
    expect(fault.message).not.toContain('Margaret')
  })
})

test.each([
  ['no free connection in time', 'timeout exceeded when trying to connect', 'store-busy'],
  ['connection lost', 'Connection terminated unexpectedly', 'store-unavailable'],
  ['no answer', 'Query read timeout', 'store-unavailable'],
  ['nobody listens', 'connect ECONNREFUSED 127.0.0.1:5432', 'store-unavailable'],
])('%s', (_name, message, code) => {
  expect(faultOf(new Error(message)).code).toBe(code)
})

test('a Fault stays what it is', () => {
  const fault = new Fault('case-unknown', 'x')
  expect(faultOf(fault)).toBe(fault)
})

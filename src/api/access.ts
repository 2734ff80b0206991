/** Without authentication the API answers this machine alone. */
import type { Request, RequestHandler } from 'express'
import { isIP } from 'node:net'
import { Fault } from '../terms/fault.js'

/** Refuses callers from elsewhere, proxies (they speak for callers elsewhere) and names that are not this machine's:
 *  a web page may point its own host name at 127.0.0.1 and read the answers (DNS rebinding). */
export const refuseUnlessLoopback: RequestHandler = (request, _response, next) => {
  if (
    isLoopback(request.socket.remoteAddress ?? '') &&
    !isForwarded(request) &&
    isLocalHost(request.headers.host)
  ) {
    next()
    return
  }
  throw new Fault(
    'access-refused',
    'Without authentication only this machine itself is answered; set ONEDOOR_AUTH to serve others.',
    'caller',
  )
}

const isLoopback = (address: string): boolean => /^(::ffff:)?127\.|^::1$/.test(address)

const isForwarded = ({ headers }: Request): boolean =>
  headers.forwarded !== undefined || headers['x-forwarded-for'] !== undefined

function isLocalHost(host: string | undefined): boolean {
  const name = (host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  return name === 'localhost' || (isIP(name) > 0 && isLoopback(name))
}

/** What the first bytes say: an HL7 v2 message, or a protocol that came to the wrong port. */

/** MSH, FHS or BHS, after a byte order mark, blank lines or the zero bytes of UTF-16. */
export function looksLikeHl7(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, 32)).toString('latin1')
  return /^(?:MSH|FHS|BHS)/.test(
    start.replace(/^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)/, '').replace(/[\0\r\n]/g, ''),
  )
}

export function foreignProtocol(bytes: Uint8Array): 'HTTP' | 'TLS' | undefined {
  if (bytes[0] === 0x16 && bytes[1] === 0x03) return 'TLS'
  const start = Buffer.from(bytes.subarray(0, 8)).toString('latin1')
  return /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE) |^PRI \* /.test(start)
    ? 'HTTP'
    : undefined
}

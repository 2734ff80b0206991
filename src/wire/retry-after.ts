/** `Retry-After`, as far as it can be read without a clock. */

/** Seconds (RFC 9110 section 10.2.3) as milliseconds; the form with a date is left to our own back-off. */
export function retryAfterMs(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1000 : undefined
}

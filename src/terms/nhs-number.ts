/** NHS number: ten digits, the last a modulus 11 check (NHS Data Dictionary, NHS NUMBER). */

/** Digits without the spaces and hyphens people write between them. */
export const nhsNumberDigits = (text: string): string => text.replace(/[\s-]/g, '')

export function isNhsNumber(text: string): boolean {
  const digits = nhsNumberDigits(text)
  if (!/^\d{10}$/.test(digits)) return false
  let sum = 0
  for (let i = 0; i < 9; i++) sum += Number(digits[i]) * (10 - i)
  const check = 11 - (sum % 11)
  return check !== 10 && (check === 11 ? 0 : check) === Number(digits[9])
}

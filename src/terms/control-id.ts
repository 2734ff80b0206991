/** Message control ids (MSH-10) of our own: at most 20 characters, the limit of HL7 v2.5.1 and before. */

const CHARACTERS_PER_PART = 10

/** 20 characters, upper case and digits, from the time and random parts of a UUID version 7. */
export function controlIdOf(uuidV7: string): string {
  const hex = uuidV7.replaceAll('-', '')
  return part(hex.slice(0, 12)) + part(hex.slice(-12))
}

/** 48 bits in base 36. */
const part = (hex: string): string =>
  parseInt(hex, 16).toString(36).toUpperCase().padStart(CHARACTERS_PER_PART, '0')

/** The text of an expression cut into its words, with their places. */
import { mappingFault } from './position.js'
import type { Position } from './position.js'

export interface Token {
  readonly kind: 'word' | 'path' | 'text' | 'number' | 'variable' | 'sign' | 'end'
  readonly text: string
  readonly offset: number
}

const TOKEN =
  /\s*(?:'((?:[^']|'')*)'|(\$[A-Za-z][A-Za-z0-9]*)|([A-Z][A-Z0-9]{2}(?:\[\d+\])?-\d+(?:\[(?:\d+|\*)\])?(?:\.\d+){0,2}|[A-Z][A-Z0-9]{1,2}(?:\.\d+){1,2}|[A-Z][A-Z0-9]{2}\[\d+\])(?![\w-])|([A-Za-z][A-Za-z0-9-]*)|(\d+(?:\.\d+)?)|(\?\?|!=|[=|()]))/y

export function tokenise(text: string, at: Position): readonly Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  let offset = 0
  while (text.slice(offset).trim() !== '') {
    TOKEN.lastIndex = offset
    const match = TOKEN.exec(text)
    if (match === null) {
      const column = at.column + offset
      throw mappingFault({ ...at, column }, `"${text.slice(offset).trim()}" is not part of an expression.`)
    }
    tokens.push(tokenOf(match, offset))
    offset = TOKEN.lastIndex
  }
  tokens.push({ kind: 'end', text: '', offset })
  return tokens
}

function tokenOf(match: RegExpExecArray, offset: number): Token {
  const [, text, variable, path, word, number, sign] = match
  if (text !== undefined) return { kind: 'text', text: text.replaceAll("''", "'"), offset }
  if (variable !== undefined) return { kind: 'variable', text: variable.slice(1), offset }
  if (path !== undefined) return { kind: 'path', text: path, offset }
  if (word !== undefined) return { kind: 'word', text: word, offset }
  if (number !== undefined) return { kind: 'number', text: number, offset }
  return { kind: 'sign', text: sign ?? '', offset }
}

/** Does a template or expression give a list, whatever the message holds? */
import type { Expression } from './expression.js'
import { FUNCTIONS } from './functions.js'
import type { Template } from './template.js'

export function makesList(template: Template): boolean {
  if (template.kind === 'list') return true
  if (template.kind === 'object') return template.directives.each !== undefined
  if (template.kind === 'constant') return false
  return expressionMakesList(template.expression)
}

function expressionMakesList(expression: Expression): boolean {
  switch (expression.kind) {
    case 'as':
      return expression.each
    case 'reference':
      return expression.all
    case 'path':
    case 'whole':
      return (expression.kind === 'whole' ? expression.path : expression).repetition === 'all'
    case 'call':
      return FUNCTIONS.get(expression.name)?.takesLists !== true && expressionMakesList(expression.input)
    case 'first':
      return expression.options.some(expressionMakesList)
    default:
      return false
  }
}

/** Narrative: a well-formed XHTML div with the elements and attributes FHIR allows (narrative.html#xhtml; txt-1, txt-2). */
import type { Check } from './run.js'

const XHTML = 'http://www.w3.org/1999/xhtml'

// HTML 4.0 chapters 7 to 11 (except section 4 of chapter 9) and 15, plus <a>, images and their maps.
const ELEMENTS = new Set(
  (
    'div h1 h2 h3 h4 h5 h6 address span em strong dfn code samp kbd var cite abbr acronym blockquote q sub sup p br ' +
    'pre ul ol li dl dt dd table caption thead tfoot tbody colgroup col tr th td tt i b big small hr bdo a img map area'
  ).split(' '),
)
const VOID = new Set(['br', 'hr', 'img', 'col', 'area'])

const ATTRIBUTES = new Set(
  (
    'xmlns xml:lang xml:space xml:base lang dir title style class id accesskey tabindex span width height align valign ' +
    'char charoff abbr axis headers scope rowspan colspan nowrap bgcolor border cellpadding cellspacing frame rules ' +
    'summary cite clear compact start type value size noshade alt src longdesc usemap ismap hspace vspace href name rel ' +
    'rev hreflang charset shape coords nohref'
  ).split(' '),
)
/** Attributes above that only some elements may carry. */
const ONLY_ON: Readonly<Record<string, readonly string[]>> = {
  href: ['a', 'area'],
  src: ['img'],
  name: ['a', 'map', 'img'],
}

const NAME = /[A-Za-z_][\w.:-]*/y
const ATTRIBUTE = /\s+([A-Za-z_][\w.:-]*)\s*=\s*("[^"<]*"|'[^'<]*')/y
const TAG_END = /\s*(\/?)>/y
const ENTITY = /&(#\d{1,7};|#x[0-9A-Fa-f]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};)?/g

export const checkNarrative: Check = (run, value) => {
  if (typeof value !== 'string') return
  const problem = narrativeProblem(value)
  if (problem !== undefined)
    run.error('invariant', `${problem} (txt-1, txt-2). Correct the narrative or leave it out.`)
}

/** What is wrong, naming markup but never text; undefined when nothing is. One pass, linear in the length. */
export function narrativeProblem(xhtml: string): string | undefined {
  const open: string[] = []
  let at = 0
  let hasContent = false
  let roots = 0
  while (at < xhtml.length) {
    const next = xhtml.indexOf('<', at)
    const text = xhtml.slice(at, next < 0 ? xhtml.length : next)
    if (/\S/.test(text)) {
      if (open.length === 0) return 'Found text outside the div'
      hasContent = true
      if (!entitiesAreClosed(text)) return 'Found a bare &; expected &amp;'
    }
    if (next < 0) break
    const mark = readMarkup(xhtml, next, open)
    if (typeof mark === 'string') return mark
    if (mark.opened !== undefined && open.length === (mark.isEmpty ? 0 : 1)) roots++
    if (roots > 1) return 'Found more than one root element; expected one div'
    if (mark.opened === 'img') hasContent = true
    at = mark.end
  }
  if (open.length > 0) return `Found <${open[open.length - 1]}> that is not closed`
  if (roots === 0) return 'Found no div; expected one div with the narrative'
  return hasContent ? undefined : 'The div is empty; expected some text or an image'
}

interface Markup {
  readonly end: number
  readonly opened?: string
  readonly isEmpty?: boolean
}

function readMarkup(xhtml: string, start: number, open: string[]): Markup | string {
  if (xhtml.startsWith('<!--', start)) {
    const end = xhtml.indexOf('-->', start + 4)
    return end < 0 ? 'Found a comment that is not closed' : { end: end + 3 }
  }
  if (xhtml.startsWith('<![CDATA[', start)) {
    const end = xhtml.indexOf(']]>', start)
    return end < 0 ? 'Found a CDATA section that is not closed' : { end: end + 3 }
  }
  if (xhtml.startsWith('</', start)) return readEndTag(xhtml, start, open)
  if (xhtml.startsWith('<?', start) && start === 0) {
    const end = xhtml.indexOf('?>', start)
    return end < 0 ? 'Found an XML declaration that is not closed' : { end: end + 2 }
  }
  return readStartTag(xhtml, start, open)
}

function readEndTag(xhtml: string, start: number, open: string[]): Markup | string {
  const end = xhtml.indexOf('>', start)
  const name = xhtml.slice(start + 2, Math.max(end, 0)).trimEnd()
  const expected = open.pop()
  if (end < 0 || name !== expected) return `Found an end tag that does not match <${expected ?? 'nothing'}>`
  return { end: end + 1 }
}

function readStartTag(xhtml: string, start: number, open: string[]): Markup | string {
  NAME.lastIndex = start + 1
  const name = NAME.exec(xhtml)?.[0]
  if (name === undefined) return 'Found a bare < or a declaration; expected &lt; or an element'
  if (open.length === 0 && name !== 'div') return `Found <${known(name)}> as the root; expected a div`
  if (!ELEMENTS.has(name)) return `Found <${known(name)}>, which narrative does not allow`
  let at = start + 1 + name.length
  const seen = new Set<string>()
  for (;;) {
    ATTRIBUTE.lastIndex = at
    const match = ATTRIBUTE.exec(xhtml)
    if (match === null) break
    const problem = attributeProblem(name, match[1] ?? '', match[2] ?? '', seen)
    if (problem !== undefined) return problem
    at = ATTRIBUTE.lastIndex
  }
  TAG_END.lastIndex = at
  const end = TAG_END.exec(xhtml)
  if (end === null) return `Found a start tag <${name}> that is not well formed`
  if (open.length === 0 && !seen.has('xmlns')) return `Found a div without xmlns="${XHTML}"`
  const isEmpty = end[1] === '/'
  if (!isEmpty) open.push(name)
  return { end: TAG_END.lastIndex, opened: name, isEmpty }
}

function attributeProblem(
  element: string,
  name: string,
  quoted: string,
  seen: Set<string>,
): string | undefined {
  if (seen.has(name)) return `Found the attribute ${name} twice on <${element}>`
  seen.add(name)
  const value = quoted.slice(1, -1)
  if (!ATTRIBUTES.has(name)) return `Found an attribute on <${element}> that narrative does not allow`
  if (ONLY_ON[name]?.includes(element) === false) return `Found the attribute ${name} on <${element}>`
  if (name === 'xmlns' && value !== XHTML) return `Found another namespace; expected xmlns="${XHTML}"`
  if (!entitiesAreClosed(value)) return 'Found a bare & in an attribute; expected &amp;'
  if ((name === 'href' || name === 'src') && /^\s*(javascript|vbscript):/i.test(value)) {
    return `Found script in ${name} of <${element}>`
  }
  return undefined
}

const entitiesAreClosed = (text: string): boolean =>
  !text.includes('&') || [...text.matchAll(ENTITY)].every((match) => match[1] !== undefined)

/** An element's name is shown only when it is one people use; anything else may be text gone astray. */
const known = (name: string): string =>
  ELEMENTS.has(name) ||
  VOID.has(name) ||
  /^(script|form|input|iframe|object|embed|html|head|body|link|base|ins|del|font|u|s|strike|center|section|article|video|audio|svg|button)$/i.test(
    name,
  )
    ? name
    : 'an element'

/** FHIR R4 narrative.html#xhtml: txt-1 and txt-2. */
import { describe, expect, test } from '@jest/globals'
import { narrativeProblem } from '../../src/fhir/check/narrative.js'
import { errors } from './support.js'

const div = (inner: string): string => `<div xmlns="http://www.w3.org/1999/xhtml">${inner}</div>`

describe('narrative', () => {
  test.each([
    ['text', div('a')],
    ['languages', `<div xmlns="http://www.w3.org/1999/xhtml" lang="cy" xml:lang="cy">a</div>`],
    ['tables', div('<table class="grid"><tr><td colspan="2" style="color: red">a</td></tr></table>')],
    ['links and images', div('<a href="#x">a</a><a name="x"/><img src="a.png" alt="b"/>')],
    ['an image alone', div('<img src="#i"/>')],
    ['entities', div('a &amp; b &#169; &nbsp; &lt;')],
    ['comments and CDATA', div('<!-- c --><![CDATA[a]]>b')],
    ['single quotes', `<div xmlns='http://www.w3.org/1999/xhtml'>a</div>`],
    ['deep nesting', div('<b>'.repeat(20_000) + 'a' + '</b>'.repeat(20_000))],
  ])('allows %s', (_name, xhtml) => {
    expect(narrativeProblem(xhtml)).toBeUndefined()
  })

  test.each([
    ['text only', 'a'],
    ['another root', '<p xmlns="http://www.w3.org/1999/xhtml">a</p>'],
    ['no namespace', '<div>a</div>'],
    ['another namespace', '<div xmlns="http://example.org">a</div>'],
    ['no content (txt-2)', div(' <p> </p> ')],
    ['script', div('<script>alert(1)</script>a')],
    ['forms', div('<input type="text"/>a')],
    ['frames', div('<iframe src="x"></iframe>a')],
    ['event attributes', div('<p onclick="x()">a</p>')],
    ['script links', div('<a href="javascript:alert(1)">a</a>')],
    ['href elsewhere', div('<p href="x">a</p>')],
    ['not closed', '<div xmlns="http://www.w3.org/1999/xhtml"><p>a</div>'],
    ['closed twice', `${div('a')}</div>`],
    ['two roots', div('a') + div('b')],
    ['text after', `${div('a')}b`],
    ['bare ampersand', div('a & b')],
    ['bare less-than', div('1 < 2')],
    ['an attribute twice', div('<p id="a" id="b">c</p>')],
    ['no quotes', div('<p id=a>c</p>')],
    ['DOCTYPE', `<!DOCTYPE div>${div('a')}`],
  ])('refuses %s', (_name, xhtml) => {
    expect(narrativeProblem(xhtml)).toBeDefined()
  })

  test('is checked where it stands', () => {
    const text = { status: 'generated', div: '<div>a</div>' }
    expect(errors({ resourceType: 'Patient', text })).toEqual(['invariant Patient.text.div'])
  })

  test('a large narrative is read in one pass', () => {
    const started = Date.now()
    expect(narrativeProblem(div('<p title="a">b</p>'.repeat(100_000)))).toBeUndefined()
    expect(narrativeProblem(div('<'.repeat(100_000)))).toBeDefined()
    expect(Date.now() - started).toBeLessThan(2_000)
  })
})

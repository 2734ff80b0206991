/** Hostile byte streams for the MLLP port, made here: what a broken engine, a wrong client or an attacker sends. */

const VT = '\x0b'
const END = '\x1c\r'

export const block = (text: string): string => `${VT}${text}${END}`

const header = (id: string, changes: { version?: string; type?: string; charset?: string } = {}): string => {
  const { version = '2.4', type = 'REF^I12', charset = '' } = changes
  return `MSH|^~\\&|PAS|NORTHGATE|ONEDOOR|TOWN|20261121093000+0000||${type}|${id}|P|${version}||||||${charset}`
}

/** The smallest referral that is one. */
export const referral = (id: string, name = 'Canary^Test', birth = '19400101'): string =>
  [header(id), 'RF1||A|||O|R-' + id, `PID|1||S-${id}^^^NORTHGATE^MR||${name}||${birth}|F`].join('\r') + '\r'

const withSegment = (id: string, segment: string): string => `${referral(id)}${segment}\r`

/** An answer is `MSA-1 MSA-2`; a refused frame has no MSA-2 to give when its header cannot be read. */
export interface Stream {
  readonly name: string
  readonly bytes: Buffer
  readonly answers: readonly string[]
  /** Faults in quarantine afterwards, in the order of their names. */
  readonly faults: readonly string[]
}

const stream = (
  name: string,
  bytes: string | Buffer,
  answers: readonly string[],
  faults: readonly string[] = [],
): Stream => ({
  name,
  bytes: typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes,
  answers,
  faults,
})

/** Bytes that are no tidy blocks. */
export const FRAMES: readonly Stream[] = [
  stream('garbage before VT', `rubbish${block(referral('F01'))}`, ['AA F01'], ['frame-missing']),
  stream('no VT', `${referral('F02')}${END}`, [], ['frame-missing']),
  stream('no FS', `${VT}${referral('F03')}`, ['AE F03'], ['frame-incomplete']),
  stream('FS without CR', `${VT}${referral('F04')}\x1c`, ['AE F04'], ['frame-incomplete']),
  stream('FS CR LF', `${block(referral('F05'))}\n`, ['AA F05']),
  stream('two pipelined', block(referral('F06')) + block(referral('F07')), ['AA F06', 'AA F07']),
  stream('VT inside', block(`${header('F08')}\rPID|1||${VT}9`), ['AE F08'], ['characters-invalid']),
  stream('FS inside a field', block(`${header('F09')}\rPID|1||\x1c9`), ['AE F09'], ['characters-invalid']),
  stream('nothing in the block', block(''), ['AE'], ['frame-empty']),
  stream('ten thousand VT', VT.repeat(10_000), []),
  stream('HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', [], ['frame-missing']),
  stream('a TLS hello', Buffer.from('16030100c8010000c40303', 'hex'), [], ['frame-missing']),
  stream('an MLLP 2 commit byte', `${VT}\x06${END}`, []),
]

/** Well framed, with something wrong or odd inside. */
export const CONTENTS: readonly Stream[] = [
  stream('LF for CR', block(referral('C01').replaceAll('\r', '\n')), ['AA C01']),
  stream('CR LF for CR', block(referral('C02').replaceAll('\r', '\r\n')), ['AA C02']),
  stream('NUL', block(referral('C03', 'Ca\0nary^Test')), ['AE C03'], ['characters-invalid']),
  stream(
    'Latin-1 declared UTF-8',
    block(`${header('C04', { charset: 'UNICODE UTF-8' })}\rPID|1||9||Canary\xe9`),
    ['AE C04'],
    ['characters-invalid'],
  ),
  stream(
    'UTF-16 that nobody declared',
    Buffer.concat([Buffer.from(VT), Buffer.from(referral('C05'), 'utf16le'), Buffer.from(END)]),
    ['AE'],
    ['character-set-unknown'],
  ),
  stream('a byte order mark', block(`\xef\xbb\xbf${referral('C06')}`), ['AA C06']),
  stream('no MSH', block('PID|1||9\r'), ['AR'], ['msh-missing']),
  stream('MSH cut short', block('MSH|^\r'), ['AR'], ['msh-too-short']),
  stream('no control id', block(referral('')), ['AR'], ['message-id-missing']),
  stream(
    'separators all equal',
    block('MSH||||||PAS|N|||REF^I12|C10|P|2.4\r'),
    ['AR'],
    ['separators-invalid'],
  ),
  stream('CR as separator', block('MSH\r^~\\&\rPAS\r'), ['AR'], ['separators-invalid']),
  stream(
    'an unknown version',
    block(`${header('C12', { version: '9.9' })}\rPID|1||9\r`),
    ['AR C12'],
    ['version-unsupported'],
  ),
  stream(
    'an unknown type',
    block(`${header('C13', { type: 'ZZZ^Z99' })}\rPID|1||9\r`),
    ['AR C13'],
    ['message-type-unsupported'],
  ),
  stream(
    'other separators',
    block(referral('C14').replaceAll('|', '#').replaceAll('^', '@').replace('@~\\&', '@~\\&')),
    ['AA C14'],
  ),
  stream('an impossible date', block(referral('C15', 'Canary^Test', '20230231')), ['AA C15']),
  stream('a birth to come', block(referral('C16', 'Canary^Test', '21990101')), ['AA C16']),
  stream('an odd offset', block(referral('C17').replace('20261121093000+0000', '20261121093000.0000+9999')), [
    'AA C17',
  ]),
  stream(
    '5,000 segments',
    block(referral('C18') + 'NTE|1||x\r'.repeat(5_000)),
    ['AR C18'],
    ['message-too-large'],
  ),
  stream(
    '10,000 repetitions',
    block(withSegment('C19', `NK1|1|${'A~'.repeat(10_000)}`)),
    ['AR C19'],
    ['message-too-large'],
  ),
  stream('a long field', block(withSegment('C20', `NTE|1||${'x'.repeat(1_000_000)}`)), ['AA C20']),
  stream('an escape that never ends', block(withSegment('C21', 'NTE|1||C:\\temp')), ['AA C21']),
  stream('odd hexadecimal', block(withSegment('C22', 'NTE|1||\\X4\\')), ['AA C22']),
  stream('an escaped CR', block(withSegment('C23', 'NTE|1||a\\X0D\\PID|2||OTHER')), ['AA C23']),
  stream('__proto__ in a Z segment', block(withSegment('C24', 'ZPR|__proto__^polluted|constructor')), [
    'AA C24',
  ]),
  stream(
    'two patients',
    block(withSegment('C25', 'PID|2||S2^^^NORTHGATE^MR||Other')),
    ['AE C25'],
    ['patient-ambiguous'],
  ),
  stream('a batch', block(`BHS|^~\\&|PAS\r${referral('C26')}BTS|1\r`), ['AR'], ['batch-refused']),
]

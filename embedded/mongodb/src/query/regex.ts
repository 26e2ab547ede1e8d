import { CommandError } from '../errors.js';

const cache = new Map<string, RegExp>();
const CACHE_SIZE = 500;

/**
 * Compiles a PCRE pattern with MongoDB's options (i, m, s, x, u) to a JavaScript expression that means the same.
 * @throws CommandError 51091 where JavaScript cannot express the pattern, 51108 for an unknown option.
 */
export function compileRegex(pattern: string, options: string): RegExp {
  const key = `${options}/${pattern}`;
  const cached = cache.get(key);
  if (cached) return cached;
  const compiled = translate(pattern, options);
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(key, compiled);
  return compiled;
}

/** A piece of a pattern and what it becomes; `null` where JavaScript has nothing that means the same. */
type Rule = readonly [piece: RegExp, translation: string | null | ((match: RegExpExecArray) => string)];

const same = (match: RegExpExecArray): string => match[0];
const quoted = (text: string): string => text.replaceAll(/[$()*+./?[\\\]^{|}]/g, '\\$&');

/** PCRE's `\s` and `[:...:]` know only ASCII. */
const SPACE = '\\t-\\r ';
const POSIX: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  digit: '0-9',
  lower: 'a-z',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: SPACE,
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

const ESCAPES: readonly Rule[] = [
  [/\\(?:[dDwWbfnrt]|x[0-9A-Fa-f]{2}|[pP]\{[^}]+\})/y, same],
  [/\\x\{([0-9A-Fa-f]{1,6})\}/y, (match) => `\\u{${match[1]}}`],
  [/\\0/y, '\\0'],
  [/\\Q([^]*?)(?:\\E|$)/y, (match) => quoted(match[1]!)],
  [/\\(?=[A-Za-z0-9]|$)/y, null],
  [/\\([^A-Za-z0-9])/uy, (match) => quoted(match[1]!)],
];

const IN_CLASS: readonly Rule[] = [
  [/\\s/y, SPACE],
  [/\\-/y, '\\-'],
  ...ESCAPES,
  [new RegExp(`\\[:(${Object.keys(POSIX).join('|')}):\\]`, 'y'), (match) => POSIX[match[1]!]!],
  [/\[[:.=]/y, null],
  [/[[\]]/y, '\\$&'],
  [/[^]/uy, same],
];

function outsideClass(flags: ReadonlySet<string>): readonly Rule[] {
  const multiline = flags.has('m');
  const extended: Rule[] = [[/[\t-\r ]|#[^\n]*/y, '']];
  return [
    [/\\(?:[B1-9]|k<\w+>)/y, same],
    [/\\s/y, `[${SPACE}]`],
    [/\\S/y, `[^${SPACE}]`],
    [/\\A/y, '(?<![^])'],
    [/\\z/y, '(?![^])'],
    [/\\Z/y, '(?=\\n?(?![^]))'],
    ...ESCAPES,
    ...(flags.has('x') ? extended : []),
    [/\(\?#[^)]*\)/y, ''],
    [/\(\?P?<([A-Za-z_]\w*)>/y, (match) => `(?<${match[1]}>`],
    [/\(\?(?:i?(?:-i)?:|<?[=!])/y, same],
    // Groups with other options too: the translation of . ^ $ depends on the flags of the whole pattern.
    [/\((?=[?*])/y, null],
    [/(?:[+*?]|\{\d+(?:,\d*)?\})(?=\+)/y, null],
    [/\{\d+(?:,\d*)?\}/y, same],
    [/[{}\]]/y, '\\$&'],
    [/\./y, flags.has('s') ? '[^]' : '[^\\n]'],
    [/\^/y, multiline ? '(?<![^\\n])' : '(?<![^])'],
    // Without m, PCRE's dollar also matches before a final newline.
    [/\$/y, multiline ? '(?![^\\n])' : '(?=\\n?(?![^]))'],
    [/[^]/uy, same],
  ];
}

/** Opens a class; a closing bracket in the first place is a member of it. */
const CLASS_START = /\[\^?\]?/y;

function translate(pattern: string, options: string): RegExp {
  const invalid = /[^imsxu]/.exec(options);
  if (invalid) throw new CommandError(51108, `invalid flag in regex options: ${invalid[0]}`);
  const inline = /^\(\?([imsx]+)\)/.exec(pattern);
  const flags = new Set(options + (inline?.[1] ?? ''));
  const outside = outsideClass(flags);
  let source = '';
  let inClass = false;
  for (let at = inline?.[0].length ?? 0; at < pattern.length;) {
    const start = inClass ? null : matchAt(CLASS_START, pattern, at);
    if (start) {
      source += start[0].replace(']', '\\]');
      at += start[0].length;
      inClass = true;
    } else if (inClass && pattern[at] === ']') {
      source += pattern[at++];
      inClass = false;
    } else {
      const [piece, translation] = (inClass ? IN_CLASS : outside).find(([one]) => matchAt(one, pattern, at))!;
      if (translation === null) throw notExpressible(pattern, `what stands at offset ${at}`);
      const match = matchAt(piece, pattern, at)!;
      source += typeof translation === 'string' ? translation.replace('$&', match[0]) : translation(match);
      at += match[0].length;
    }
  }
  try {
    return new RegExp(source, flags.has('i') ? 'iu' : 'u');
  } catch (error) {
    throw notExpressible(pattern, (error as Error).message);
  }
}

function matchAt(piece: RegExp, pattern: string, at: number): RegExpExecArray | null {
  piece.lastIndex = at;
  return piece.exec(pattern);
}

function notExpressible(pattern: string, reason: string): CommandError {
  return new CommandError(51091, `Regular expression is invalid or not supported: ${reason}: ${pattern}`);
}

import { CommandError } from '../errors.js';

const cache = new Map<string, RegExp>();
const CACHE_SIZE = 500;

/**
 * Compiles a PCRE pattern with MongoDB's options (i, m, s, u) to a JavaScript expression that means the same.
 * @throws CommandError 51091 for what has no translation here, 51108 for an unknown option.
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

/** A piece of a pattern and what it becomes (`$&` is the piece itself); null where it is refused. The first match counts. */
type Rule = readonly [piece: RegExp, translation: string | null];

const SAME = '$&';
/** PCRE's `\s` knows only ASCII. */
const SPACE = '\\t-\\r ';

const ESCAPES: readonly Rule[] = [
  [/\\(?:[dDwWbfnrt]|x[0-9A-Fa-f]{2}|[$()*+./?[\\\]^{|}])/y, SAME],
  [/\\(?=[A-Za-z0-9]|$)/y, null],
  [/\\([^])/uy, '$1'],
];

const IN_CLASS: readonly Rule[] = [
  [/\\s/y, SPACE],
  [/\\-/y, SAME],
  ...ESCAPES,
  [/\[[:.=]/y, null],
  [/\[/y, '\\$&'],
  [/[^]/uy, SAME],
];

const outsideClass = (flags: ReadonlySet<string>): readonly Rule[] => [
  [/\\[B1-9]/y, SAME],
  [/\\s/y, `[${SPACE}]`],
  [/\\S/y, `[^${SPACE}]`],
  [/\\A/y, '(?<![^])'],
  [/\\z/y, '(?![^])'],
  ...ESCAPES,
  // Groups with other options too are refused: the translation of . ^ $ depends on the flags of the whole pattern.
  [/\(\?(?:i?(?:-i)?:|<?[=!])/y, SAME],
  [/\((?=[?*])/y, null],
  [/(?:[+*?]|\{\d+(?:,\d*)?\})(?=\+)/y, null],
  [/\{\d+(?:,\d*)?\}/y, SAME],
  [/[{}\]]/y, '\\$&'],
  [/\./y, flags.has('s') ? '[^]' : '[^\\n]'],
  [/\^/y, flags.has('m') ? '(?<![^\\n])' : '(?<![^])'],
  // Without m, PCRE's dollar also matches before a final newline.
  [/\$/y, flags.has('m') ? '(?![^\\n])' : '(?=\\n?(?![^]))'],
  [/[^]/uy, SAME],
];

/** Opens a class; a closing bracket in the first place is a member of it. */
const CLASS_START = /\[\^?\]?/y;

function translate(pattern: string, options: string): RegExp {
  const invalid = /[^imsxu]/.exec(options);
  if (invalid) throw new CommandError(51108, `invalid flag in regex options: ${invalid[0]}`);
  const inline = /^\(\?([ims]+)\)/.exec(pattern);
  const flags = new Set(options + (inline?.[1] ?? ''));
  if (flags.has('x')) throw notExpressible(pattern, 'option x');
  const outside = outsideClass(flags);
  let source = '';
  let inClass = false;
  for (let at = inline?.[0].length ?? 0; at < pattern.length;) {
    const [start] = (!inClass && matchAt(CLASS_START, pattern, at)) || [];
    const end: boolean = inClass && pattern[at] === ']';
    if (start !== undefined || end) {
      source += start?.replace(']', '\\]') ?? ']';
      at += start?.length ?? 1;
      inClass = !end;
      continue;
    }
    const [piece, translation] = (inClass ? IN_CLASS : outside).find(([one]) => matchAt(one, pattern, at))!;
    if (translation === null) throw notExpressible(pattern, `what stands at offset ${at}`);
    const [text, inner = ''] = matchAt(piece, pattern, at)!;
    source += translation === '$1' ? inner : translation.replace('$&', () => text);
    at += text.length;
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

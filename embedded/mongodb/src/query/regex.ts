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

/** PCRE's `\s` knows only ASCII. */
const SPACE = '\\t-\\r ';
/** Escapes that mean the same in JavaScript, in classes too. */
const SAME_ESCAPE = /^\\(?:[dDwWbfnrt]|x[0-9A-Fa-f]{2}|[$()*+./?[\\\]^{|}])$/;
/**
 * What a pattern consists of: classes, escapes, starts of groups, quantifiers, characters. Captured is what is refused:
 * possessive quantifiers and groups with names or options; with options, because . ^ $ depend on those of the whole.
 */
const PIECE =
  /\[\^?\]?(?:\\[^]|[^\\\]])*\]?|\\x[0-9A-Fa-f]{2}|\\[^]?|\(\?(?:i?(?:-i)?:|<?[=!])|(\([?*]|(?:[+*?]|\{\d+(?:,\d*)?\})\+)|\{\d+(?:,\d*)?\}|[^]/gu;
const CLASS_PIECE = /\\x[0-9A-Fa-f]{2}|\\[^]?|\[[:.=]?|\]/gu;

function translate(pattern: string, options: string): RegExp {
  const invalid = /[^imsxu]/.exec(options);
  if (invalid) throw new CommandError(51108, `invalid flag in regex options: ${invalid[0]}`);
  const inline = /^\(\?([ims]+)\)/.exec(pattern);
  const flags = new Set(options + (inline?.[1] ?? ''));
  if (flags.has('x')) throw notExpressible(pattern, 'option x');
  const special: Readonly<Record<string, string>> = {
    '.': flags.has('s') ? '[^]' : '[^\\n]',
    '^': flags.has('m') ? '(?<![^\\n])' : '(?<![^])',
    // Without m, PCRE's dollar also matches before a final newline.
    $: flags.has('m') ? '(?![^\\n])' : '(?=\\n?(?![^]))',
    '{': '\\{',
    '}': '\\}',
    ']': '\\]',
    '\\A': '(?<![^])',
    '\\z': '(?![^])',
    '\\s': `[${SPACE}]`,
    '\\S': `[^${SPACE}]`,
  };
  const escaped = (piece: string): string => {
    if (SAME_ESCAPE.test(piece)) return piece;
    if (/^\\[^A-Za-z0-9]/.test(piece)) return piece.slice(1);
    throw notExpressible(pattern, piece);
  };
  const inClass = (piece: string, at: number): string => {
    if (piece === '\\s') return SPACE;
    if (piece === '\\-' || (piece === ']' && at > 0)) return piece;
    if (piece === '[' || piece === ']') return `\\${piece}`;
    return escaped(piece);
  };
  const source = pattern.slice(inline?.[0].length ?? 0).replace(PIECE, (piece: string, refused?: string) => {
    if (refused !== undefined) throw notExpressible(pattern, refused);
    if (Object.hasOwn(special, piece)) return special[piece]!;
    // A closing bracket in the first place of a class is a member of it.
    const [, start, inside = ''] = /^(\[\^?)([^]*)/.exec(piece) ?? [];
    if (start) return start + inside.replace(CLASS_PIECE, inClass);
    return piece.startsWith('\\') && !/^\\[B1-9]$/.test(piece) ? escaped(piece) : piece;
  });
  try {
    return new RegExp(source, flags.has('i') ? 'iu' : 'u');
  } catch (error) {
    throw notExpressible(pattern, (error as Error).message);
  }
}

function notExpressible(pattern: string, reason: string): CommandError {
  return new CommandError(51091, `Regular expression is invalid or not supported: ${reason}: ${pattern}`);
}

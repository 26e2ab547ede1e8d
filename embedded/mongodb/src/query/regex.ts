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

function translate(pattern: string, options: string): RegExp {
  const invalid = /[^imsxu]/.exec(options);
  if (invalid) throw new CommandError(51108, `invalid flag in regex options: ${invalid[0]}`);
  const inline = /^\(\?([imsx]+)\)/.exec(pattern);
  const flags = new Set(options + (inline?.[1] ?? ''));
  const source = new PatternTranslator(inline ? pattern.slice(inline[0].length) : pattern, flags).translate();
  try {
    return new RegExp(source, flags.has('i') ? 'iu' : 'u');
  } catch (error) {
    throw notExpressible(pattern, (error as Error).message);
  }
}

function notExpressible(pattern: string, reason: string): CommandError {
  return new CommandError(51091, `Regular expression is invalid or not supported: ${reason}: ${pattern}`);
}

/** PCRE classes that differ from JavaScript's: `\s` and `[:...:]` know only ASCII, `\h` and `\R` do not exist. */
const POSIX: Record<string, string> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: '\\t-\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

const SPACE = '\\t-\\r ';
/** Escapes that mean the same in both languages. */
const SAME_ESCAPE = /^\\(?:[dDwWbBfnrt]|[1-9]|x[0-9A-Fa-f]{2}|[pP]\{[^}]+\}|k<\w+>)/;

class PatternTranslator {
  private at = 0;
  private out = '';

  constructor(
    private readonly pattern: string,
    private readonly flags: ReadonlySet<string>,
  ) {}

  translate(): string {
    while (this.at < this.pattern.length) this.next();
    return this.out;
  }

  private next(): void {
    const char = this.pattern[this.at]!;
    if (char === '\\') return this.emit(this.escape(false));
    if (char === '[') return this.characterClass();
    if (char === '(') return this.group();
    if (this.flags.has('x') && this.skipExtended(char)) return;
    this.at++;
    this.emit(this.plain(char));
  }

  private emit(text: string): void {
    this.out += text;
  }

  private plain(char: string): string {
    const multiline = this.flags.has('m');
    if (char === '.') return this.flags.has('s') ? '[^]' : '[^\\n]';
    if (char === '^') return multiline ? '(?<![^\\n])' : '(?<![^])';
    // Without m, PCRE's dollar also matches before a final newline.
    if (char === '$') return multiline ? '(?![^\\n])' : '(?=\\n?(?![^]))';
    if (char === ']' || char === '}') return `\\${char}`;
    if (char === '{') return this.brace();
    if ('+*?'.includes(char) && this.pattern[this.at] === '+') this.refuse('possessive quantifier');
    return char;
  }

  /** A brace that is no quantifier stands for itself. */
  private brace(): string {
    const quantifier = /^\d+(?:,\d*)?\}/.exec(this.pattern.slice(this.at));
    if (!quantifier) return '\\{';
    this.at += quantifier[0].length;
    if (this.pattern[this.at] === '+') this.refuse('possessive quantifier');
    return `{${quantifier[0]}`;
  }

  private group(): void {
    const rest = this.pattern.slice(this.at);
    const named = /^\(\?P?<([A-Za-z_]\w*)>/.exec(rest);
    const opening = named
      ? `(?<${named[1]}>`
      : /^\((?:\?(?:[imsx]*(?:-[imsx]+)?:|=|!|<=|<!))?/.exec(rest)![0];
    if (rest.startsWith('(?#')) {
      const end = rest.indexOf(')');
      this.at += end < 0 ? rest.length : end + 1;
      return;
    }
    if (!named && rest[opening.length] === '?') this.refuse('group');
    if (rest.startsWith('(*')) this.refuse('verb');
    // Our own translation of . ^ $ already depends on the flags of the whole pattern.
    if (/^\(\?[imsx]*(?:-[imsx]+)?:/.test(opening) && /[msx]/.test(opening))
      this.refuse('group with options m, s or x');
    this.at += named ? named[0].length : opening.length;
    this.emit(opening);
  }

  private skipExtended(char: string): boolean {
    if (/[\t-\r ]/.test(char)) {
      this.at++;
      return true;
    }
    if (char !== '#') return false;
    const end = this.pattern.indexOf('\n', this.at);
    this.at = end < 0 ? this.pattern.length : end + 1;
    return true;
  }

  private escape(inClass: boolean): string {
    const rest = this.pattern.slice(this.at);
    const same = SAME_ESCAPE.exec(rest);
    if (same && !(inClass && /^\\[B1-9k]/.test(same[0]))) {
      this.at += same[0].length;
      return same[0];
    }
    const char = String.fromCodePoint(rest.codePointAt(1) ?? 0);
    if (rest.length === 1) this.refuse('backslash at the end');
    this.at += 1 + char.length;
    if (char === 's') return inClass ? SPACE : `[${SPACE}]`;
    if (char === 'S' && !inClass) return `[^${SPACE}]`;
    if (char === 'A' && !inClass) return '(?<![^])';
    if (char === 'z' && !inClass) return '(?![^])';
    if (char === 'Z' && !inClass) return '(?=\\n?(?![^]))';
    if (char === 'x') return this.braced();
    if (char === 'e') return '\\x1b';
    if (char === 'a') return '\\x07';
    if (char === '0') return '\\0';
    if (char === 'Q') return this.quoted();
    if (char === 'E') return '';
    if (/[A-Za-z0-9]/.test(char)) this.refuse(`escape \\${char}`);
    return /[$()*+./?[\\\]^{|}-]/.test(char) ? (char === '-' && !inClass ? '-' : `\\${char}`) : char;
  }

  private braced(): string {
    const code = /^\{([0-9A-Fa-f]{1,6})\}/.exec(this.pattern.slice(this.at));
    if (!code) return this.refuse('escape \\x');
    this.at += code[0].length;
    return `\\u{${code[1]}}`;
  }

  private quoted(): string {
    const end = this.pattern.indexOf('\\E', this.at);
    const literal = this.pattern.slice(this.at, end < 0 ? undefined : end);
    this.at = end < 0 ? this.pattern.length : end + 2;
    return literal.replaceAll(/[$()*+./?[\\\]^{|}]/g, '\\$&');
  }

  private characterClass(): void {
    this.at++;
    this.emit('[');
    if (this.pattern[this.at] === '^') {
      this.at++;
      this.emit('^');
    }
    // A closing bracket in the first place is a member of the class.
    for (let first = true; first || this.pattern[this.at] !== ']'; first = false) {
      if (this.at >= this.pattern.length) this.refuse('missing ]');
      this.emit(this.member());
    }
    this.at++;
    this.emit(']');
  }

  private member(): string {
    const char = this.pattern[this.at]!;
    if (char === '\\') return this.escape(true);
    const posix = /^\[:(\w+):\]/.exec(this.pattern.slice(this.at));
    if (posix) {
      this.at += posix[0].length;
      return POSIX[posix[1]!] ?? this.refuse(`class [:${posix[1]}:]`);
    }
    if (/^\[[:.=]/.test(this.pattern.slice(this.at))) this.refuse('collating element');
    this.at++;
    return char === '[' || char === ']' ? `\\${char}` : char;
  }

  private refuse(what: string): never {
    throw notExpressible(this.pattern, `${what} at offset ${this.at}`);
  }
}

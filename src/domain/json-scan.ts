/** One member of the top-level object: its name and the byte range `[start, end)` of its value. */
export interface JsonMember {
  key: string;
  start: number;
  end: number;
}

/** The text is not JSON (RFC 8259); `offset` is the byte where it stops being so. */
export class JsonScanError extends Error {
  override name = 'JsonScanError';
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
  }
}

const MAX_DEPTH = 500;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const LITERALS = ['true', 'false', 'null'];
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Checks a whole JSON text and gives the byte ranges of the top-level members, so that a value can be passed on
 * exactly as it was received: `1.50`, 20-digit integers, key order and whitespace survive.
 *
 * @returns the members in order, duplicates included, or null when the text is JSON but not an object
 * @throws JsonScanError
 */
export function scanJsonObject(bytes: Buffer): JsonMember[] | null {
  const scanner = new Scanner(bytes);
  return scanner.document();
}

/**
 * The byte ranges `[start, end)` of the items of a JSON array, each exactly as it stands.
 * @returns null when the text is JSON but not an array
 * @throws JsonScanError
 */
export function scanJsonArray(bytes: Buffer): { start: number; end: number }[] | null {
  const scanner = new Scanner(bytes);
  return scanner.items();
}

class Scanner {
  #at = 0;
  // Numbers and literals are matched on a latin1 view: same offsets as the bytes, no copy of the strings.
  readonly #text: string;

  constructor(private readonly bytes: Buffer) {
    this.#text = bytes.toString('latin1');
  }

  document(): JsonMember[] | null {
    this.#space();
    const members: JsonMember[] = [];
    const isObject = this.#peek() === '{';
    if (isObject) this.#object(1, members);
    else this.#value(1);
    this.#space();
    if (this.#at < this.bytes.length) this.#fail('expected the end of the text');
    return isObject ? members : null;
  }

  items(): { start: number; end: number }[] | null {
    this.#space();
    const items: { start: number; end: number }[] = [];
    const isArray = this.#peek() === '[';
    if (isArray) this.#array(1, items);
    else this.#value(1);
    this.#space();
    if (this.#at < this.bytes.length) this.#fail('expected the end of the text');
    return isArray ? items : null;
  }

  #value(depth: number): void {
    if (depth > MAX_DEPTH) this.#fail(`nested deeper than ${MAX_DEPTH} levels`);
    const char = this.#peek();
    if (char === '{') this.#object(depth, null);
    else if (char === '[') this.#array(depth, null);
    else if (char === '"') this.#string();
    else this.#scalar();
  }

  #object(depth: number, members: JsonMember[] | null): void {
    this.#at++;
    this.#space();
    if (this.#take('}')) return;
    do {
      this.#space();
      if (this.#peek() !== '"') this.#fail('expected a member name in double quotes');
      const nameStart = this.#at;
      this.#string();
      const nameEnd = this.#at;
      this.#space();
      if (!this.#take(':')) this.#fail("expected ':' after the member name");
      this.#space();
      const start = this.#at;
      this.#value(depth + 1);
      if (members !== null) {
        const key = JSON.parse(this.bytes.toString('utf8', nameStart, nameEnd)) as string;
        members.push({ key, start, end: this.#at });
      }
      this.#space();
    } while (this.#take(','));
    if (!this.#take('}')) this.#fail("expected ',' or '}'");
  }

  #array(depth: number, items: { start: number; end: number }[] | null): void {
    this.#at++;
    this.#space();
    if (this.#take(']')) return;
    do {
      this.#space();
      const start = this.#at;
      this.#value(depth + 1);
      items?.push({ start, end: this.#at });
      this.#space();
    } while (this.#take(','));
    if (!this.#take(']')) this.#fail("expected ',' or ']'");
  }

  #string(): void {
    let i = this.#at + 1;
    for (; i < this.bytes.length; i++) {
      const byte = this.bytes[i]!;
      if (byte === QUOTE) {
        this.#at = i + 1;
        return;
      }
      if (byte < 0x20) this.#fail('control characters must be escaped in a string', i);
      if (byte === BACKSLASH) i += this.#escapeLength(i);
    }
    this.#fail('the string does not end', i);
  }

  /** Characters of the escape after the backslash at `i`. */
  #escapeLength(i: number): number {
    const kind = this.#text[i + 1] ?? '';
    if (kind === 'u' && /^[0-9a-fA-F]{4}$/.test(this.#text.slice(i + 2, i + 6))) return 5;
    if (kind !== '' && '"\\/bfnrt'.includes(kind)) return 1;
    return this.#fail('unknown escape in a string', i);
  }

  #scalar(): void {
    const literal = LITERALS.find((word) => this.#text.startsWith(word, this.#at));
    if (literal !== undefined) {
      this.#at += literal.length;
      return;
    }
    NUMBER.lastIndex = this.#at;
    if (!NUMBER.test(this.#text)) this.#fail('expected a value');
    this.#at = NUMBER.lastIndex;
  }

  #space(): void {
    for (;;) {
      const byte = this.bytes[this.#at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.#at++;
    }
  }

  #peek = (): string => this.#text[this.#at] ?? '';

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #fail(message: string, at = this.#at): never {
    throw new JsonScanError(message, at);
  }
}

import { isUtf8 } from 'node:buffer';
import { CommandError } from '../errors.js';
import { TYPE_OF_BYTE, TYPES } from './types.js';

/**
 * Checks that `bytes` is exactly one well-formed document, so that everything behind can read it without checks.
 * `maxDepth` is the deepest nesting of documents and arrays; MongoDB allows 180.
 * @throws CommandError InvalidBSON (22), Overflow (15) if it is nested too deep.
 */
export function validateBson(bytes: Buffer, maxDepth = 180): void {
  const end = new Validator(bytes, maxDepth).document(0, bytes.length, 1);
  if (end !== bytes.length) throw invalid(`a document of ${end} bytes in a field of ${bytes.length}`);
}

function invalid(problem: string): CommandError {
  return new CommandError('InvalidBSON', `Invalid BSON: ${problem}`);
}

class Validator {
  constructor(
    private readonly buf: Buffer,
    private readonly maxDepth: number,
  ) {}

  /** Checks the document at `start`, which must end at or before `limit`; returns its end. */
  document(start: number, limit: number, depth: number): number {
    if (depth > this.maxDepth)
      throw new CommandError('Overflow', `BSONObj exceeds the maximum nested object depth: ${this.maxDepth}`);
    const end = this.counted(start, 0, limit);
    if (end < start + 5 || this.buf[end - 1] !== 0) throw invalid(`no document end at byte ${end - 1}`);
    let at = start + 4;
    while (at < end - 1) at = this.value(this.buf[at]!, this.cstring(at + 1, end - 1), end - 1, depth);
    if (at !== end - 1) throw invalid(`a value crosses the end of its document at byte ${end}`);
    return end;
  }

  /** Checks the value at `at`; returns its end. */
  private value(byte: number, at: number, limit: number, depth: number): number {
    const type = TYPE_OF_BYTE[byte];
    if (!type) throw invalid(`unrecognized type ${byte} at byte ${at}`);
    if (type === TYPES.regex) return this.cstring(this.cstring(at, limit), limit);
    const end = type.counted ? this.counted(at, type.size, limit) : at + type.size;
    if (end > limit) throw invalid(`truncated value at byte ${at}`);
    switch (type) {
      case TYPES.object:
      case TYPES.array:
        return this.document(at, limit, depth + 1);
      case TYPES.string:
      case TYPES.javascript:
      case TYPES.symbol:
        this.text(at, end);
        break;
      case TYPES.dbPointer:
        this.text(at, end - 12);
        break;
      case TYPES.binData:
        // The old subtype repeats its length inside.
        if (this.buf[at + 4] === 2 && this.counted(at + 5, 4, end) !== end)
          throw invalid(`binary subtype 2 with a wrong inner length at byte ${at}`);
        break;
      case TYPES.javascriptWithScope:
        this.codeWithScope(at, end, depth);
        break;
      case TYPES.bool:
        if (this.buf[at]! > 1) throw invalid(`boolean byte ${this.buf[at]} at byte ${at}`);
    }
    return end;
  }

  /** The end of a value that begins with a length, which does not count `beside` of its bytes. */
  private counted(at: number, beside: number, limit: number): number {
    if (at + 4 > limit) throw invalid(`truncated length at byte ${at}`);
    const length = this.buf.readInt32LE(at);
    if (length < 0 || length > limit - at - beside) throw invalid(`length ${length} at byte ${at}`);
    return at + beside + length;
  }

  private cstring(at: number, limit: number): number {
    let end = at;
    let bits = 0;
    // Names are short: a loop is faster than a call of a native search.
    for (let byte = this.buf[end]; byte !== 0 && end < limit; byte = this.buf[++end]) bits |= byte!;
    if (end >= limit) throw invalid(`unterminated name at byte ${at}`);
    if (bits > 0x7f) this.utf8(at, end);
    return end + 1;
  }

  private text(at: number, end: number): void {
    if (end < at + 5 || this.buf[end - 1] !== 0) throw invalid(`unterminated string at byte ${at}`);
    this.utf8(at + 4, end - 1);
  }

  private utf8(start: number, end: number): void {
    for (let at = start; at < end; at++) {
      if (this.buf[at]! < 0x80) continue;
      if (!isUtf8(this.buf.subarray(start, end))) throw invalid(`text that is not UTF-8 at byte ${start}`);
      return;
    }
  }

  private codeWithScope(at: number, end: number, depth: number): void {
    const scope = this.counted(at + 4, 4, end);
    this.text(at + 4, scope);
    if (this.document(scope, end, depth + 1) !== end)
      throw invalid(`code with scope of a wrong length at byte ${at}`);
  }
}

import { isUtf8 } from 'node:buffer';
import { CommandError } from '../errors.js';
import { FIXED_SIZE, TYPE } from './layout.js';

/**
 * Checks that `bytes` is exactly one well-formed document, so that everything behind can read it without checks.
 * `maxDepth` is the deepest nesting of documents and arrays; MongoDB allows 180.
 * @throws CommandError InvalidBSON (22), Overflow (15) if it is nested too deep.
 */
export function validateBson(bytes: Buffer, { maxDepth } = { maxDepth: 180 }): void {
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
    if (depth > this.maxDepth) {
      throw new CommandError('Overflow', `BSONObj exceeds the maximum nested object depth: ${this.maxDepth}`);
    }
    const end = start + this.length(start, limit, 5);
    if (end > limit || this.buf[end - 1] !== 0) throw invalid(`no document end at byte ${end - 1}`);
    let at = start + 4;
    while (at < end - 1) {
      const type = this.buf[at]!;
      at = this.value(type, this.cstring(at + 1, end - 1), end - 1, depth);
    }
    if (at !== end - 1) throw invalid(`a value crosses the end of its document at byte ${end}`);
    return end;
  }

  private value(type: number, at: number, limit: number, depth: number): number {
    switch (type) {
      case TYPE.string:
      case TYPE.javascript:
      case TYPE.symbol:
        return this.string(at, limit);
      case TYPE.object:
      case TYPE.array:
        return this.document(at, limit, depth + 1);
      case TYPE.binData:
        return this.binary(at, limit);
      case TYPE.regex:
        return this.cstring(this.cstring(at, limit), limit);
      case TYPE.dbPointer:
        return this.fixed(this.string(at, limit), 12, limit);
      case TYPE.javascriptWithScope:
        return this.codeWithScope(at, limit, depth);
    }
    const size = FIXED_SIZE.get(type);
    if (size === undefined) throw invalid(`unrecognized type ${type} at byte ${at}`);
    if (type === TYPE.bool && this.buf[at]! > 1) throw invalid(`boolean byte ${this.buf[at]} at byte ${at}`);
    return this.fixed(at, size, limit);
  }

  private length(at: number, limit: number, minimum: number): number {
    if (at + 4 > limit) throw invalid(`truncated length at byte ${at}`);
    const length = this.buf.readInt32LE(at);
    if (length < minimum || length > limit - at) {
      throw invalid(`length ${length} at byte ${at}`);
    }
    return length;
  }

  private fixed(at: number, size: number, limit: number): number {
    if (at + size > limit) throw invalid(`truncated value at byte ${at}`);
    return at + size;
  }

  private cstring(at: number, limit: number): number {
    const end = this.buf.indexOf(0, at);
    if (end < 0 || end >= limit) throw invalid(`unterminated name at byte ${at}`);
    this.utf8(at, end);
    return end + 1;
  }

  private string(at: number, limit: number): number {
    const end = at + 4 + this.length(at, limit, 1);
    if (end > limit || this.buf[end - 1] !== 0) throw invalid(`unterminated string at byte ${at}`);
    this.utf8(at + 4, end - 1);
    return end;
  }

  private utf8(start: number, end: number): void {
    for (let at = start; at < end; at++) {
      if (this.buf[at]! < 0x80) continue;
      if (!isUtf8(this.buf.subarray(start, end))) throw invalid(`text that is not UTF-8 at byte ${start}`);
      return;
    }
  }

  private binary(at: number, limit: number): number {
    const length = this.length(at, limit, 0);
    const end = this.fixed(at + 5, length, limit);
    // The old binary subtype repeats its length inside.
    if (this.buf[at + 4] === 2 && (length < 4 || this.buf.readInt32LE(at + 5) !== length - 4)) {
      throw invalid(`binary subtype 2 with a wrong inner length at byte ${at}`);
    }
    return end;
  }

  private codeWithScope(at: number, limit: number, depth: number): number {
    const end = at + this.length(at, limit, 14);
    if (end > limit) throw invalid(`truncated code at byte ${at}`);
    const scope = this.string(at + 4, end);
    if (this.document(scope, end, depth + 1) !== end)
      throw invalid(`code with scope of a wrong length at byte ${at}`);
    return end;
  }
}

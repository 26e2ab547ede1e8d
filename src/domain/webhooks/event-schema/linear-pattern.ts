import { RE2JS } from 're2js';

const MAX_LENGTH = 512;
const MAX_PROGRAM = 1_000;

/**
 * A regular expression that takes linear time whatever the text, or in words why it cannot be had. RE2 has neither
 * look-around nor back-references, which are what makes other engines take exponential time.
 */
export function compilePattern(pattern: string): RE2JS | string {
  if (pattern.length > MAX_LENGTH) return `expected a pattern of at most ${MAX_LENGTH} characters`;
  try {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
    return compiled.programSize() > MAX_PROGRAM ? 'expected a pattern with fewer repetitions' : compiled;
  } catch (error) {
    return `expected RE2 syntax, without look-around and back-references: ${(error as Error).message}`;
  }
}

/** For Ajv: what `new RegExp(pattern)` is to it. @throws when the pattern cannot be had */
export function linearRegExp(pattern: string): { test(text: string): boolean; toString(): string } {
  const compiled = compilePattern(pattern);
  if (typeof compiled === 'string') throw new Error(compiled);
  // Ajv tells patterns apart by their text.
  return { test: (text) => compiled.test(text), toString: () => `/${pattern}/` };
}
/** Where a generated validator would import it from; ours are never written to files. */
linearRegExp.code = 'linearRegExp';

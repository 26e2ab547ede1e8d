import { BSONRegExp } from 'bson';
import { isNullish } from '../bson/type-of.js';
import { BDoc } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { compileRegex } from '../query/regex.js';
import type { OperatorTable, Value } from './compiler.js';
import { named } from './operands.js';
import { textOperand } from './strings.js';

/** `$regexMatch`, `$regexFind`, `$regexFindAll`: the dialect is that of `$regex` in a filter. */
export const REGEX: OperatorTable = {
  $regexMatch: named(['input', 'regex'], ['options'], (args, name) => {
    const found = search(args, name);
    return found !== null && !found.next().done;
  }),
  $regexFind: named(
    ['input', 'regex'],
    ['options'],
    (args, name) => search(args, name)?.next().value ?? null,
  ),
  $regexFindAll: named(['input', 'regex'], ['options'], (args, name) => [...(search(args, name) ?? [])]),
};

function search(
  { input, regex, options }: Record<string, Value>,
  name: string,
): Generator<BDoc, undefined> | null {
  const pattern = isNullish(regex) ? null : compile(regex, options, name);
  if (isNullish(input) || pattern === null) return null;
  return matchesIn(textOperand(input, name, 51104), pattern);
}

function compile(regex: Value, options: Value, name: string): RegExp {
  const own = regex instanceof BSONRegExp ? regex.options : '';
  const given = isNullish(options) ? '' : textOperand(options, name, 51106);
  if (own && given)
    throw new CommandError(
      51107,
      `${name}: found regex option(s) specified in both 'regex' and 'option' fields`,
    );
  const pattern = regex instanceof BSONRegExp ? regex.pattern : textOperand(regex, name, 51105);
  return compileRegex(pattern, own || given);
}

function* matchesIn(text: string, pattern: RegExp): Generator<BDoc, undefined> {
  const all = new RegExp(pattern.source, `${pattern.flags}g`);
  for (const match of text.matchAll(all)) {
    yield BDoc.of(
      ['match', match[0]],
      ['idx', Array.from(text.slice(0, match.index)).length],
      ['captures', match.slice(1).map((capture) => (capture as string | undefined) ?? null)],
    );
  }
  return undefined;
}

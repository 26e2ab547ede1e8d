import { CommandError } from '../errors.js';
import { validateBson } from './validate.js';
import { BDoc } from './values.js';

function document(body: string): Buffer {
  const bytes = Buffer.concat([
    Buffer.alloc(4),
    Buffer.from(body.replaceAll(' ', ''), 'hex'),
    Buffer.alloc(1),
  ]);
  bytes.writeInt32LE(bytes.length, 0);
  return bytes;
}

function codeOf(bytes: Buffer): number | undefined {
  try {
    validateBson(bytes);
    return undefined;
  } catch (error) {
    return (error as CommandError).code;
  }
}

describe('validateBson', () => {
  test.each([
    ['a type that does not exist', document('20 6100 00')],
    ['a string without its zero byte', document('02 6100 0200 0000 6262')],
    ['a string of length 0', document('02 6100 0000 0000')],
    ['a string longer than the document', document('02 6100 ff00 0000 6200')],
    ['a negative length', document('02 6100 ffff ffff 6200')],
    ['text that is not UTF-8', document('02 6100 0200 0000 e900')],
    ['a field name that is not UTF-8', document('0a e900')],
    ['a field name without an end', document('0a 6161')],
    ['a boolean of 2', document('08 6100 02')],
    ['a truncated int', document('10 6100 0100')],
    ['a sub-document longer than its parent', document('03 6100 ff00 0000 00')],
    ['a sub-document of length 4', document('03 6100 0400 0000 00')],
    ['a binary with a wrong inner length', document('05 6100 0600 0000 02 0300 0000 ffff')],
    ['bytes behind the document', Buffer.concat([document('0a 6100'), Buffer.alloc(1)])],
    ['fewer than five bytes', Buffer.alloc(4)],
    ['a document that does not end in zero', Buffer.from('0500000001', 'hex')],
  ])('%s is refused as InvalidBSON', (_name, bytes) => {
    expect(codeOf(bytes)).toBe(22);
  });

  test('180 levels are accepted and 181 are not', () => {
    const nested = (levels: number): BDoc => {
      let doc = BDoc.of();
      for (let i = 1; i < levels; i++) doc = BDoc.of(['a', doc]);
      return doc;
    };
    expect(codeOf(nested(180).toBytes())).toBeUndefined();
    expect(codeOf(nested(181).toBytes())).toBe(15);
  });
});

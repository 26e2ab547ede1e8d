import { doc, toPlain } from '../bson/plain.js';
import { HEADER_BYTES, OP_MSG, parseOpMsg, ProtocolError, writeHeader, type Frame } from './message.js';

function frameOf(flags: number, ...sections: Buffer[]): Frame {
  const head = Buffer.alloc(HEADER_BYTES + 4);
  head.writeUInt32LE(flags, HEADER_BYTES);
  const message = Buffer.concat([head, ...sections]);
  writeHeader(message, 1, 0, OP_MSG);
  return { requestId: 1, opCode: OP_MSG, message };
}

const body = Buffer.concat([Buffer.from([0]), doc({ insert: 'c' }).toBytes()]);

function sequence(name: string, count: number): Buffer {
  const documents = Array.from({ length: count }, (_, _id) => doc({ _id }).toBytes());
  const content = Buffer.concat([Buffer.from(`${name}\0`), ...documents]);
  const head = Buffer.alloc(5, 1);
  head.writeInt32LE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}

test.each([
  ['after', [body, sequence('documents', 2)]],
  ['before', [sequence('documents', 2), body]],
])('a document sequence may stand %s the body', (_where, sections) => {
  const { body: command, sequences } = parseOpMsg(frameOf(0, ...sections));
  expect(toPlain(command)).toEqual({ insert: 'c' });
  expect(sequences.get('documents')?.map(toPlain)).toEqual([{ _id: 0 }, { _id: 1 }]);
});

test.each([
  ['two bodies', frameOf(0, body, body)],
  ['no body', frameOf(0, sequence('documents', 1))],
  ['one sequence name twice', frameOf(0, body, sequence('a', 1), sequence('a', 1))],
  ['an unknown kind', frameOf(0, Buffer.concat([Buffer.from([2]), body.subarray(1)]))],
  ['an unknown required flag', frameOf(4, body)],
  ['a checksum, which no driver sends,', frameOf(1, body, Buffer.alloc(4))],
  ['a section longer than the message', frameOf(0, body.subarray(0, -3))],
])('%s breaks the protocol', (_what, frame) => {
  expect(() => parseOpMsg(frame)).toThrow(ProtocolError);
});

test('optional flags above bit 15 are ignored, exhaustAllowed is seen', () => {
  expect(parseOpMsg(frameOf(2 ** 16 + 2 ** 20, body)).exhaustAllowed).toBe(true);
});

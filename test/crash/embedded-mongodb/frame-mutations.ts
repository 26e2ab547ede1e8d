import type { Dice } from '../../support/seeded-random.js';
import { mutatedCommand } from './command-mutations.js';

const HEADER = 16;
const OP_MSG = 2013;

/** One way to spoil a recorded request. */
type Mutation = (frame: Buffer, dice: Dice, corpus: readonly Buffer[]) => Buffer;

/** A message in which one or several things are wrong. */
export function mutatedFrame(corpus: readonly Buffer[], dice: Dice): { kind: string; bytes: Buffer } {
  const kind = dice.pick(KINDS);
  return { kind, bytes: MUTATIONS[kind]!(dice.pick(corpus), dice, corpus) };
}

const INTERESTING_LENGTHS = [
  0, -1, 1, 4, 5, 15, 16, 0x7fffffff, -0x80000000, 48_000_000, 48_000_001, 16_793_601,
];

const MUTATIONS: Record<string, Mutation> = {
  'flipped bits'(frame, dice) {
    const bytes = Buffer.from(frame);
    for (let flips = 1 + dice.below(16); flips > 0; flips -= 1)
      bytes[HEADER + dice.below(bytes.length - HEADER)]! ^= 1 << dice.below(8);
    return bytes;
  },
  'lying message length'(frame, dice) {
    const bytes = Buffer.from(frame);
    const near = bytes.length + dice.below(64) - 32;
    bytes.writeInt32LE(dice.chance(0.5) ? dice.pick(INTERESTING_LENGTHS) : near, 0);
    return bytes;
  },
  'lying inner length'(frame, dice) {
    const bytes = Buffer.from(frame);
    const at = HEADER + dice.below(bytes.length - HEADER - 4);
    const value = dice.chance(0.5)
      ? dice.pick(INTERESTING_LENGTHS)
      : bytes.readInt32LE(at) + dice.below(9) - 4;
    bytes.writeInt32LE(value | 0, at);
    return bytes;
  },
  truncated: (frame, dice) => Buffer.from(frame.subarray(0, 1 + dice.below(frame.length - 1))),
  'truncated, with its length'(frame, dice) {
    return withLength(Buffer.from(frame.subarray(0, HEADER + dice.below(frame.length - HEADER))));
  },
  spliced(frame, dice, corpus) {
    const other = dice.pick(corpus);
    const head = frame.subarray(0, HEADER + dice.below(frame.length - HEADER));
    return withLength(Buffer.concat([head, other.subarray(HEADER + dice.below(other.length - HEADER))]));
  },
  'wrong opcode'(frame, dice) {
    const bytes = Buffer.from(frame);
    const opcodes = [0, 1, 1000, 2001, 2002, 2004, 2005, 2006, 2007, 2010, 2012, 2013, -1, dice.below(5_000)];
    bytes.writeInt32LE(dice.pick(opcodes), 12);
    return bytes;
  },
  'random flags'(frame, dice) {
    const bytes = Buffer.from(frame);
    bytes.writeUInt32LE((1 << dice.below(32)) >>> 0, HEADER);
    return bytes;
  },
  'random bytes'(_frame, dice) {
    const bytes = Buffer.from(Array.from({ length: HEADER + dice.below(400) }, () => dice.below(256)));
    bytes.writeInt32LE(dice.chance(0.8) ? OP_MSG : 2004, 12);
    return withLength(bytes);
  },
  'text that is not UTF-8'(frame, dice) {
    const bytes = Buffer.from(frame);
    for (let tries = 0; tries < 4; tries += 1) {
      const at = HEADER + dice.below(bytes.length - HEADER);
      if (bytes[at]! >= 0x61 && bytes[at]! <= 0x7a) bytes[at] = dice.pick([0xff, 0xc0, 0xed, 0x80, 0xf8]);
    }
    return bytes;
  },
  'deep nesting'(_frame, dice) {
    const depth = dice.chance(0.02) ? 20_000 : 150 + dice.below(80);
    return opMsg(
      bodySection(Buffer.concat([element('find', 'c'), nested(depth, dice), element('$db', 'fuzz')])),
    );
  },
  'document sequences'(_frame, dice) {
    const count = dice.chance(0.002) ? 100_001 : dice.below(30);
    const documents = Array.from({ length: count }, () => EMPTY_DOCUMENT);
    const names = ['documents', 'updates', 'deletes', 'ops', 'nsInfo', '', 'x', '$db', 'documents.a'];
    const command = dice.pick(['insert', 'update', 'delete', 'bulkWrite', 'find']);
    const sections = [
      bodySection(Buffer.concat([element(command, 'c'), element('$db', 'fuzz')])),
      ...Array.from({ length: dice.below(4) }, () => sequence(dice.pick(names), documents)),
    ];
    if (dice.chance(0.5)) sections.reverse();
    return opMsg(Buffer.concat(sections));
  },
  'odd values': (frame, dice, corpus) => mutatedCommand(frame, dice, corpus) ?? frame,
  'several odd values'(frame, dice, corpus) {
    let bytes = frame;
    for (let n = 2 + dice.below(4); n > 0; n -= 1) bytes = mutatedCommand(bytes, dice, corpus) ?? bytes;
    return bytes;
  },
  'as recorded': (frame) => frame,
};

/** Wrong values reach further into the server than wrong bytes do, so they come more often. */
const KINDS = [...Object.keys(MUTATIONS), 'odd values', 'odd values', 'several odd values'];

const EMPTY_DOCUMENT = Buffer.from([5, 0, 0, 0, 0]);

/** An OP_MSG of these sections. */
export function opMsg(sections: Buffer): Buffer {
  const head = Buffer.alloc(HEADER + 4);
  head.writeInt32LE(OP_MSG, 12);
  return withLength(Buffer.concat([head, sections]));
}

export function bodySection(elements: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0]), document(elements)]);
}

function withLength(bytes: Buffer): Buffer {
  bytes.writeInt32LE(bytes.length, 0);
  return bytes;
}

function document(elements: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32LE(elements.length + 5);
  return Buffer.concat([length, elements, Buffer.alloc(1)]);
}

function element(name: string, text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32LE(text.length + 1);
  return Buffer.concat([Buffer.from(`\x02${name}\0`), length, Buffer.from(`${text}\0`)]);
}

/** A filter of documents or arrays in documents, from the inside out. */
function nested(depth: number, dice: Dice): Buffer {
  const start = Buffer.from(
    dice.pick(['\x03a\0', '\x04a\0', '\x040\0', '\x03$and\0', '\x04$or\0', '\x03$not\0']),
  );
  const headers: Buffer[] = [];
  let size = 5;
  for (let level = 0; level < depth; level += 1) {
    const length = Buffer.alloc(4);
    length.writeInt32LE(size);
    headers.push(Buffer.concat([start, length]));
    size += start.length + 5;
  }
  headers[headers.length - 1] = Buffer.concat([Buffer.from('\x03filter\0'), headers.at(-1)!.subarray(-4)]);
  return Buffer.concat([...headers.reverse(), Buffer.alloc(depth)]);
}

function sequence(name: string, documents: Buffer[]): Buffer {
  const content = Buffer.concat([Buffer.from(`${name}\0`), ...documents]);
  const head = Buffer.alloc(5, 1);
  head.writeInt32LE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}

import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import mongoose from 'mongoose';
import { Dice } from '../../support/seeded-random.js';
import { opMsg, bodySection } from './frame-mutations.js';

const { BSON } = mongoose.mongo;

const HEADER = 16;
const MAX_MESSAGE_BYTES = 48_000_000;
const OP_MSG = 2013;
const MORE_TO_COME = 2;
/** Marks our own ping, sent behind a spoiled message to learn that the server is done with it. */
const SENTINEL_ID = 0x5e17_1e1f;
const PING = opMsg(bodySection(BSON.serialize({ ping: 1, $db: 'admin' }).subarray(4, -1) as Buffer));
PING.writeInt32LE(SENTINEL_ID, 4);

/** What the server did with a message. */
export type Reaction =
  | { what: 'answered' | 'closed' | 'silent' | 'streaming' }
  | { what: 'error'; code: number; message: string }
  | { what: 'hang' };

/** Sends messages that may be anything, one after the other, over a connection that is opened again when it closes. */
export class FuzzConnection {
  private socket: Socket | null = null;

  constructor(
    private readonly port: () => number,
    private readonly hangMs: number,
  ) {}

  /** Sends the bytes in random pieces and waits until the server has reacted. Rejects if it cannot be reached. */
  async send(bytes: Buffer, dice: Dice): Promise<Reaction> {
    const socket = (this.socket ??= await open(this.port()));
    const whole = endsOnBoundary(bytes);
    const reaction = reactionOf(socket, whole, this.hangMs);
    const cut = dice.chance(0.1) ? dice.below(bytes.length) : 0;
    if (cut > 0) socket.write(bytes.subarray(0, cut));
    socket.write(bytes.subarray(cut));
    // What the server cannot see the end of, it waits for: it must go when we do.
    if (whole) socket.write(PING);
    else socket.end();
    const result = await reaction;
    if (socket.destroyed || !whole || result.what === 'streaming' || result.what === 'hang') this.drop();
    return result;
  }

  drop(): void {
    this.socket?.destroy();
    this.socket = null;
  }
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  return socket;
}

/** Whether the server, reading by the lengths that the headers claim, is at the start of a header afterwards. */
function endsOnBoundary(bytes: Buffer): boolean {
  let at = 0;
  while (at + HEADER <= bytes.length) {
    const length = bytes.readInt32LE(at);
    if (length < HEADER || length > MAX_MESSAGE_BYTES) return true;
    at += length;
  }
  return at === bytes.length;
}

function reactionOf(socket: Socket, whole: boolean, hangMs: number): Promise<Reaction> {
  return new Promise((resolve) => {
    let last: Reaction = { what: 'silent' };
    let rest: Buffer = Buffer.alloc(0);
    const settle = (reaction: Reaction): void => {
      clearTimeout(timer);
      socket.off('data', receive).off('close', closed);
      resolve(reaction);
    };
    const closed = (): void => settle(whole ? { what: 'closed' } : last);
    const receive = (chunk: Buffer): void => {
      rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
      while (rest.length >= 4 && rest.length >= rest.readInt32LE(0)) {
        const reply = rest.subarray(0, rest.readInt32LE(0));
        rest = rest.subarray(reply.length);
        if (reply.readInt32LE(8) === SENTINEL_ID) {
          settle(last);
          return;
        }
        last = read(reply);
        if (last.what === 'streaming') settle(last);
      }
    };
    const timer = setTimeout(() => settle({ what: 'hang' }), hangMs);
    socket.on('data', receive).on('close', closed);
  });
}

/** Every reply must be a document. */
function read(reply: Buffer): Reaction {
  const isMessage = reply.readInt32LE(12) === OP_MSG;
  const document = reply.subarray(isMessage ? HEADER + 5 : HEADER + 20);
  const { ok, code, errmsg } = decoded(document);
  if (isMessage && reply.readUInt32LE(HEADER) & MORE_TO_COME) return { what: 'streaming' };
  return ok === 1 ? { what: 'answered' } : { what: 'error', code: Number(code), message: String(errmsg) };
}

/** The library knows fewer options of regular expressions than BSON can hold: a reply with others shows stored values. */
function decoded(document: Buffer): mongoose.mongo.BSON.Document {
  try {
    return BSON.deserialize(document, { bsonRegExp: true });
  } catch (error) {
    if (/regular expression option/.test(String(error))) return { ok: 1 };
    throw error;
  }
}

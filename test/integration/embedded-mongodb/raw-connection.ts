import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import mongoose from 'mongoose';

const { serialize, deserialize } = mongoose.mongo.BSON;

export const HEADER = 16;
const OP_MSG = 2013;

/** An OP_MSG of these sections. */
export function message(sections: Buffer, flags = 0): Buffer {
  const head = Buffer.alloc(HEADER + 4);
  head.writeInt32LE(head.length + sections.length, 0);
  head.writeInt32LE(1, 4);
  head.writeInt32LE(OP_MSG, 12);
  head.writeUInt32LE(flags, HEADER);
  return Buffer.concat([head, sections]);
}

/** A section of kind 0. */
export function body(document: object): Buffer {
  return Buffer.concat([Buffer.from([0]), serialize(document)]);
}

/** A section of kind 1. */
export function sequence(name: string, documents: object[]): Buffer {
  return rawSequence(
    name,
    documents.map((one) => serialize(one)),
  );
}

/** A section of kind 1 of documents that are bytes already. */
export function rawSequence(name: string, documents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat([Buffer.from(`${name}\0`), ...documents]);
  const head = Buffer.alloc(5);
  head[0] = 1;
  head.writeInt32LE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}

export async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** The next reply as a document. */
export async function reply(socket: Socket): Promise<Record<string, unknown>> {
  let bytes = Buffer.alloc(0);
  while (bytes.length < 4 || bytes.length < bytes.readInt32LE(0)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    bytes = Buffer.concat([bytes, chunk]);
  }
  return deserialize(bytes.subarray(HEADER + 5, bytes.readInt32LE(0)));
}

/** Sends one command past the driver, which would put its own session and transaction number into it. */
export async function command(port: number, document: object): Promise<Record<string, unknown>> {
  const socket = await open(port);
  const answered = reply(socket);
  socket.write(message(body(document)));
  try {
    return await answered;
  } finally {
    socket.destroy();
  }
}

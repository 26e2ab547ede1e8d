import { isUtf8 } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
import { JsonScanError, scanJsonObject } from '../../domain/json-scan.js';
import type { JsonMember } from '../../domain/json-scan.js';
import { ProblemError } from '../errors.js';

/** What the body parser leaves on a request beside the parsed body. */
export interface ReceivedBody {
  /** The body exactly as received. */
  bytes: Buffer;
  /** Byte ranges of the top-level members; null when the body is not an object. */
  members: JsonMember[] | null;
}

const received = new WeakMap<FastifyRequest, ReceivedBody>();

/** The raw body of a request that had one. */
export const receivedBody = (request: FastifyRequest): ReceivedBody | undefined => received.get(request);

/** Parses a JSON body, keeping its bytes. @throws ProblemError as `readJson` */
export function parseJsonBody(request: FastifyRequest, bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined; // a route that takes a body says so itself
  const { value, members } = readJson(bytes);
  received.set(request, { bytes, members });
  return value;
}

/** Takes a body apart into lines (NDJSON), each as it stands; empty lines are left out. They are read one by one. */
export function parseLines(request: FastifyRequest, bytes: Buffer): Buffer[] {
  received.set(request, { bytes, members: null });
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(0x0a, start);
    const end = found === -1 ? bytes.length : found;
    const line = bytes.subarray(start, bytes[end - 1] === 0x0d ? end - 1 : end);
    if (line.length > 0) lines.push(line);
    start = end + 1;
  }
  return lines;
}

/**
 * Reads a JSON text with the ranges of its top-level members.
 * @throws ProblemError `malformed_json` with the byte offset; also for duplicate top-level members, where JSON
 * readers disagree on which one counts
 */
export function readJson(bytes: Buffer): { value: unknown; members: JsonMember[] | null } {
  if (!isUtf8(bytes)) throw malformed('The body is not valid UTF-8.');
  const members = membersOf(bytes);
  return { value: JSON.parse(bytes.toString('utf8')), members };
}

/** The top-level members of a JSON text. @throws ProblemError as `readJson` */
export function membersOf(bytes: Buffer): JsonMember[] | null {
  const members = scan(bytes);
  const seen = new Set<string>();
  for (const member of members ?? []) {
    if (seen.has(member.key))
      throw malformed(`The member "${member.key.slice(0, 64)}" stands twice at the top level.`);
    seen.add(member.key);
  }
  return members;
}

function scan(bytes: Buffer): JsonMember[] | null {
  try {
    return scanJsonObject(bytes);
  } catch (error) {
    if (!(error instanceof JsonScanError)) throw error;
    throw malformed(`Not JSON at byte ${error.offset}: ${error.message}.`);
  }
}

const malformed = (detail: string) => new ProblemError('malformed_json', detail);

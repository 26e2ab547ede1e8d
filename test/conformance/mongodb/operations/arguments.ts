import { ClientSession } from 'mongodb';
import type { Document } from 'mongodb';
import { concerns } from '../entities.js';
import type { Entities } from '../entities.js';
import { plainNumbers } from '../spec-file.js';

/** A test that the format does not allow: it fails whatever the test expects of its operations. */
export class MalformedTest extends Error {}

/** Values that reach the server as they are, with their BSON types. All others are options of the driver. */
const DATA = new Set(['let', 'comment', 'min', 'max', 'arrayFilters', 'metadata', 'validator']);

/** The arguments of an operation. What is not asked for by name goes to the driver as options. */
export class Arguments {
  private readonly rest: Map<string, unknown>;

  constructor(
    raw: Document = {},
    private readonly entities: Entities,
  ) {
    this.rest = new Map(Object.entries(raw));
  }

  required<T = Document>(name: string): T {
    if (!this.rest.has(name)) throw new MalformedTest(`expected an argument ${name}`);
    return this.optional<T>(name) as T;
  }

  optional<T = Document>(name: string): T | undefined {
    const value = this.rest.get(name) as T | undefined;
    this.rest.delete(name);
    return value;
  }

  options(): Document {
    const session = this.rest.get('session') as string | undefined;
    this.rest.delete('session');
    const options = [...this.rest].map(([name, value]) => [
      name,
      DATA.has(name) ? value : plainNumbers(value),
    ]);
    return {
      ...concerns(Object.fromEntries(options) as Document),
      ...(session === undefined ? {} : { session: this.entities.of(ClientSession, session) }),
    };
  }
}

/** `Before` or `After`, as the driver writes it. */
export function returnDocument(args: Arguments): Document {
  const value = args.optional<string>('returnDocument');
  if (value === undefined) return {};
  if (value === 'Before' || value === 'After') return { returnDocument: value.toLowerCase() };
  throw new MalformedTest(`expected returnDocument Before or After, got ${value}`);
}

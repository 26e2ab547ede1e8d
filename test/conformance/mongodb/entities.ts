import { ClientSession, Db, GridFSBucket, ReadPreference } from 'mongodb';
import type { ClientSessionOptions, Document, ReadPreferenceMode } from 'mongodb';
import type { NamedValues } from './matcher.js';
import { ObservedClient } from './observed-client.js';

/** Everything that a test refers to by name. */
export class Entities implements NamedValues {
  private readonly byName = new Map<string, unknown>();
  private readonly lsids = new Map<string, unknown>();

  constructor(private readonly uri: string) {}

  async create(specs: Document[]): Promise<void> {
    for (const spec of specs) {
      const [kind, settings] = Object.entries(spec)[0] as [string, Document];
      const make = MAKERS[kind];
      if (!make) throw new Error(`expected an entity that the runner knows, got ${kind}`);
      const entity = make(settings, this, this.uri);
      this.save(settings['id'], entity);
      if (entity instanceof ObservedClient) await entity.client.connect();
      if (entity instanceof ClientSession) this.lsids.set(settings['id'], entity.id);
    }
  }

  save(name: string, value: unknown): void {
    if (this.byName.has(name)) throw new Error(`expected a new name, got a second entity ${name}`);
    this.byName.set(name, value);
  }

  value(name: string): unknown {
    if (!this.byName.has(name)) throw new Error(`expected an entity ${name}, there is none`);
    return this.byName.get(name);
  }

  lsid(name: string): unknown {
    return this.lsids.get(name) ?? fail(`expected a session ${name}, there is none`);
  }

  of<T>(kind: abstract new (...args: never[]) => T, name: string): T {
    const entity = this.value(name);
    return entity instanceof kind ? entity : fail(`expected ${name} to be a ${kind.name}`);
  }

  clients(): ObservedClient[] {
    return this.all(ObservedClient);
  }

  /** Closes sessions before their clients, so that nothing is left on the server. */
  async close(): Promise<void> {
    for (const session of this.all(ClientSession)) await session.endSession();
    for (const { client } of this.clients()) await client.close();
  }

  private all<T>(kind: abstract new (...args: never[]) => T): T[] {
    return [...this.byName.values()].filter((entity): entity is T => entity instanceof kind);
  }
}

const MAKERS: Record<string, (settings: Document, entities: Entities, uri: string) => unknown> = {
  client: (settings, _entities, uri) => new ObservedClient(uri, settings),
  database: ({ client, databaseName, databaseOptions }, entities) =>
    entities.of(ObservedClient, client).client.db(databaseName, concerns(databaseOptions)),
  collection: ({ database, collectionName, collectionOptions }, entities) =>
    entities.of(Db, database).collection(collectionName, concerns(collectionOptions)),
  session: ({ client, sessionOptions }, entities) =>
    entities.of(ObservedClient, client).client.startSession(sessionSettings(sessionOptions)),
  bucket: ({ database, bucketOptions }, entities) =>
    new GridFSBucket(entities.of(Db, database), concerns(bucketOptions)),
};

/** Options whose read preference is the driver's own class instead of a document. */
export function concerns(options: Document = {}): Document {
  const { readPreference, ...rest } = options;
  if (!readPreference) return rest;
  const { mode, tagSets, maxStalenessSeconds } = readPreference as Document;
  const limits = maxStalenessSeconds === undefined ? {} : { maxStalenessSeconds };
  return { ...rest, readPreference: new ReadPreference(mode as ReadPreferenceMode, tagSets, limits) };
}

function sessionSettings(options: Document = {}): ClientSessionOptions {
  const { defaultTransactionOptions, ...rest } = options;
  return defaultTransactionOptions
    ? { ...rest, defaultTransactionOptions: concerns(defaultTransactionOptions) }
    : rest;
}

function fail(message: string): never {
  throw new Error(message);
}

import { BSON, MongoClient } from 'mongodb';
import type {
  CommandFailedEvent,
  CommandStartedEvent,
  CommandSucceededEvent,
  Document,
  MongoClientOptions,
} from 'mongodb';

/** An event as a test names it, such as `commandStartedEvent`. */
export interface ObservedEvent {
  kind: 'command' | 'cmap' | 'sdam';
  name: string;
  commandName?: string;
  /** Fields that a test may compare. */
  fields: Document;
}

/** Codes with which the embedded server says that it does not have a feature. */
const REFUSAL_CODES = new Set([59, 115, 40415]);
const SENSITIVE = new Set([
  'authenticate',
  'saslStart',
  'saslContinue',
  'getnonce',
  'createUser',
  'updateUser',
]);
const HELLO = new Set(['hello', 'ismaster', 'isMaster']);
const SDAM = new Set(['serverDescriptionChangedEvent', 'topologyDescriptionChangedEvent']);

/** How soon the driver looks at a server again after an error; its default of 500 ms would dominate the run. */
const RECHECK_MS = 5;

/** A client of the server under test that keeps what happened on it. */
export class ObservedClient {
  readonly client: MongoClient;
  readonly events: ObservedEvent[] = [];
  /** What the server said it does not support. */
  readonly refusals: string[] = [];

  /** `settings` is a client entity of a test. */
  constructor(uri: string, settings: Document) {
    const url = new URL(uri);
    for (const [name, value] of Object.entries((settings['uriOptions'] ?? {}) as Document))
      url.searchParams.set(name, String(value));
    const options: MongoClientOptions & { minHeartbeatFrequencyMS: number; __skipPingOnConnect: true } = {
      monitorCommands: true,
      minHeartbeatFrequencyMS: RECHECK_MS,
      __skipPingOnConnect: true,
      ...(settings['serverApi'] ? { serverApi: settings['serverApi'] } : {}),
    };
    this.client = new MongoClient(url.href, options);
    this.observe(settings);
    this.collectRefusals();
  }

  private observe(settings: Document): void {
    const ignored = new Set<string>([
      'configureFailPoint',
      ...(settings['ignoreCommandMonitoringEvents'] ?? []),
    ]);
    const sensitiveToo = settings['observeSensitiveCommands'] === true;
    for (const name of (settings['observeEvents'] ?? []) as string[]) {
      const record = (event: Document): void => {
        if (!name.startsWith('command')) return void this.events.push(monitoringEvent(name, event));
        const { commandName } = event as CommandStartedEvent;
        if (ignored.has(commandName) || (!sensitiveToo && isRedacted(event))) return;
        this.events.push(commandEvent(name, event as CommandStartedEvent));
      };
      this.client.on(name.replace(/Event$/, '') as 'commandStarted', record);
    }
  }

  private collectRefusals(): void {
    this.client.on('commandFailed', ({ failure, commandName }: CommandFailedEvent) => {
      this.noteRefusal(commandName, failure);
    });
    this.client.on('commandSucceeded', ({ reply, commandName }: CommandSucceededEvent) => {
      const { writeErrors, cursor } = (reply ?? {}) as Document;
      const results = commandName === 'bulkWrite' ? (cursor?.firstBatch ?? []) : [];
      for (const error of [...(writeErrors ?? []), ...results]) this.noteRefusal(commandName, error);
    });
  }

  private noteRefusal(commandName: string, error: Document): void {
    const message = String(error['errmsg'] ?? error['message']);
    if (REFUSAL_CODES.has(Number(error['code'])) && !message.includes('failpoint'))
      this.refusals.push(`${commandName}: ${Number(error['code'])} ${message}`);
  }
}

function monitoringEvent(name: string, event: Document): ObservedEvent {
  return { kind: SDAM.has(name) ? 'sdam' : 'cmap', name, fields: event };
}

/** Taken at once, because the driver goes on using its objects, and as the bytes on the wire say. */
function commandEvent(name: string, event: CommandStartedEvent): ObservedEvent {
  const { command, commandName, databaseName, serverConnectionId } = event;
  const { reply } = event as Document;
  const fields: Document = { commandName, databaseName, hasServerConnectionId: serverConnectionId !== null };
  if (command) fields['command'] = withPlainId(onTheWire(command));
  if (reply) fields['reply'] = onTheWire(reply);
  return { kind: 'command', name, commandName, fields };
}

/** The driver looks GridFS files up by `{_id: {$eq: id}}`; the tests, which mean the same, by `{_id: id}`. */
function withPlainId(command: Document): Document {
  const { $eq: id, ...others } = command['filter']?._id ?? {};
  if (id === undefined || Object.keys(others).length > 0) return command;
  return { ...command, filter: { ...command['filter'], _id: id } };
}

function onTheWire(document: Document): Document {
  const bytes = BSON.serialize(document, { ignoreUndefined: true });
  return BSON.deserialize(bytes, { promoteValues: false, bsonRegExp: true });
}

/** The driver empties the events of sensitive commands, and of a hello that carries credentials. */
function isRedacted(event: Document): boolean {
  const { commandName, command, reply } = event;
  if (SENSITIVE.has(commandName)) return true;
  return HELLO.has(commandName) && Object.keys(command ?? reply ?? {}).length === 0;
}

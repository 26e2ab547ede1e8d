import { ObjectId } from 'bson';

/** The MongoDB release whose behaviour this server follows, and its wire versions. */
export const MONGODB_VERSION = '8.0.0';
export const MAX_WIRE_VERSION = 25;

export interface ServerOptions {
  directory: string;
  bind: string;
  port: number;
  setName: string;
  oplogMb: number;
  testCommands: boolean;
}

/** Who this server is, as its clients are told. */
export class ServerInfo {
  readonly startedAt = new Date();
  readonly processId = new ObjectId();
  /** Changes when the topology does, which here happens once: at shutdown. */
  topologyCounter = 0n;
  shuttingDown = false;
  connectionsOpen = 0;
  connectionsMade = 0;
  readonly opcounters = { insert: 0, query: 0, update: 0, delete: 0, getmore: 0, command: 0 };
  private readonly waiting = new Set<() => void>();

  constructor(
    readonly options: ServerOptions,
    public port: number,
  ) {}

  /** `host:port` as members of the replica set name themselves. */
  get address(): string {
    const { bind } = this.options;
    return `${bind.includes(':') ? `[${bind}]` : bind}:${this.port}`;
  }

  get uri(): string {
    return `mongodb://${this.address}/?replicaSet=${this.options.setName}&directConnection=true`;
  }

  /** Resolves when the topology changes, at the latest after `timeoutMs`. */
  topologyChange(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs).unref();
      this.waiting.add(done);
    });
  }

  /** From here on this server is no primary; waiting clients are told at once. */
  beginShutdown(): void {
    this.shuttingDown = true;
    this.topologyCounter += 1n;
    for (const done of [...this.waiting]) done();
  }
}

import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { startBackgroundWork } from './background/background-work.js';
import type { Services } from './commands/command.js';
import { dropUnfinishedOutput } from './commands/reads/aggregate.js';
import { FailPoints } from './commands/fail-points.js';
import { CursorStore } from './cursor/cursor.js';
import { ServerInfo, type ServerOptions } from './server-info.js';
import { log } from './stats/log.js';
import { Engine } from './storage/engine.js';
import { Connection } from './wire/connection.js';

/** Running work may take so long to finish at shutdown. */
const DRAIN_MS = 10_000;
const DRAIN_POLL_MS = 10;

/** The server: one directory, one port. */
export class EmbeddedServer {
  private readonly connections = new Set<Connection>();
  private readonly background: NodeJS.Timeout[];

  private constructor(
    private readonly services: Services,
    private readonly listener: Server,
  ) {
    listener.on('connection', (socket) => this.accept(socket));
    listener.on('error', (error) => log('error', 'listening failed', { error: error.message }));
    this.background = startBackgroundWork(services);
  }

  /** Takes the directory, opens the data and listens. Throws if the directory or the port is taken. */
  static async start(options: ServerOptions): Promise<EmbeddedServer> {
    const { bind, directory, port, oplogMb } = options;
    if (bind !== 'localhost' && bind !== '::1' && !bind.startsWith('127.'))
      throw new Error(
        `--bind ${bind} is refused: there are no users and passwords here, so only loopback is safe`,
      );
    const engine = new Engine({ directory, oplogMaxBytes: oplogMb * 1024 * 1024 });
    await dropUnfinishedOutput(engine);
    const listener = createServer().listen(port, bind);
    await once(listener, 'listening');
    const info = new ServerInfo(options, (listener.address() as AddressInfo).port);
    const services = { engine, cursors: new CursorStore(), info, failPoints: new FailPoints() };
    return new EmbeddedServer(services, listener);
  }

  get info(): ServerInfo {
    return this.services.info;
  }

  /** Refuses new work, lets running work finish, checkpoints and lets the directory go. */
  async stop(): Promise<void> {
    const { info, engine } = this.services;
    info.beginShutdown();
    this.listener.close();
    for (const timer of this.background) clearInterval(timer);
    const end = Date.now() + DRAIN_MS;
    while (Date.now() < end && [...this.connections].some(({ busy }) => busy))
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    for (const connection of this.connections) connection.close();
    await engine.queue.idle();
    engine.close();
  }

  private accept(socket: Socket): void {
    const { info } = this.services;
    info.connectionsOpen += 1;
    info.connectionsMade += 1;
    const address = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
    const peer = { id: info.connectionsMade, address, appName: undefined };
    const connection = new Connection(socket, this.services, peer);
    this.connections.add(connection);
    socket.on('close', () => {
      info.connectionsOpen -= 1;
      this.connections.delete(connection);
    });
  }
}

import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { BackgroundWork } from './background/background-work.js';
import type { Services } from './commands/context.js';
import { FailPoints } from './commands/fail-points.js';
import { CursorStore } from './cursor/cursor-store.js';
import { ServerInfo } from './server-info.js';
import type { ServerOptions } from './server-info.js';
import { log } from './stats/log.js';
import { DirectoryLock } from './storage/directory-lock.js';
import { Engine } from './storage/engine.js';
import { Connection } from './wire/connection.js';
import { RequestGate } from './wire/request-gate.js';

/** Running work may take so long to finish at shutdown. */
const DRAIN_MS = 10_000;
const DRAIN_POLL_MS = 10;

/** The server: one directory, one port. */
export class EmbeddedServer {
  private readonly connections = new Set<Connection>();
  private readonly gate = new RequestGate();
  private readonly background: BackgroundWork;

  private constructor(
    private readonly lock: DirectoryLock,
    private readonly services: Services,
    private readonly listener: Server,
  ) {
    this.background = new BackgroundWork(services);
  }

  /** Takes the directory, opens the data and listens. Throws if the directory or the port is taken. */
  static async start(options: ServerOptions): Promise<EmbeddedServer> {
    refuseOutsideLoopback(options.bind);
    const lock = new DirectoryLock(options.directory);
    const engine = new Engine({ directory: options.directory, oplogMaxBytes: options.oplogMb * 1024 * 1024 });
    const info = new ServerInfo(options, options.port);
    const services = { engine, cursors: new CursorStore(), info, failPoints: new FailPoints() };
    const listener = createServer({ pauseOnConnect: false });
    const server = new EmbeddedServer(lock, services, listener);
    listener.on('connection', (socket) => server.accept(socket));
    info.port = await listen(listener, options);
    server.background.start();
    return server;
  }

  get info(): ServerInfo {
    return this.services.info;
  }

  /** Refuses new work, lets running work finish, checkpoints and lets the directory go. */
  async stop(): Promise<void> {
    const { info, engine } = this.services;
    info.beginShutdown();
    this.listener.close();
    this.background.stop();
    await this.drained();
    for (const connection of this.connections) connection.close();
    await engine.queue.idle();
    engine.close();
    this.lock.release();
  }

  private async drained(): Promise<void> {
    const end = Date.now() + DRAIN_MS;
    while (Date.now() < end && [...this.connections].some((connection) => connection.busy)) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
  }

  private accept(socket: Socket): void {
    const { info } = this.services;
    info.connectionsOpen += 1;
    info.connectionsMade += 1;
    const address = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
    const peer = { id: info.connectionsMade, address, appName: undefined };
    const connection = new Connection(socket, this.services, peer, this.gate);
    this.connections.add(connection);
    socket.on('close', () => {
      info.connectionsOpen -= 1;
      this.connections.delete(connection);
    });
  }
}

function refuseOutsideLoopback(bind: string): void {
  if (bind === 'localhost' || bind === '::1' || bind.startsWith('127.')) return;
  throw new Error(
    `--bind ${bind} is refused: this server has no users and passwords, so it listens on loopback only`,
  );
}

function listen(listener: Server, { port, bind }: ServerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(port, bind, () => {
      listener.off('error', reject);
      listener.on('error', (error) => log('error', 'listening failed', { error: error.message }));
      const address = listener.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

import { connect, createServer } from 'node:net';

export type IsFree = (port: number) => Promise<boolean>;

export interface PortRequest {
  /** Taken if nothing else is asked. */
  wanted: number;
  /** Value of the variable that names the port, if it is set. */
  explicit: string | undefined;
  /** Name of that variable, for messages. */
  variable: string;
}

export interface PortChoice {
  port: number;
  /** The default was busy and this is the next free one. */
  moved: boolean;
}

/** An explicitly set port is taken or refused; a default that is busy gives way to the next free one. */
export async function choosePort(
  { wanted, explicit, variable }: PortRequest,
  taken: ReadonlySet<number>,
  isFree: IsFree = isPortFree,
): Promise<PortChoice> {
  if (explicit !== undefined && explicit !== '') {
    const port = Number(explicit);
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new Error(`${variable}: expected a port from 1 to 65535, got '${explicit}'`);
    if (taken.has(port) || !(await isFree(port)))
      throw new Error(`${variable}=${port}: the port is busy; stop what listens there or set another one`);
    return { port, moved: false };
  }
  for (let port = wanted; port <= 65_535; port++)
    if (!taken.has(port) && (await isFree(port))) return { port, moved: port !== wanted };
  throw new Error(`expected a free port from ${wanted} on, found none; set ${variable}`);
}

/**
 * A free port below the range from which the system takes ports for outgoing connections, so that a process that
 * was killed can come back on it.
 */
export async function anyFreePort(taken: ReadonlySet<number>): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    if (!taken.has(port) && (await isPortFree(port))) return port;
  }
}

/** Free means: nobody answers on loopback (a listener on all addresses would), and we could listen there. */
export async function isPortFree(port: number): Promise<boolean> {
  return !(await accepts(port)) && (await canListen(port));
}

/** Whether something accepts connections on this loopback port. */
export function accepts(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1_000 });
    const answer = (value: boolean) => {
      socket.destroy();
      resolve(value);
    };
    socket.once('connect', () => answer(true));
    socket.once('timeout', () => answer(false));
    socket.once('error', () => answer(false));
  });
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

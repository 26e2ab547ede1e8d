import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

/** The part of the driver's connection that is used here; the driver's types leave it out. */
interface DriverConnection {
  socket: Socket;
  error: Error | null;
  onClose(): void;
  writeCommand(command: unknown, options: unknown): Promise<void>;
}

// The very driver that mongoose uses.
const require = createRequire(createRequire(import.meta.url).resolve('mongoose'));
const { Connection } = require('mongodb/lib/cmap/connection.js') as {
  Connection: new (socket: Socket, options: unknown) => DriverConnection;
};

/**
 * The driver's connection, but a command on a socket that is already gone fails, so that it is retried. Without this
 * it waits for ever: the driver (7.8) waits for `drain`, which a destroyed socket never emits, and drops the close
 * because the command does not read yet. It happens to commands issued in the moment the server dies. Where the socket
 * has heard that the server ends it, and is not closed yet, writing fails with an error of the socket's own (`EPIPE`), which
 * the driver would not take for a lost connection either.
 */
export class GuardedConnection extends Connection {
  override async writeCommand(command: unknown, options: unknown): Promise<void> {
    if (!this.socket.writable) this.onClose();
    if (this.error !== null) throw this.error;
    let closed = (): void => undefined;
    const closing = new Promise<never>((_resolve, reject) => {
      closed = () => {
        this.onClose();
        reject(this.error!);
      };
    });
    this.socket.once('close', closed);
    try {
      await Promise.race([super.writeCommand(command, options), closing]);
    } catch (error) {
      if (!this.socket.writable) this.onClose();
      throw this.error ?? error;
    } finally {
      this.socket.off('close', closed);
    }
  }
}

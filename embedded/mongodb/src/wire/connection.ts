import type { Socket } from 'node:net';
import type { Peer, Services } from '../commands/command.js';
import { dispatch } from '../commands/dispatch.js';
import { errorReply, finishReply } from '../commands/replies.js';
import { CommandError } from '../errors.js';
import { log } from '../stats/log.js';
import { codecOf, FrameReader, wantsNoReply, type Frame, type OpMsg } from './message.js';

/**
 * One client connection. Its requests run one after the other, in the order they came. While one runs or the client does
 * not take its replies, the socket is not read beyond what came with it, so no client costs more than two messages.
 */
export class Connection {
  private readonly frames = new FrameReader();
  private readonly waiting: Frame[] = [];
  private running = false;
  private streaming = false;
  private closed = false;

  constructor(
    private readonly socket: Socket,
    private readonly services: Services,
    private readonly peer: Peer,
  ) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', (error) => log('debug', 'connection failed', { error: error.message }));
    // What was received whole and wants no reply is still carried out: it may be a write.
    socket.on('close', () => (this.closed = true));
  }

  /** True while a request is being answered, not counting a hello that streams. */
  get busy(): boolean {
    return this.running && !this.streaming;
  }

  close(): void {
    this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    try {
      this.waiting.push(...this.frames.push(chunk));
    } catch (error) {
      this.fail(error);
      return;
    }
    if (this.running) this.socket.pause();
    else if (this.waiting.length > 0) void this.work();
  }

  private async work(): Promise<void> {
    this.running = true;
    try {
      for (let frame = this.waiting.shift(); frame; frame = this.waiting.shift()) await this.answer(frame);
    } catch (error) {
      this.fail(error);
    }
    this.running = false;
    if (this.socket.isPaused()) this.socket.resume();
  }

  private async answer(frame: Frame): Promise<void> {
    const [parse, encode] = codecOf(frame.opCode);
    let message: OpMsg;
    try {
      message = parse(frame);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (wantsNoReply(frame)) return;
      const reply = finishReply(this.services, errorReply(error));
      await this.send(encode(reply, frame.requestId).bytes);
      return;
    }
    let responseTo = frame.requestId;
    while (!this.closed || message.moreToCome) {
      const reply = await dispatch(this.services, this.peer, message);
      if (reply === 'close') return this.close();
      if (message.moreToCome) return;
      const streams = message.exhaustAllowed && message.body.has('maxAwaitTimeMS') && !reply.has('code');
      const { bytes, requestId } = encode(reply, responseTo, streams);
      const sent = this.send(bytes);
      if (sent) await sent;
      this.streaming = streams;
      if (!streams) return;
      // An awaitable hello with exhaust: one reply after the other until the client goes.
      responseTo = requestId;
      const body = message.body.clone().set('topologyVersion', reply.get('topologyVersion') ?? null);
      message = { ...message, body };
    }
  }

  /** A promise where the client does not take its replies: until it does, its next request is not looked at. */
  private send(bytes: Buffer): Promise<void> | undefined {
    if (this.closed || this.socket.write(bytes)) return undefined;
    return new Promise<void>((resolve) => {
      const done = (): void => {
        this.socket.off('drain', done).off('close', done);
        resolve();
      };
      this.socket.once('drain', done).once('close', done);
    });
  }

  private fail(error: unknown): void {
    log('warn', 'connection closed', { peer: this.peer.address, error: String(error) });
    this.socket.destroy();
  }
}

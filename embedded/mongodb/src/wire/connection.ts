import type { Socket } from 'node:net';
import { BDoc } from '../bson/values.js';
import { dispatch } from '../commands/dispatch.js';
import type { Peer, Services } from '../commands/context.js';
import { errorReply, finishReply } from '../commands/replies.js';
import { CommandError } from '../errors.js';
import { log } from '../stats/log.js';
import { FrameReader, OP_MSG, OP_QUERY, ProtocolError } from './frame.js';
import type { Frame } from './frame.js';
import { encodeOpMsg, parseOpMsg, wantsNoReply } from './op-msg.js';
import type { OpMsg } from './op-msg.js';
import type { RequestGate } from './request-gate.js';
import { encodeOpReply, parseOpQuery } from './op-query.js';

/** Bytes of requests of one connection that may wait before its socket is no longer read. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/**
 * One client connection. Its requests run one after the other, in the order they came; the socket is not read while
 * several wait or while the client does not take its replies, so a slow client costs little memory.
 */
export class Connection {
  private readonly frames = new FrameReader();
  private readonly waiting: Frame[] = [];
  private waitingBytes = 0;
  private running = false;
  private streaming = false;
  private closed = false;

  constructor(
    private readonly socket: Socket,
    private readonly services: Services,
    private readonly peer: Peer,
    private readonly gate: RequestGate,
  ) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', (error) =>
      log('debug', 'connection failed', { peer: peer.address, error: error.message }),
    );
    socket.on('close', () => {
      // What was received whole and wants no reply is still carried out: it may be a write.
      this.closed = true;
    });
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
      for (const frame of this.frames.push(chunk)) {
        this.waiting.push(frame);
        this.waitingBytes += frame.message.length;
        this.gate.enter(frame.message.length);
      }
    } catch (error) {
      this.fail(error);
      return;
    }
    if (this.waitingBytes > MAX_WAITING_BYTES || this.gate.full) this.socket.pause();
    if (this.gate.full) this.gate.hold(() => this.socket.resume());
    if (!this.running && this.waiting.length > 0) void this.work();
  }

  private async work(): Promise<void> {
    this.running = true;
    try {
      for (let frame = this.waiting.shift(); frame; frame = this.waiting.shift()) {
        // Nobody is left to be answered; what wanted no answer may be a write.
        if (!this.closed || wantsNoReply(frame)) await this.answer(frame);
        this.done(frame);
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.running = false;
    }
  }

  private done({ message }: Frame): void {
    this.waitingBytes -= message.length;
    this.gate.leave(message.length);
    const mayRead = this.waitingBytes <= MAX_WAITING_BYTES / 2 && !this.gate.full;
    if (mayRead && this.socket.isPaused()) this.socket.resume();
  }

  private async answer(frame: Frame): Promise<void> {
    if (frame.opCode === OP_MSG) await this.answerMessage(frame);
    else if (frame.opCode === OP_QUERY) await this.answerQuery(frame);
    else throw new ProtocolError(`opcode ${frame.opCode} is not supported by the embedded server`);
  }

  private async answerMessage(frame: Frame): Promise<void> {
    let message: OpMsg;
    try {
      message = parseOpMsg(frame);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      await this.send(
        encodeOpMsg(finishReply(this.services, errorReply(error, null)).toBytes(), frame.requestId).bytes,
      );
      return;
    }
    const reply = await dispatch(this.services, this.peer, message);
    if (reply === 'close') {
      this.close();
      return;
    }
    if (message.moreToCome) return;
    const streams = message.exhaustAllowed && message.body.has('maxAwaitTimeMS') && reply.get('ok') !== 0;
    const { bytes, requestId } = encodeOpMsg(reply.toBytes(), frame.requestId, streams);
    await this.send(bytes);
    if (!streams) return;
    this.streaming = true;
    await this.stream(message, reply, requestId);
    this.streaming = false;
  }

  /** Awaitable hello with exhaust: one reply after the other until the client goes. */
  private async stream(message: OpMsg, first: BDoc, firstId: number): Promise<void> {
    let responseTo = firstId;
    let last = first;
    while (!this.closed) {
      const body = message.body.clone();
      const version = last.get('topologyVersion');
      if (version instanceof BDoc) body.set('topologyVersion', version);
      const reply = await dispatch(this.services, this.peer, { ...message, body });
      if (reply === 'close' || this.closed) return;
      const more = reply.get('topologyVersion') !== undefined;
      const { bytes, requestId } = encodeOpMsg(reply.toBytes(), responseTo, more);
      await this.send(bytes);
      if (!more) return;
      responseTo = requestId;
      last = reply;
    }
  }

  /** The legacy opcode carries the handshake only. */
  private async answerQuery(frame: Frame): Promise<void> {
    const { collection, query } = parseOpQuery(frame);
    const name = query.keys()[0] ?? '';
    if (!collection.endsWith('.$cmd') || !HANDSHAKE.has(name)) {
      throw new ProtocolError(`OP_QUERY may carry hello only, got '${name}' on ${collection}`);
    }
    const body = BDoc.of(...query.entries().filter(([field]) => field !== '$db'), [
      '$db',
      collection.slice(0, -5),
    ]);
    const reply = await dispatch(this.services, this.peer, {
      body,
      sequences: new Map(),
      exhaustAllowed: false,
    });
    if (reply === 'close') this.close();
    else await this.send(encodeOpReply(reply.toBytes(), frame.requestId));
  }

  /** Waits for a client that does not take its replies before the next request is looked at. */
  private send(bytes: Buffer): Promise<void> | undefined {
    if (this.closed || this.socket.write(bytes)) return undefined;
    return new Promise((resolve) => {
      const done = (): void => {
        this.socket.off('drain', done).off('close', done);
        resolve();
      };
      this.socket.once('drain', done).once('close', done);
    });
  }

  private fail(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    log('warn', 'connection closed', { peer: this.peer.address, error: message });
    this.socket.destroy();
  }
}

const HANDSHAKE = new Set(['hello', 'isMaster', 'ismaster']);

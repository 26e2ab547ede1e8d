import { createHash } from 'node:crypto';
import { SetMetadata } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { from, lastValueFrom, of } from 'rxjs';
import type { Observable } from 'rxjs';
import { ksuid } from '../../domain/ksuid.js';
import { principalOf } from '../auth/auth.guard.js';
import { isDatabaseAway } from '../database-away.js';
import { ProblemError } from '../errors.js';
import { newId } from '../ids.js';
import type { IdPrefix } from '../ids.js';
import { receivedBody } from './json-body.js';

/** What the interceptor needs of the store. */
export interface IdempotencyStore {
  claim(id: string, requestHash: string, now: Date): Promise<Claim>;
  finish(id: string, status: number, body: string): Promise<void>;
  release(id: string): Promise<void>;
}

export type Claim =
  /** This request runs; `since` is when the key was first seen, equal on every take-over. */
  | { state: 'mine'; since: Date }
  | { state: 'running' }
  | { state: 'reused' }
  | { state: 'done'; status: number; body: string };

const KEY_PATTERN = /^[\x21-\x7e]{1,256}$/;
const WAIT_MS = 5_000;
const POLL_MS = 50;
const OWN_IDEMPOTENCY = 'holdfast:own-idempotency';

/** The route keeps idempotency itself, in the row it stores. */
export const KeepsOwnIdempotency = () => SetMetadata(OWN_IDEMPOTENCY, true);

/** The idempotency key of a request. @throws ProblemError when it is not 1 to 256 printable ASCII characters */
export function idempotencyKey(request: FastifyRequest): string | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && KEY_PATTERN.test(key)) return key;
  throw new ProblemError('validation', 'idempotency-key: expected 1 to 256 printable ASCII characters', {
    errors: [
      {
        loc: ['header', 'idempotency-key'],
        msg: 'expected 1 to 256 printable ASCII characters',
        type: 'value_error',
      },
    ],
  });
}

export const requestHash = (request: FastifyRequest): string =>
  createHash('sha256')
    .update(`${request.method} ${request.url}\n`)
    .update(receivedBody(request)?.bytes ?? '')
    .digest('base64url');

const creations = new WeakMap<FastifyRequest, { sinceMs: number; tail: Buffer }>();

/**
 * The id for what this request creates. With an idempotency key it is derived from the key and the time it was
 * first seen, so a request that is repeated after a crash writes the same row instead of a second one.
 */
export function creationId(request: FastifyRequest, prefix: IdPrefix): string {
  const creation = creations.get(request);
  return creation === undefined ? newId(prefix) : `${prefix}_${ksuid(creation.sinceMs, 0, creation.tail)}`;
}

/** `Idempotency-Key` on POST: the same request again gets the first answer, another one 422. */
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly store: IdempotencyStore,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const key = request.method === 'POST' ? idempotencyKey(request) : null;
    const ownWay = this.reflector.get<boolean | undefined>(OWN_IDEMPOTENCY, context.getHandler()) === true;
    if (key === null || ownWay) return next.handle();

    const subject = principalOf(request)?.keyId ?? '';
    const scope = createHash('sha256').update(`${subject}\n${request.routeOptions.url}\n${key}`).digest();
    const id = scope.toString('base64url');
    const claim = await this.#claim(id, requestHash(request));
    if (claim.state === 'done') {
      void reply.status(claim.status).header('idempotency-replayed', 'true');
      return of(JSON.parse(claim.body) as unknown);
    }
    creations.set(request, { sinceMs: claim.since.getTime(), tail: scope });
    return from(this.#run(id, reply, next));
  }

  async #run(id: string, reply: FastifyReply, next: CallHandler): Promise<unknown> {
    try {
      const answer: unknown = await lastValueFrom(next.handle(), { defaultValue: null });
      await this.store.finish(id, reply.statusCode, JSON.stringify(answer ?? null));
      return answer;
    } catch (error) {
      const released = this.store.release(id);
      // Waiting for a database that is away would double the time to the answer; the key is free again in a minute.
      if (isDatabaseAway(error)) released.catch(() => undefined);
      else await released;
      throw error;
    }
  }

  async #claim(id: string, hash: string): Promise<Extract<Claim, { state: 'mine' | 'done' }>> {
    const deadline = performance.now() + WAIT_MS;
    for (;;) {
      const claim = await this.store.claim(id, hash, new Date());
      if (claim.state === 'mine' || claim.state === 'done') return claim;
      if (claim.state === 'reused') throw keyReused();
      if (performance.now() > deadline) {
        throw new ProblemError(
          'idempotency_in_progress',
          'The first request with this key has not ended. Try again.',
          {
            headers: { 'retry-after': '1' },
          },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

export const keyReused = () =>
  new ProblemError(
    'idempotency_key_reused',
    'This idempotency key was used with another path or body. Use a new key for a new request.',
    {
      errors: [
        {
          loc: ['header', 'idempotency-key'],
          msg: 'used for another request',
          type: 'idempotency_key_reused',
        },
      ],
    },
  );

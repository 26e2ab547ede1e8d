import { Catch, HttpException, NotFoundException } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { isDatabaseAway } from '../database-away.js';
import { ERRORS, ProblemError } from '../errors.js';
import type { ErrorCode } from '../errors.js';

/** Paths whose clients decode a 422 as `{detail: [{loc, msg, type}]}`, as the Svix SDKs do. */
const SVIX_SURFACE = /^\/api\/v1\/(app|event-type|background-task|operational-webhook|stats|auth)(\/|\?|$)/;
export const isSvixSurface = (url: string): boolean => SVIX_SURFACE.test(url);

export type NoRoute = (request: FastifyRequest) => ProblemError;

/** Turns whatever was thrown into `application/problem+json` (RFC 9457). */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly log: Logger,
    /** What to say of a path that no route takes. */
    private readonly noRoute: NoRoute,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    // Only the router throws Nest's own 404: resources that are not there are ProblemErrors.
    const problem = thrown instanceof NotFoundException ? this.noRoute(request) : toProblem(thrown);
    if (problem.code === 'internal' || problem.code === 'unavailable') {
      this.log.error({ err: thrown, requestId: request.id }, 'request failed');
    }
    const { status } = problem;
    const compatible = status === 422 && problem.extra.errors !== undefined && isSvixSurface(request.url);
    void reply
      .status(status)
      .headers(problem.extra.headers ?? {})
      .type(compatible ? 'application/json' : 'application/problem+json')
      .send(
        JSON.stringify({
          ...problemBody(problem),
          ...(compatible
            ? { detail: problem.extra.errors?.map(({ loc, msg, type }) => ({ loc, msg, type })) }
            : {}),
          instance: request.url.split('?')[0],
          requestId: request.id,
        }),
      );
  }
}

/** The members of a problem that do not depend on the request (RFC 9457). */
export const problemBody = (problem: ProblemError) => ({
  type: `/problems/${problem.code}`,
  title: ERRORS[problem.code].title,
  status: problem.status,
  detail: problem.detail,
  code: problem.code,
  ...(problem.extra.errors === undefined ? {} : { errors: problem.extra.errors }),
  ...problem.extra.members,
});

const BY_STATUS: Record<number, ErrorCode> = {
  401: 'authentication_failed',
  403: 'insufficient_access',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  422: 'validation',
  429: 'rate_limited',
  503: 'unavailable',
};

export function toProblem(thrown: unknown): ProblemError {
  if (thrown instanceof ProblemError) return thrown;
  if (isDatabaseAway(thrown))
    return new ProblemError('unavailable', 'The database does not answer. Try again.', {
      headers: { 'retry-after': '1' },
    });
  const status = thrown instanceof HttpException ? thrown.getStatus() : fastifyStatus(thrown);
  if (status === undefined || status >= 500) {
    return new ProblemError(
      'internal',
      'Something failed on our side. Nothing is known to have been stored.',
    );
  }
  const message = thrown instanceof Error ? thrown.message : 'The request was refused.';
  return new ProblemError(BY_STATUS[status] ?? 'bad_request', message);
}

// Fastify's own errors (body limit, content type, bad URL) carry a statusCode and a code FST_….
function fastifyStatus(thrown: unknown): number | undefined {
  const error = thrown as { statusCode?: unknown; code?: unknown } | null;
  if (typeof error?.statusCode !== 'number' || typeof error.code !== 'string') return undefined;
  return error.statusCode;
}

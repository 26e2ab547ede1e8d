import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Logger as NestLogger } from 'nestjs-pino';
import type { Logger } from 'pino';
import type { Config } from '../platform/config.js';
import { ProblemError } from '../platform/errors.js';
import { parseJsonBody, parseLines } from '../platform/http/json-body.js';
import { RouteTable } from '../platform/http/route-table.js';
import { newId } from '../platform/ids.js';
import { httpMetrics } from '../platform/metrics.js';
import { ApiModule } from './api.module.js';
import { serveDocumentation } from './documentation.js';
import { isSvixPath } from './webhooks/svix-paths.js';

/** Room for everything in a message but its payload. */
const ENVELOPE_BYTES = 65_536;
const BATCH_BYTES = 4 * 1_048_576;

/** The whole HTTP API, not yet listening. */
export async function createHttpServer(config: Config, logger: Logger): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: config.WEBHOOK_MAX_PAYLOAD_BYTES + ENVELOPE_BYTES,
    genReqId: () => newId('req'),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 512 },
    requestTimeout: 30_000,
  });
  const fastify = adapter.getInstance() as unknown as FastifyInstance;
  const routes = new RouteTable(fastify);
  acceptJson(fastify);
  acceptBatches(fastify);
  measureRequests(fastify);
  refuseUnknownRoutes(fastify, routes);

  const app = await NestFactory.create<NestFastifyApplication>(
    ApiModule.forProcess(logger, (request) => noRoute(request, routes)),
    adapter,
    {
      bufferLogs: true,
      bodyParser: false,
    },
  );
  app.useLogger(app.get(NestLogger));
  app.enableShutdownHooks([]);
  serveDocumentation(app);
  fastify.get('/', (_, reply) => reply.redirect('/docs'));
  await app.init();
  return app;
}

// Before the body is looked at: a path that is not there is said so whatever was sent.
function refuseUnknownRoutes(fastify: FastifyInstance, routes: RouteTable): void {
  fastify.addHook('onRequest', (request, _, done) => {
    if (request.is404) done(noRoute(request, routes));
    else done();
  });
}

function noRoute(request: FastifyRequest, routes: RouteTable): ProblemError {
  const path = request.url.split('?')[0] ?? '';
  const allowed = routes.methodsFor(path);
  if (allowed.length > 0) {
    return new ProblemError(
      'method_not_allowed',
      `${request.method} is not allowed here; use ${allowed.join(', ')}.`,
      {
        headers: { allow: allowed.join(', ') },
      },
    );
  }
  if (isSvixPath(path)) {
    return new ProblemError('not_implemented', 'This route of the compatible API is not there yet.');
  }
  return new ProblemError('not_found', `There is no route ${request.method} ${path}.`);
}

// A body of any other type is refused: nothing here takes forms or text.
function acceptJson(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, bytes, done) => {
    try {
      done(null, parseJsonBody(request, bytes));
    } catch (error) {
      done(error as Error);
    }
  });
}

/** Batches may be larger than single messages, and lines of JSON. */
function acceptBatches(fastify: FastifyInstance): void {
  const isBatch = (url: string | undefined) => url !== undefined && /\/msg\/batch\/?$/.test(url);
  fastify.addHook('onRoute', (route) => {
    if (isBatch(route.url)) route.bodyLimit = BATCH_BYTES;
  });
  fastify.addContentTypeParser<Buffer>(
    'application/x-ndjson',
    { parseAs: 'buffer', bodyLimit: BATCH_BYTES },
    (request, bytes, done) => {
      if (isBatch(request.routeOptions.url)) done(null, { items: parseLines(request, bytes) });
      else
        done(new ProblemError('unsupported_media_type', 'Only a batch takes lines; use application/json.'));
    },
  );
}

function measureRequests(fastify: FastifyInstance): void {
  fastify.addHook('onResponse', (request, reply, done) => {
    httpMetrics.requests.observe(
      { method: request.method, route: request.routeOptions.url ?? 'unknown', status: reply.statusCode },
      reply.elapsedTime / 1_000,
    );
    done();
  });
}

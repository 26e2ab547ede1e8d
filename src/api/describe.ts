import 'reflect-metadata';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { configSchema } from '../platform/config.js';
import { ERRORS, ProblemError } from '../platform/errors.js';
import { ApiModule } from './api.module.js';
import { openApi } from './documentation.js';

// Writes what is generated from the code and committed: openapi.json, docs/errors.md, docs/settings.md, below the
// folder that is given (default: here). Nothing is connected to: Nest's preview mode reads routes and schemas without creating providers.

// The settings are checked when the modules are built; these are never used.
process.env['MONGODB_URL'] = 'mongodb://127.0.0.1/';
process.env['TEMPORAL_ADDRESS'] = '127.0.0.1:7233';
process.env['HOLDFAST_MASTER_KEY'] = Buffer.alloc(32).toString('base64');

const app = await NestFactory.create<NestFastifyApplication>(
  ApiModule.forProcess(pino({ level: 'silent' }), () => new ProblemError('not_found', '')),
  new FastifyAdapter(),
  { preview: true, logger: ['error'] },
);
const folder = process.argv[2] ?? '.';
mkdirSync(join(folder, 'docs'), { recursive: true });
writeFileSync(join(folder, 'openapi.json'), `${JSON.stringify(openApi(app), null, 2)}\n`);
writeFileSync(join(folder, 'docs/errors.md'), errorsPage());
writeFileSync(join(folder, 'docs/settings.md'), settingsPage());

function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, title }]) => `| \`${code}\` | ${status} | ${title} |`,
  );
  return `# Errors

Every error is an RFC 9457 problem, \`application/problem+json\`: \`type\`, \`title\`, \`status\`, \`detail\`, \`instance\`, \`code\`,
\`requestId\`, and for a 422 \`errors\`, one entry per fault with its place. On the Svix-compatible routes a 422 is
\`application/json\` and \`detail\` is the list of faults, because the Svix SDKs decode it so.

| code | status | meaning |
|---|---|---|
${rows.join('\n')}
`;
}

function settingsPage(): string {
  const rows = Object.entries(configSchema.shape).map(([name, schema]) => {
    const parsed = schema.safeParse(undefined);
    const initial = parsed.success ? shown(parsed.data) : '**required**';
    return `| \`${name}\` | ${initial} | ${schema.description ?? ''} |`;
  });
  return `# Settings of the api and worker processes

Environment variables. All wrong ones are listed at start. Settings of \`npm start\` stand in [running.md](running.md).

| variable | default | meaning |
|---|---|---|
${rows.join('\n')}
`;
}

function shown(value: unknown): string {
  if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) return '';
  return `\`${String(value as string | number | boolean)}\``;
}

import { z } from 'zod';

const flag = (fallback: boolean) =>
  z
    .enum(['true', 'false', 'on', 'off', '1', '0'])
    .default(fallback ? 'true' : 'false')
    .transform((value) => value === 'true' || value === 'on' || value === '1');
const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  );
const port = z.coerce.number().int().min(0).max(65_535);
const base64Bytes = (length: number) =>
  z.string().refine((text) => Buffer.from(text, 'base64').length === length, {
    error: `expected ${length} bytes in base64 (make some: openssl rand -base64 ${length})`,
  });
const retentionDays = z.coerce.number().int().min(1).max(3650);
const emptyIsUnset = (value: unknown) => (value === '' ? undefined : value);

/**
 * Every setting of the api and worker processes. To add one: add it here with a default and a description, and
 * it is validated at start, shown in the start-up summary and listed in docs/running.md.
 */
export const configSchema = z.object({
  MONGODB_URL: z
    .string()
    .regex(/^mongodb(\+srv)?:\/\//, { error: 'expected a URL that starts with mongodb:// or mongodb+srv://' })
    .describe('MongoDB replica set, or the embedded server'),
  MONGODB_DATABASE: z.string().min(1).max(63).default('holdfast').describe('Database name'),
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^:/\s]+:\d+$/, { error: 'expected host:port, e.g. 127.0.0.1:7233' })
    .describe('Temporal frontend'),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default').describe('Temporal namespace'),
  TEMPORAL_UI_URL: z.preprocess(emptyIsUnset, z.url().optional()).describe('Temporal UI, for links'),
  TEMPORAL_METRICS_ADDRESS: z
    .preprocess(emptyIsUnset, z.string().optional())
    .describe('host:port where the worker serves the Temporal core metrics; a free loopback port if unset'),
  API_HOST: z.string().default('127.0.0.1').describe('Address the API listens on'),
  API_PORT: port.default(3000).describe('Port the API listens on; 0 takes a free one'),
  API_PUBLIC_URL: z
    .preprocess(emptyIsUnset, z.url().optional())
    .describe('Where customers reach the API, for links given to them; where it was called if unset'),
  WORKER_HINT_HOST: z.string().default('127.0.0.1').describe('Address the worker takes lane hints on'),
  WORKER_HINT_PORT: port.default(0).describe('Port for lane hints; 0 takes a free one'),
  WORKER_QUEUES: list.describe('Task queues to serve, comma-separated; all when empty'),
  HOLDFAST_MASTER_KEY: base64Bytes(32).describe('Key that seals secrets at rest and keys the API key hashes'),
  HOLDFAST_BOOTSTRAP_KEY: z
    .preprocess(emptyIsUnset, z.string().optional())
    .describe('First admin API key; stored when the API starts'),
  HOLDFAST_EXIT_WITH_PARENT: flag(false).describe('Exit when standard input closes'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Lowest level that is logged'),
  WEBHOOK_ALLOW_CIDRS: list.describe('Private address ranges that endpoints may use, comma-separated'),
  WEBHOOK_ALLOW_HTTP: flag(false).describe('Allow http:// endpoints beside https://'),
  WEBHOOK_ALLOW_PORTS: list
    .transform((items) => items.map(Number))
    .refine((ports) => ports.every((one) => Number.isInteger(one) && one > 0 && one < 65_536), {
      error: 'expected port numbers, comma-separated, e.g. 443,8443',
    })
    .describe('Ports that endpoints may have, comma-separated; every port when empty'),
  WEBHOOK_PROXY_URL: z
    .preprocess(emptyIsUnset, z.url({ protocol: /^https?$/ }).optional())
    .describe('HTTP proxy that webhooks are sent through (CONNECT); user name and password may be in it'),
  WEBHOOK_MAX_PAYLOAD_BYTES: z.coerce
    .number()
    .int()
    .min(1024)
    .max(1_048_576)
    .default(262_144)
    .describe('Largest message payload in bytes'),
  WEBHOOK_LANES: z.coerce.number().int().min(1).max(64).default(4).describe('Shared dispatch lanes'),
  WEBHOOK_RETRY_SCHEDULE: z
    .string()
    .default('')
    .transform((text) => (text.trim() === '' ? undefined : text.split(',').map(Number)))
    .refine(
      (waits) => waits === undefined || (waits.length <= 20 && waits.every((s) => s > 0 && s <= 86_400)),
      { error: 'expected 1 to 20 waits in seconds, comma-separated, each at most 86400' },
    )
    .describe(
      'Seconds between tries where nothing else says so, comma-separated; the built-in schedule when empty',
    ),
  WEBHOOK_DISABLE_AFTER_DAYS: z.coerce
    .number()
    .min(0)
    .max(365)
    .default(5)
    .describe('Days of nothing but failures after which an endpoint is disabled; 0 = never'),
  WEBHOOK_PROBE_SECONDS: z.coerce
    .number()
    .min(0.05)
    .max(3600)
    .default(5)
    .describe('Before the first probe of an endpoint that is down; each next wait is twice as long'),
  WEBHOOK_PROBE_MAX_SECONDS: z.coerce
    .number()
    .min(0.05)
    .max(86_400)
    .default(300)
    .describe('The longest wait between two probes'),
  WEBHOOK_SVIX_HEADERS: flag(true).describe('Send svix-* aliases of the signature headers'),
  WEBHOOK_PAYLOAD_RETENTION_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .max(90)
    .default(90)
    .describe('Days a payload is kept'),
  WEBHOOK_ATTEMPT_RETENTION_DAYS: retentionDays.default(30).describe('Days attempts are kept'),
  WEBHOOK_ROW_RETENTION_DAYS: retentionDays
    .default(180)
    .describe('Days messages without payload, deliveries, tasks and deleted endpoints are kept'),
  WEBHOOK_POLL_DELAY_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(120_000)
    .default(15_000)
    .describe('How old a message is before polling endpoints give it, so that none is passed over'),
  WEBHOOK_STRICT_TYPES: flag(false).describe('Refuse messages whose event type is not registered'),
  WEBHOOK_SCHEMA_MODE: z
    .enum(['reject', 'warn', 'off'])
    .default('reject')
    .describe('What becomes of a message that does not fit the schema of its event type'),
  WEBHOOK_SWEEPER: z
    .enum(['on', 'off'])
    .default('on')
    .describe('off only for the negative control of the crash tests'),
  WEBHOOK_DURABLE_ACCEPT: z
    .enum(['on', 'off'])
    .default('on')
    .describe('off answers before storing: only for the negative control of the crash tests'),
  WEBHOOK_LEASE_CHECK: z
    .enum(['on', 'off'])
    .default('on')
    .describe(
      'off sends from a lane that somebody else owns: only for the negative control of the crash tests',
    ),
  HOLDFAST_CRASH_POINTS: z
    .preprocess(emptyIsUnset, z.string().optional())
    .describe('Folder with the names of places where a process kills itself: only for the crash tests'),
});

export type Config = z.infer<typeof configSchema>;

const SECRET_SETTINGS = new Set<string>(['HOLDFAST_MASTER_KEY', 'HOLDFAST_BOOTSTRAP_KEY']);

/** Thrown by `loadConfig`; the message lists every wrong variable with what was expected. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** Parses the environment. Unknown variables are ignored; all wrong ones are reported at once. */
export function loadConfig(env: Record<string, unknown>): Config {
  const parsed = configSchema.safeParse(env);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => {
    const name = issue.path.join('.');
    const got = env[name] === undefined ? 'it is not set' : 'the value given does not fit';
    return `  ${name}: ${issue.message} (${got})`;
  });
  throw new ConfigError(`Holdfast cannot start, these settings are wrong:\n${lines.join('\n')}`);
}

/** The settings in use with secrets and credentials masked, for the start-up log line. */
export function configSummary(config: Config): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, SECRET_SETTINGS.has(name) ? '***' : maskCredentials(value)]),
  );
}

const maskCredentials = (value: unknown) =>
  typeof value === 'string' ? value.replace(/\/\/[^/@]*@/, '//***@') : value;

import { CliError } from './api-client.js';
import type { ApiClient } from './api-client.js';

interface Key {
  id: string;
  name: string;
  prefix: string;
  role: string;
  application?: string;
  createdAt: string;
  expiresAt?: string;
  revokedAt?: string;
}

interface CreateOptions {
  name?: string | undefined;
  role?: string | undefined;
  scope?: string[] | undefined;
  application?: string | undefined;
  'expires-at'?: string | undefined;
  json: boolean;
}

export async function createKey(client: ApiClient, options: CreateOptions): Promise<string> {
  const { name, role, scope: scopes, application, json } = options;
  if (name === undefined) throw new CliError('keys create: give --name, what the key is for', 2);
  const key = await client.call<Key & { token: string }>('POST', '/api/v1/keys', {
    name,
    role,
    scopes,
    application,
    expiresAt: options['expires-at'],
  });
  if (json) return JSON.stringify(key);
  return `${key.token}\n\nKeep it now: it is not stored and cannot be shown again. Key ${key.id}, role ${key.role}.`;
}

export async function listKeys(client: ApiClient, json: boolean): Promise<string> {
  const { data } = await client.call<{ data: Key[] }>('GET', '/api/v1/keys');
  if (json) return JSON.stringify(data);
  const rows = data.map((key) => [
    key.id,
    `${key.prefix}_…`,
    key.role,
    key.application ?? 'all',
    stateOf(key),
    key.name,
  ]);
  return table([['ID', 'KEY', 'ROLE', 'APPLICATION', 'STATE', 'NAME'], ...rows]);
}

function stateOf({ revokedAt, expiresAt }: Key): string {
  if (revokedAt !== undefined) return `revoked ${revokedAt}`;
  if (expiresAt === undefined) return 'in use';
  return Date.parse(expiresAt) > Date.now() ? `until ${expiresAt}` : `expired ${expiresAt}`;
}

export async function revokeKey(client: ApiClient, id: string | undefined): Promise<string> {
  if (id === undefined) throw new CliError('keys revoke: give the id of the key (holdfast keys list)', 2);
  await client.call('DELETE', `/api/v1/keys/${encodeURIComponent(id)}`);
  return `${id} is revoked; it stops working within five seconds.`;
}

function table(rows: string[][]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

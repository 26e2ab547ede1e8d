import type { Stack } from '../../embedded/stack/stack.js';

/** Makes an application with an endpoint over the API; gives their ids and a caller for more. */
export async function benchTarget({ apiUrl, apiKey }: Stack, url: string, endpoint: object = {}) {
  const call = async (method: string, path: string, body: unknown): Promise<{ id: string }> => {
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
    const response = await fetch(`${apiUrl}/api/v1${path}`, { method, headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { id: string };
  };
  const { id: app } = await call('POST', '/app', { name: 'bench' });
  const { id: ep } = await call('POST', `/app/${app}/endpoint`, { url, ...endpoint });
  return { app, ep, call };
}

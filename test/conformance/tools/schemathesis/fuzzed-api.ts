import { setTimeout as delay } from 'node:timers/promises';
import { runningStack } from '../../../support/running-stack.js';

/** A running Holdfast with one of each resource, for a program that makes up requests. */
export interface FuzzedApi {
  url: string;
  key: string;
  /** A resource that exists, by path parameter; `url` is a receiver that may be sent to. */
  seeds: Record<string, string>;
  end(): Promise<void>;
}

export async function fuzzedApi(): Promise<FuzzedApi> {
  const { stack, api, sink, end } = await runningStack();
  try {
    const made = async (path: string, body: unknown): Promise<string> => {
      const answer = await api.post<{ id: string }>(path, body);
      if (answer.status >= 400) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body.id;
    };
    await made('/api/v1/event-type', { name: 'seed.made', description: 'made before the run' });
    const { app, ep } = await api.target(sink.url);
    const msg = await made(`/api/v1/app/${app}/msg`, { eventType: 'seed.made', payload: { a: 1 } });
    const since = new Date(Date.now() - 3_600_000).toISOString();
    const task = await made(`/api/v1/app/${app}/endpoint/${ep}/recover`, { since });
    const first = async (path: string): Promise<string> => {
      for (;;) {
        const { body } = await api.get<{ data: { id: string }[] }>(path);
        if (body.data[0]) return body.data[0].id;
        await delay(50);
      }
    };
    const seeds = {
      app_id: app,
      endpoint_id: ep,
      msg_id: msg,
      event_type_name: 'seed.made',
      task_id: task,
      attempt_id: await first(`/api/v1/app/${app}/attempt/msg/${msg}`),
      delivery_id: await first(`/api/v1/app/${app}/delivery`),
      url: sink.url,
    };
    return { url: stack.apiUrl, key: stack.apiKey, seeds, end };
  } catch (error) {
    await end();
    throw error;
  }
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';

/** Runs with a stack of these settings and gives what posts of a wrong payload and of an unknown type answer. */
async function answers(env: NodeJS.ProcessEnv) {
  const running: RunningStack = await runningStack(env);
  try {
    const { app } = await running.api.target(running.sink.url);
    const post = (eventType: string, payload: unknown) =>
      running.api.post<{ id: string; code?: string; errors?: { pointer: string }[] }>(
        `/api/v1/app/${app}/msg`,
        {
          eventType,
          payload,
        },
      );
    const shown = (id: string) =>
      running.api.get<{ schemaWarnings?: string[] }>(`/api/v1/app/${app}/msg/${id}`);
    const metrics = async () => (await fetch(`${running.stack.apiUrl}/metrics`)).text();
    const wrong = await post('work_order.created', { title: 'no id' });
    const unknown = await post('never.registered', {});
    return {
      ...{ wrong, unknown, metrics: await metrics() },
      warnings: (await shown(wrong.body.id)).body.schemaWarnings,
      log: readFileSync(join(running.stack.dataDir, 'logs', 'api.log'), 'utf8'),
    };
  } finally {
    await running.end();
  }
}

describe('settings of the type check', () => {
  it('warn accepts what does not fit, marks, logs and counts it; strict types refuse what is not registered', async () => {
    const { wrong, unknown, metrics, warnings, log } = await answers({
      WEBHOOK_SCHEMA_MODE: 'warn',
      WEBHOOK_STRICT_TYPES: 'true',
    });
    expect(wrong.status).toBe(202);
    expect(metrics).toContain('holdfast_webhook_schema_mismatch_total{mode="warn"} 1');
    expect(warnings).toEqual([expect.stringContaining('id')]);
    expect(log).toContain('does not fit the schema of its event type');
    expect(log).toContain(wrong.body.id);
    expect([unknown.status, unknown.body.errors?.[0]?.pointer]).toEqual([422, '/eventType']);
  }, 120_000);

  it('off accepts without looking', async () => {
    const { wrong, unknown, metrics, warnings } = await answers({ WEBHOOK_SCHEMA_MODE: 'off' });
    expect(warnings).toBeUndefined();
    expect([wrong.status, unknown.status]).toEqual([202, 202]);
    expect(metrics).not.toContain('mismatch_total{');
  }, 120_000);
});

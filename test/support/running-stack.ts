import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack } from '../../embedded/stack/stack.js';
import type { Stack, StackOptions } from '../../embedded/stack/stack.js';
import { ApiCaller } from './api-caller.js';
import { WebhookSink } from './webhook-sink.js';

export interface RunningStack {
  stack: Stack;
  api: ApiCaller;
  sink: WebhookSink;
  end(): Promise<void>;
}

/** A whole Holdfast of its own in a temporary folder, and a receiver, for one test file. */
export async function runningStack(
  env: NodeJS.ProcessEnv = {},
  options: Pick<StackOptions, 'workers' | 'apis' | 'autoRestart'> = {},
): Promise<RunningStack> {
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  const stack = await startStack({ dataDir, ports: 'free', env: { LOG_LEVEL: 'warn', ...env }, ...options });
  const sink = await WebhookSink.start();
  return {
    stack,
    sink,
    api: new ApiCaller(stack.apiUrl, stack.apiKey),
    end: async () => {
      await stack.stop();
      sink.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

import { jest } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';

jest.setTimeout(120_000);
Runtime.install({ logger: new DefaultLogger('ERROR') });

const HISTORIES = 'test/histories';
const quiet = new DefaultLogger('ERROR');
const recorded = readdirSync(HISTORIES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name: workflow }) =>
    readdirSync(path.join(HISTORIES, workflow)).map((file) => [workflow, file] as const),
  );

const bundleOf = (file: string) => bundleWorkflowCode({ workflowsPath: path.resolve(file), logger: quiet });
const replay = (bundle: WorkflowBundleWithSourceMap, workflow: string, file: string) => {
  const history: unknown = JSON.parse(readFileSync(path.join(HISTORIES, workflow, file), 'utf8'));
  return Worker.runReplayHistory({ workflowBundle: bundle, replayName: file }, history, file);
};

describe('recorded workflow histories', () => {
  let bundle: WorkflowBundleWithSourceMap;
  beforeAll(async () => {
    bundle = await bundleOf('src/workflows/all-workflows.ts');
  });

  it('are there for every workflow', () => {
    const exported = readFileSync('src/workflows/all-workflows.ts', 'utf8').matchAll(/export \{ (\w+) \}/g);
    const workflows = new Set([...exported].map((match) => match[1]));
    expect(workflows.size).toBeGreaterThan(0);
    expect(new Set(recorded.map(([workflow]) => workflow))).toEqual(workflows);
  });

  it.each(recorded)('replay on the workflows as they are now: %s %s', async (workflow, file) => {
    await replay(bundle, workflow, file);
  });
});

describe('a workflow whose steps changed places', () => {
  it('is told apart by the replay', async () => {
    const moved = await bundleOf('test/replay/moved-step.workflow.ts');
    await expect(replay(moved, 'webhookRetry', 'exhausted.json')).rejects.toThrow(DeterminismViolationError);
  });
});

import { Entities } from './entities.js';
import { expectEvents } from './expected-events.js';
import { runOperations } from './operations/run-operation.js';
import { expectOutcome, writeInitialData } from './outcome.js';
import { checkSchemaVersion } from './requirements.js';
import type { ServerUnderTest } from './server-under-test.js';
import type { SpecFile, TestSpec } from './spec-file.js';

const DEADLINE_MS = 20_000;

/** How a test went. `refusals` is what the server said it does not support meanwhile. */
export interface Verdict {
  error?: Error;
  refusals: string[];
}

/** Runs one test from its initial data to its outcome, and takes everything away again that it set up. */
export async function runTest(spec: SpecFile, test: TestSpec, server: ServerUnderTest): Promise<Verdict> {
  const { admin, uri } = server;
  const entities = new Entities(uri);
  const failPoints = new Set<string>();
  admin.refusals.length = 0;
  try {
    const error = await withDeadline(async () => {
      checkSchemaVersion(spec.schemaVersion);
      await writeInitialData(admin.client, spec.initialData ?? []);
      await entities.create(spec.createEntities ?? []);
      await runOperations(test.operations, { entities, admin: admin.client, failPoints });
      for (const expected of test.expectEvents ?? []) expectEvents(expected, entities);
      await expectOutcome(admin.client, test.outcome ?? []);
    });
    const refusals = [admin, ...entities.clients()].flatMap((client) => client.refusals);
    return error ? { error, refusals } : { refusals };
  } finally {
    for (const configureFailPoint of failPoints)
      await admin.client.db('admin').command({ configureFailPoint, mode: 'off' });
    await entities.close();
  }
}

/** The error that `run` ended with, if any. A test that hangs is one that failed. */
async function withDeadline(run: () => Promise<void>): Promise<Error | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`expected the test to end within ${DEADLINE_MS} ms`)),
      DEADLINE_MS,
    );
  });
  try {
    await Promise.race([run(), late]);
    return undefined;
  } catch (error) {
    return error as Error;
  } finally {
    clearTimeout(timer);
  }
}

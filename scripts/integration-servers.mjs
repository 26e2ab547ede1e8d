// jest's global set-up of the integration ring: one MongoDB and one Temporal for the whole run, in a
// temporary folder. Their addresses reach the tests as HOLDFAST_TEST_MONGODB_URL and HOLDFAST_TEST_TEMPORAL_ADDRESS;
// each jest worker takes a database of its own: `holdfast_test_${JEST_WORKER_ID}`.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack } from '../dist/embedded/stack/stack.js';

export default async function setUp() {
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-integration-'));
  const stack = await startStack({ dataDir, ports: 'free', services: 'servers' });
  process.env.HOLDFAST_TEST_MONGODB_URL = stack.mongodbUrl;
  process.env.HOLDFAST_TEST_TEMPORAL_ADDRESS = stack.temporalAddress;
  globalThis.holdfastIntegration = { stack, dataDir };
}

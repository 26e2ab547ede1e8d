// jest's global tear-down of the integration ring: see integration-servers.mjs.
import { rmSync } from 'node:fs';

export default async function tearDown() {
  const { stack, dataDir } = globalThis.holdfastIntegration;
  await stack.stop();
  rmSync(dataDir, { recursive: true, force: true });
}

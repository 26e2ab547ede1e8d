import { OPERATIONAL_APP } from '../../../contracts/webhooks/operational-event.js';
import type { ApplicationRepository } from '../application.repository.js';

/** Makes the application of operational endpoints and events where there is none yet; several may at once. */
export async function makeOperationalApplication(applications: ApplicationRepository): Promise<void> {
  if ((await applications.findAny(OPERATIONAL_APP)) !== null) return;
  await applications.insert({ name: 'operational webhooks', metadata: {} }, OPERATIONAL_APP);
}

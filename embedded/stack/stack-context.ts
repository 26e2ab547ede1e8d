import type { DataDir } from './data-dir.js';
import { PORTS, type PortChooser, type PortName } from './stack-settings.js';
import type { Report } from './stack-event.js';
import type { Supervisor } from './supervisor.js';

/** What the steps of one start share. */
export interface StackContext {
  data: DataDir;
  env: NodeJS.ProcessEnv;
  ports: PortChooser;
  supervisor: Supervisor;
  report: Report;
}

/** Chooses a port and says so if it is not the usual one. */
export async function pickPort({ ports, report }: StackContext, name: PortName): Promise<number> {
  const { port, moved } = await ports.choose(name);
  const { wanted, variable } = PORTS[name];
  if (moved)
    report({
      type: 'note',
      text: `port ${wanted} is busy, ${name} takes ${port} (${variable} sets another)`,
    });
  return port;
}

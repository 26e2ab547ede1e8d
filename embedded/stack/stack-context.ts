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

/** For servers that are not ours: says which setting led there, since a driver's message alone does not. */
export async function orExplain(what: string, check: Promise<void>): Promise<void> {
  try {
    await check;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${what} cannot be used: ${reason}. Is it running, and is the setting right?`);
  }
}

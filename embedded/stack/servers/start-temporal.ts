import { resolveTemporal } from '../../temporal/temporal-steps.js';
import { takeOver } from '../leftovers/leftover-processes.js';
import { orExplain, pickPort, type StackContext } from '../stack-context.js';
import { namespaceName } from '../stack-settings.js';
import { addSearchAttributes, checkTemporal } from './temporal-health.js';
import { temporalService } from './temporal-service.js';

export interface TemporalPlace {
  address: string;
  /** Empty if it is not ours and `TEMPORAL_UI_URL` does not say where its UI is. */
  uiUrl: string;
}

/** Finds Temporal (which may download or build it), starts it if it is a program, and waits until it serves. */
export async function startTemporal(context: StackContext): Promise<TemporalPlace> {
  const { data, env, ports, supervisor, report } = context;
  const say = (text: string) => report({ type: 'note', text });
  const { value: source, what, step } = await resolveTemporal(env, say);
  const started = Date.now();
  const namespace = namespaceName(env);
  const ready = (place: string) =>
    report({ type: 'ready', service: 'temporal', what: place, ms: Date.now() - started });
  report({ type: 'starting', service: 'temporal' });
  if (source.kind === 'address') {
    await orExplain(what, checkTemporal(source.address, namespace));
    await orExplain(what, addSearchAttributes(source.address, namespace));
    ready(what);
    return { address: source.address, uiUrl: env['TEMPORAL_UI_URL'] ?? '' };
  }
  const { binary, version } = source;
  const serviceOn = (port: number, uiPort: number) =>
    temporalService({ binary, version, database: data.temporalDatabase, port, uiPort, namespace, env });
  const adopted = await takeOver(
    data.run,
    'temporal',
    ports.explicit('temporal', 'temporalUi'),
    (recorded) => serviceOn(recorded['temporal'] ?? 0, recorded['temporalUi'] ?? 0),
    report,
  );
  const service =
    adopted?.service ?? serviceOn(await pickPort(context, 'temporal'), await pickPort(context, 'temporalUi'));
  await supervisor.start(service, adopted);
  const { temporal = 0, temporalUi = 0 } = service.ports;
  ready(`Server ${version} (${step}), 127.0.0.1:${temporal}`);
  return { address: `127.0.0.1:${temporal}`, uiUrl: `http://127.0.0.1:${temporalUi}` };
}

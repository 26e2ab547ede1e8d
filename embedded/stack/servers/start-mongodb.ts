import { takeOver } from '../leftovers/leftover-processes.js';
import { checkMongodb, directUrl } from './mongodb-health.js';
import { mongodbService } from './mongodb-service.js';
import { resolveMongodb } from './mongodb-steps.js';
import { orExplain, pickPort, type StackContext } from '../stack-context.js';
import { databaseName, holdfastVersion } from '../stack-settings.js';

/** Finds MongoDB, starts it if it is a program, waits until it takes writes, and returns its URL. */
export async function startMongodb(context: StackContext): Promise<string> {
  const { data, env, ports, supervisor, report } = context;
  const { value: source, what } = await resolveMongodb(env, data.mongodb);
  const started = Date.now();
  const database = databaseName(env);
  const ready = (place: string) =>
    report({ type: 'ready', service: 'mongodb', what: place, ms: Date.now() - started });
  report({ type: 'starting', service: 'mongodb' });
  if (source.kind === 'url') {
    await orExplain(what, checkMongodb(source.url, database));
    ready(what);
    return source.url;
  }
  const version = source.kind === 'mongod' ? what : holdfastVersion();
  const serviceOn = (port: number) =>
    mongodbService({ source, version, folder: data.mongodb, port, database, env });
  const adopted = await takeOver(
    data.run,
    'mongodb',
    ports.explicit('mongodb'),
    (recorded) => serviceOn(recorded['mongodb'] ?? 0),
    report,
  );
  const service = adopted?.service ?? serviceOn(await pickPort(context, 'mongodb'));
  await supervisor.start(service, adopted);
  const port = service.ports['mongodb'] ?? 0;
  ready(`${what}, 127.0.0.1:${port}`);
  return directUrl(port);
}

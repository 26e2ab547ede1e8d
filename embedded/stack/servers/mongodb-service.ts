import { accepts } from '../service/ports.js';
import { checkMongod, checkMongodb, directUrl } from './mongodb-health.js';
import type { MongodbSource } from './mongodb-steps.js';
import type { Service } from '../service/service.js';

interface MongodbOptions {
  source: Exclude<MongodbSource, { kind: 'url' }>;
  version: string;
  folder: string;
  port: number;
  database: string;
  env: NodeJS.ProcessEnv;
}

/** MongoDB as a process of the stack: the embedded server, or a `mongod` as a replica set of one. */
export function mongodbService({ source, version, folder, port, database, env }: MongodbOptions): Service {
  const common = { name: 'mongodb', version, ports: { mongodb: port }, stopGraceMs: 10_000 };
  const listening = async () => {
    if (!(await accepts(port))) throw new Error(`nothing listens on 127.0.0.1:${port} yet`);
  };
  if (source.kind === 'embedded')
    return {
      ...common,
      kind: 'embedded-mongodb',
      command: process.execPath,
      args: [
        source.program,
        '--dir',
        folder,
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--exit-with-parent',
      ],
      env: { ...env, HOLDFAST_EXIT_WITH_PARENT: '1' },
      exitsWithParent: true,
      check: () => listening().then(() => checkMongodb(directUrl(port), database)),
    };
  return {
    ...common,
    kind: 'mongod',
    command: source.binary,
    args: ['--replSet', 'rs0', '--dbpath', folder, '--port', String(port), '--bind_ip', '127.0.0.1'],
    env,
    exitsWithParent: false,
    check: () => listening().then(() => checkMongod(port, database)),
  };
}

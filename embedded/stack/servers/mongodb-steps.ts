import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compareVersions } from '../../temporal/version.js';
import { findOnPath } from './find-on-path.js';
import { projectRoot } from '../project-root.js';
import { resolveFirst, type Inspection, type Resolved, type ResolutionStep } from './resolution.js';

/** A MongoDB that already runs somewhere, or a program that can be started. */
export type MongodbSource =
  { kind: 'url'; url: string } | { kind: 'mongod'; binary: string } | { kind: 'embedded'; program: string };

/** The first server version with everything that the current driver and our indexes use. */
const OLDEST_MONGOD = '7.0.0';

/** The ways of getting MongoDB in their order. `folder` holds the data, which only its own kind of server can read. */
export function mongodbSteps(env: NodeJS.ProcessEnv, folder: string): ResolutionStep<MongodbSource>[] {
  const url = env['MONGODB_URL'] ?? '';
  const program = join(projectRoot(), 'embedded', 'mongodb', 'dist', 'cli.js');
  return [
    {
      name: 'url',
      inspect: async () =>
        url === ''
          ? { usable: false, why: 'MONGODB_URL is not set' }
          : { usable: true, what: `MONGODB_URL=${url.replace(/\/\/[^/@]*@/, '//***@')}` },
      obtain: async () => ({ kind: 'url', url }),
    },
    {
      name: 'mongod',
      inspect: () => inspectMongod(env, folder),
      obtain: async () => ({ kind: 'mongod', binary: findOnPath('mongod', env['PATH']) ?? 'mongod' }),
    },
    {
      name: 'embedded',
      inspect: async () => {
        if (existsSync(join(folder, 'WiredTiger')))
          return { usable: false, why: `${folder} holds data that only mongod can read` };
        if (!existsSync(program)) return { usable: false, why: `no ${program}: run npm run build` };
        return { usable: true, what: 'the embedded server' };
      },
      obtain: async () => ({ kind: 'embedded', program }),
    },
  ];
}

/** Finds MongoDB. `HOLDFAST_MONGODB` names the only way to try. */
export function resolveMongodb(env: NodeJS.ProcessEnv, folder: string): Promise<Resolved<MongodbSource>> {
  return resolveFirst(
    'MongoDB',
    mongodbSteps(env, folder),
    env['HOLDFAST_MONGODB'] || undefined,
    'Set MONGODB_URL to a replica set, put mongod on PATH, or use the embedded server.',
  );
}

async function inspectMongod(env: NodeJS.ProcessEnv, folder: string): Promise<Inspection> {
  const binary = findOnPath('mongod', env['PATH']);
  if (!binary) return { usable: false, why: 'no mongod on PATH' };
  if (existsSync(join(folder, 'data.sqlite')))
    return { usable: false, why: `${folder} holds data that only the embedded server can read` };
  try {
    const { stdout } = await promisify(execFile)(binary, ['--version'], { timeout: 10_000 });
    const version = /db version v(\S+)/.exec(stdout)?.[1] ?? '0';
    if (compareVersions(version, OLDEST_MONGOD) < 0)
      return { usable: false, why: `${binary} is ${version}, expected ${OLDEST_MONGOD} or newer` };
    return { usable: true, what: `${binary} ${version}` };
  } catch (error) {
    return { usable: false, why: error instanceof Error ? error.message : String(error) };
  }
}

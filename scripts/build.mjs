// Compiles everything that runs: `nest build` for src/, swc for the command line tool and the embedded servers.
import { execFileSync } from 'node:child_process';

const bin = (name) => `node_modules/.bin/${name}`;
const run = (command, args) => execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });

run(bin('nest'), ['build']);
run(bin('swc'), [
  'cli',
  'embedded/start.ts',
  'embedded/stack',
  'embedded/temporal',
  '-d',
  'dist',
  '--config-file',
  '.swcrc',
]);
run(bin('swc'), [
  'embedded/mongodb/src',
  '-d',
  'embedded/mongodb/dist',
  '--strip-leading-paths',
  '--config-file',
  '.swcrc',
]);

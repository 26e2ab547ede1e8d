// Records the workflow histories that test/replay replays: runs the workflow tests against a real Temporal and
// writes test/histories/<workflow>/<what happened>.json. Run it after adding a workflow or a path through one, and
// commit what is new. A history that exists stays as it is unless --again is given: replaying old histories is the
// point, so record them again only when no running workflow can have such a history any more.
import { execFileSync } from 'node:child_process';

const again = process.argv.includes('--again');
execFileSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    'node_modules/jest/bin/jest.js',
    '--selectProjects',
    'integration',
    '--testPathPatterns',
    'integration/.*workflows\\.test',
  ],
  { stdio: 'inherit', env: { ...process.env, RECORD_HISTORIES: again ? 'again' : 'new' } },
);

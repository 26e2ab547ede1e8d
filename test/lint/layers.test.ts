import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const oxlint = join(process.cwd(), 'node_modules', '.bin', 'oxlint');
let tree: string;

beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), 'holdfast-lint-'));
  copyFileSync('.oxlintrc.json', join(tree, '.oxlintrc.json'));
  symlinkSync(join(process.cwd(), 'node_modules'), join(tree, 'node_modules'));
});
afterEach(() => rmSync(tree, { recursive: true, force: true }));

/** Lints one planted file below the project's own rules; gives what oxlint printed, or null when it passed. */
function lint(file: string, source: string): string | null {
  mkdirSync(dirname(join(tree, file)), { recursive: true });
  writeFileSync(join(tree, file), source);
  try {
    execFileSync(oxlint, [file], { cwd: tree, encoding: 'utf8', stdio: 'pipe' });
    return null;
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

const use = (what: string) => `import { thing } from '${what}';\nexport const used = thing;\n`;

describe('the folder says what a file may import', () => {
  it.each([
    ['src/workflows/webhooks/planted.workflow.ts', 'mongoose'],
    ['src/workflows/webhooks/planted.workflow.ts', 'node:fs'],
    ['src/workflows/webhooks/planted.workflow.ts', 'zod'],
    ['src/workflows/webhooks/planted.workflow.ts', '../../store/connection.js'],
    ['src/workflows/webhooks/planted.workflow.ts', '../../activities/webhooks/sweep.js'],
    ['src/contracts/webhooks/planted.ts', '../../domain/webhooks/lane.js'],
    ['src/domain/webhooks/planted.ts', '../../platform/ids.js'],
    ['src/domain/webhooks/planted.ts', 'node:fs'],
    ['src/store/webhooks/planted.repository.ts', '../../api/main.js'],
    ['src/activities/webhooks/planted.ts', 'mongoose'],
    ['src/activities/webhooks/planted.ts', '../../workflows/webhooks/x.workflow.js'],
    ['src/api/webhooks/planted.controller.ts', 'mongoose'],
    ['src/api/webhooks/planted.controller.ts', '../../activities/webhooks/sweep.js'],
    ['src/platform/planted.ts', '../store/connection.js'],
    ['src/api/planted.ts', '../../embedded/stack/stack.js'],
    ['src/workers/planted.ts', '../../console/main.js'],
    ['embedded/mongodb/src/planted.ts', '../../../src/platform/ids.js'],
    ['cli/planted.ts', '../src/platform/ids.js'],
  ])('%s may not import %s', (file, what) => {
    expect(lint(file, use(what))).toContain('no-restricted-imports');
  });

  it.each([
    ['src/workflows/webhooks/planted.workflow.ts', '../../domain/webhooks/lane.js'],
    ['src/store/webhooks/planted.repository.ts', 'mongoose'],
    ['src/api/webhooks/planted.controller.ts', '../../store/connection.js'],
    ['src/activities/webhooks/planted.ts', '../../store/connection.js'],
  ])('%s may import %s', (file, what) => {
    expect(lint(file, use(what))).toBeNull();
  });

  it('workflows may import the types of activities', () => {
    const source = `import type { Thing } from '../../activities/webhooks/sweep.js';\nexport const used = (thing: Thing) => thing;\n`;
    expect(lint('src/workflows/webhooks/planted.workflow.ts', source)).toBeNull();
  });
});

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TOOLS, runProgram } from '../foreign-tool.js';
import type { FuzzedApi } from './fuzzed-api.js';

export interface SchemathesisPlan {
  /** Requests made up for each operation, beside those that its description calls for. */
  examples: number;
  /** Only operations of this tag of the description. */
  tag?: string;
  seed?: number;
  phases?: string;
  /** Another description than the one the API serves. */
  description?: string;
}

export interface SchemathesisReport {
  passed: boolean;
  /** Requests that were made up. */
  cases: number;
  /** The end of what it printed: every failure with a request that shows it, and a summary. */
  output: string;
}

/** Lets schemathesis make up requests from the description and judge each answer by it. */
export async function schemathesisRun(
  environment: string,
  api: FuzzedApi,
  plan: SchemathesisPlan,
): Promise<SchemathesisReport> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-schemathesis-'));
  const args = [
    ...['-m', 'schemathesis.cli', '--config-file', join(TOOLS, 'schemathesis/schemathesis.toml'), 'run'],
    ...[plan.description ?? `${api.url}/openapi.json`, '--url', api.url],
    ...['--header', `Authorization: Bearer ${api.key}`, '--checks', 'all'],
    // Ours takes its place: it knows which rules no schema can say (hooks.py).
    ...['--exclude-checks', 'positive_data_acceptance', '--continue-on-failure', '--no-shrink'],
    ...['--phases', plan.phases ?? 'examples,coverage,fuzzing', '--max-examples', String(plan.examples)],
    ...['--seed', String(plan.seed ?? 1), '--request-timeout', '30', '--warnings', 'off'],
    ...(plan.tag === undefined ? [] : ['--include-tag', plan.tag]),
  ];
  const env = {
    ...process.env,
    PYTHONPATH: join(TOOLS, 'schemathesis'),
    PYTHONDONTWRITEBYTECODE: '1',
    SCHEMATHESIS_HOOKS: 'hooks',
    HOLDFAST_SEEDS: JSON.stringify(api.seeds),
  };
  try {
    const { code, output } = await runProgram(join(environment, 'bin/python'), args, { cwd: folder, env });
    const cases = Number(/(\d+) generated/.exec(output)?.[1] ?? 0);
    return { passed: code === 0 && cases > 0, cases, output: output.slice(-20_000) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Description {
  paths: Record<string, Record<string, { tags?: string[] }>>;
}

/** The tags of the committed description with the number of their operations. */
export function tagsOf(file = 'openapi.json'): Map<string, number> {
  const { paths } = JSON.parse(readFileSync(file, 'utf8')) as Description;
  const tags = Object.values(paths)
    .flatMap((item) => Object.values(item))
    .flatMap((operation) => operation.tags ?? []);
  const counts = new Map<string, number>();
  for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return counts;
}

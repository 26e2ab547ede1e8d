import { parseArgs } from 'node:util';
import { schemathesis } from '../python-environment.js';
import { fuzzedApi } from './fuzzed-api.js';
import { schemathesisRun, tagsOf } from './schemathesis-run.js';

// npm run test:schemathesis -- [--tag Endpoint] [--examples 2000] [--seed 1]
// Examples are those of a tag: they are shared out among its operations.

const { values } = parseArgs({
  options: {
    tag: { type: 'string' },
    examples: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
  },
});
const tags = [...tagsOf()].filter(([tag]) => values.tag === undefined || tag === values.tag);
if (tags.length === 0) throw new Error(`expected a tag of ${[...tagsOf().keys()].join(', ')}`);

const tool = await schemathesis();
if ('missing' in tool) {
  console.log(`skipped: ${tool.missing}`);
} else {
  const rows: string[] = [];
  for (const [tag, operations] of tags) {
    // A tag gets a Holdfast of its own, so that what one has left behind is no excuse for another.
    const api = await fuzzedApi();
    try {
      const started = Date.now();
      const examples = Math.max(1, Math.ceil(Number(values.examples) / operations));
      const report = await schemathesisRun(tool.folder, api, { tag, examples, seed: Number(values.seed) });
      const seconds = Math.round((Date.now() - started) / 1000);
      const row = `${report.passed ? 'PASS' : 'FAIL'}  ${tag.padEnd(20)} ${String(operations).padStart(3)} operations  ${String(report.cases).padStart(7)} requests  ${seconds} s`;
      rows.push(row);
      console.log(report.passed ? row : `${report.output}\n${row}`);
      if (!report.passed) process.exitCode = 1;
    } finally {
      await api.end();
    }
  }
  console.log(`\n${rows.join('\n')}`);
}

// Delivered webhooks per second, and p95 at 200/s, with little and with much of something: messages stored, endpoints of
// the application, deliveries that wait. The cost of a delivery must not grow with it.
// npm run bench:growth [-- --stored 10000,1000000] [--endpoints 1,100,10000] [--waiting 0,100000,1000000]
//   [--messages 20000] [--seconds 10] [--rounds 3]; exits with 1 when a cell is over its bar,
// with 77 when one was while other processes used much of the machine.
import { parseArgs } from 'node:util';
import { machine } from '../machine.js';
import { NOT_JUDGED, OtherWork } from '../other-work.js';
import { median, round } from '../quantiles.js';
import { textTable } from '../text-table.js';
import { GrowthCell } from './growth-cell.js';
import type { CellFigures, Grown } from './growth-cell.js';

const BAR = 1.5;
/** What p95 at 200/s must be anyway: below it a ratio tells about single slow writes, not about growth. */
const P95_MUST_MS = 10;
const LITTLE: Grown = { stored: 10_000, endpoints: 1, waiting: 0 };

const { values: options } = parseArgs({
  options: {
    stored: { type: 'string', default: '10000,1000000' },
    endpoints: { type: 'string', default: '1,100,10000' },
    waiting: { type: 'string', default: '0,100000,1000000' },
    messages: { type: 'string', default: '20000' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
  },
});
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const rows = [
  [
    '',
    'of it',
    'delivered/s',
    'times slower',
    `p95 ms`,
    'times longer',
    `bar ${BAR}, or p95 ${P95_MUST_MS} ms`,
  ],
];
let over = 0;
let busy = false;
for (const axis of ['stored', 'endpoints', 'waiting'] as const) {
  const sizes = options[axis].split(',').map(Number);
  const figures = await grow(sizes.map((size) => ({ ...LITTLE, [axis]: size })));
  for (const [n, cell] of figures.entries()) {
    const slower = median(
      cell.map((one, at) => figures[0]![at]!.deliveredPerSecond / one.deliveredPerSecond),
    );
    const longer = median(cell.map((one, at) => one.p95 / figures[0]![at]!.p95));
    const p95 = median(cell.map((one) => one.p95));
    const isOver = !(slower <= BAR && (longer <= BAR || p95 <= P95_MUST_MS));
    if (isOver) over += 1;
    rows.push([
      ...[axis, String(sizes[n])],
      ...[median(cell.map((one) => one.deliveredPerSecond)), slower].map((value) => String(round(value))),
      ...[p95, longer].map((value) => String(round(value))),
      isOver ? 'OVER' : 'ok',
    ]);
  }
}
process.stdout.write(`${JSON.stringify(machine())}\n${textTable(rows)}\n`);
if (over > 0) process.exitCode = busy ? NOT_JUDGED : 1;

/** Rounds over all cells in turn: what else the machine does meets each of them, and a round is compared with itself. */
async function grow(cells: Grown[]): Promise<CellFigures[][]> {
  const open: GrowthCell[] = [];
  const figures: CellFigures[][] = cells.map(() => []);
  try {
    for (const cell of cells) {
      say(`making ${JSON.stringify(cell)} ...`);
      open.push(await GrowthCell.open(cell, say));
    }
    const others = new OtherWork(() =>
      Object.fromEntries([
        ['bench', process.pid],
        ...open.flatMap((cell, n) => Object.entries(cell.pids()).map(([name, pid]) => [`${name} ${n}`, pid])),
      ]),
    );
    for (let at = 0; at < Number(options.rounds); at++) {
      for (const [n, cell] of open.entries()) {
        const one = await cell.measure(Number(options.messages), Number(options.seconds));
        figures[n]!.push(one);
        say(`round ${at + 1}: ${JSON.stringify(cells[n])}: ${one.deliveredPerSecond}/s, p95 ${one.p95} ms`);
      }
    }
    busy ||= others.isTooMuch;
    process.stdout.write(`${String(others)}\n`);
  } finally {
    for (const cell of open) await cell.close();
  }
  return figures;
}

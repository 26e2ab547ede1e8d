// How long a page of each list takes by each filter, and statistics, with 1,000,000 messages stored.
// npm run bench:lists [-- --messages 1000000] [--rounds 11]
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadConfig } from '../../src/platform/config.js';
import { EndpointHealthReport } from '../../src/api/webhooks/statistics/endpoint-health.js';
import { StatisticsReader } from '../../src/api/webhooks/statistics/statistics-reader.js';
import { MESSAGE_STATUS } from '../../src/contracts/webhooks/attempt.js';
import type { Page } from '../../src/contracts/webhooks/page.js';
import { deliveryId } from '../../src/platform/ids.js';
import { connectMongo } from '../../src/store/connection.js';
import { AttemptListRepository } from '../../src/store/webhooks/lists/attempt-list.repository.js';
import { DeliveryListRepository } from '../../src/store/webhooks/lists/delivery-list.repository.js';
import { MessageRepository } from '../../src/store/webhooks/message.repository.js';
import { StatisticsRepository } from '../../src/store/webhooks/statistics/statistics.repository.js';
import { createWebhookIndexes, webhookModels } from '../../src/store/webhooks/webhook-models.js';
import { ServerProcess } from '../embedded/server-process.js';
import { cpuSeconds, machine } from '../machine.js';
import { quantiles, round } from '../quantiles.js';
import { textTable } from '../text-table.js';
import { DAY_MS, NAMES, StoredHistory } from './stored-history.js';

const PAGE_BAR_MS = 30;
const STATISTICS_BAR_MS = 20;
const LIMIT = 50;

const { values: options } = parseArgs({
  options: {
    messages: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '11' },
  },
});
const say = (text: string): void => void process.stderr.write(`${text}\n`);

type Filters = Record<string, unknown>;
interface Figure {
  list: string;
  filter: string;
  page: string;
  rows: number;
  p50: number;
  max: number;
  /** Processor time of the database and of this process per page: what a machine without other work needs. */
  cpu: number;
  bar: number;
}

const server = await ServerProcess.start();
const connection = await connectMongo(server.uri, 'bench');
try {
  const models = webhookModels(connection);
  await createWebhookIndexes(models);
  const history = new StoredHistory(models, Number(options.messages));
  const storing = performance.now();
  await history.store(say);
  say(`stored in ${Math.round((performance.now() - storing) / 1000)} s`);
  const figures: Figure[] = [];
  const messages = new MessageRepository(models);
  const attempts = new AttemptListRepository(models);
  const deliveries = new DeliveryListRepository(models);
  const day = {
    before: new Date(history.timeMs(history.count / 2)),
    after: new Date(history.timeMs(history.count / 3)),
  };
  const labels: [string, Filters][] = [
    ['-', {}],
    ['event type', { event_types: [NAMES.type] }],
    ['3 event types', { event_types: ['bench.type_1', 'bench.type_2', NAMES.type] }],
    ['rare event type', { event_types: [NAMES.rareType] }],
    ['channel', { channel: NAMES.channel }],
    ['rare channel', { channel: NAMES.rareChannel }],
    ['tag', { tag: NAMES.tag }],
    ['rare tag', { tag: NAMES.rareTag }],
    ['no such tag', { tag: 'none' }],
    ['tag, event type', { tag: NAMES.tag, event_types: [NAMES.type] }],
    ['channel, tag, event type', { channel: NAMES.channel, tag: NAMES.tag, event_types: [NAMES.type] }],
    ['before, after', day],
    ['tag, before, after', { tag: NAMES.tag, ...day }],
  ];
  const statuses: [string, Filters][] = [
    ['status success', { status: MESSAGE_STATUS.success }],
    ['status fail', { status: MESSAGE_STATUS.fail }],
    ['status fail, event type', { status: MESSAGE_STATUS.fail, event_types: [NAMES.type] }],
    ['status fail, rare tag', { status: MESSAGE_STATUS.fail, tag: NAMES.rareTag }],
    ['status success, rare channel', { status: MESSAGE_STATUS.success, channel: NAMES.rareChannel }],
  ];
  const classes: [string, Filters][] = [
    ['class 500', { status_code_class: 500 }],
    ['class 0', { status_code_class: 0 }],
    ['class 200, event type', { status_code_class: 200, event_types: [NAMES.type] }],
  ];
  const content = { with_content: true, with_msg: false };
  await lists('messages', 'msg', labels, (query) =>
    messages.list(NAMES.app, { ...content, ...query } as never),
  );
  await lists('attempts of an endpoint', 'atmpt', [...labels, ...statuses, ...classes], (query) =>
    attempts.list({ ep: NAMES.ep }, { ...content, ...query } as never),
  );
  await lists('messages of an endpoint', 'dlv', [...labels, ...statuses], (query) =>
    deliveries.ofEndpoint(NAMES.ep, query as never),
  );
  const troubles: [string, Filters][] = [
    ['-', {}],
    ['state retrying', { state: ['retrying'] }],
    ['state exhausted', { state: ['exhausted'] }],
    ['state delivered', { state: ['delivered'] }],
    ['state pending (none)', { state: ['pending'] }],
    ['reason', { reason: 'http_503' }],
    ['state, reason', { state: ['retrying'], reason: 'timeout' }],
    ['state, before, after', { state: ['retrying'], ...day }],
  ];
  await lists('deliveries', 'dlv', troubles, (query) =>
    deliveries.ofApplication(NAMES.app, null, query as never),
  );
  await lists('deliveries of an endpoint', 'dlv', troubles, (query) =>
    deliveries.ofApplication(NAMES.app, NAMES.ep, query as never),
  );
  await lists('deliveries of all applications', 'dlv', troubles.slice(1, 3), (query) =>
    deliveries.troubled(query as never),
  );

  const middle = history.id('msg', Math.floor(history.count / 2));
  await timed('attempts of a message', '-', 'only', PAGE_BAR_MS, () =>
    attempts.list({ msg: middle }, { limit: LIMIT, ...content } as never),
  );
  await timed('endpoints of a message', '-', 'only', PAGE_BAR_MS, () =>
    deliveries.ofMessage(middle, { limit: LIMIT }),
  );
  const reader = new StatisticsReader(new StatisticsRepository(models), deliveries);
  const config = loadConfig({
    MONGODB_URL: 'mongodb://unused',
    TEMPORAL_ADDRESS: 'unused:1',
    HOLDFAST_MASTER_KEY: Buffer.alloc(32).toString('base64'),
  });
  const report = new EndpointHealthReport(new StatisticsRepository(models), deliveries, attempts, config);
  const endpoint = { _id: NAMES.ep, disabled: false, failingSince: null } as never;
  const since = (days: number) => ({ since: new Date(Date.now() - days * DAY_MS), until: new Date() });
  const none = { data: [] };
  for (const days of [1, 28]) {
    await timed('endpoint statistics', `${days} d`, '-', STATISTICS_BAR_MS, async () => {
      await reader.ofEndpoint(NAMES.ep, since(days));
      return none;
    });
    await timed('attempts by event type', `${days} d`, '-', STATISTICS_BAR_MS, async () => {
      await reader.ofApplication(NAMES.app, since(days) as never);
      return none;
    });
    await timed('endpoint health', `${days} d, 1h`, '-', PAGE_BAR_MS, async () => {
      await report.of(endpoint, { bucket: '1h', ...since(days) });
      return none;
    });
  }
  await timed('count of attempts', '-', '-', PAGE_BAR_MS, async () => {
    await attempts.count(NAMES.ep, {} as never);
    return none;
  });
  await timed('count of attempts', 'status fail', '-', PAGE_BAR_MS, async () => {
    await attempts.count(NAMES.ep, { status: MESSAGE_STATUS.fail } as never);
    return none;
  });
  const result = { at: new Date().toISOString(), machine: machine(), messages: history.count, figures };
  mkdirSync('bench/results', { recursive: true });
  writeFileSync('bench/results/local-lists.json', `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(`${table(figures)}\n`);

  async function lists(
    list: string,
    prefix: 'msg' | 'atmpt' | 'dlv',
    filters: [string, Filters][],
    read: (query: Filters) => Promise<Page<unknown>>,
  ): Promise<void> {
    say(`${list} ...`);
    for (const [filter, query] of filters) {
      for (const [page, iterator] of [
        ['first', null],
        ['middle', Math.floor(history.count / 2)],
        ['last', Math.floor(history.count / 1_000)],
        ['backwards', Math.floor(history.count / 2)],
      ] as const) {
        const at =
          iterator === null
            ? {}
            : { iterator: `${page === 'backwards' ? '-' : ''}${idAt(prefix, iterator)}` };
        await timed(list, filter, page, PAGE_BAR_MS, () => read({ limit: LIMIT, ...query, ...at }));
      }
    }
  }

  function idAt(prefix: 'msg' | 'atmpt' | 'dlv', index: number): string {
    return prefix === 'dlv' ? deliveryId(history.id('msg', index), NAMES.ep) : history.id(prefix, index);
  }

  function cpuMs(): number {
    const { user, system } = process.cpuUsage();
    return (cpuSeconds({ server: server.pid })['server'] ?? 0) * 1_000 + (user + system) / 1_000;
  }

  async function timed(
    list: string,
    filter: string,
    page: string,
    bar: number,
    run: () => Promise<{ data: unknown[] }>,
  ): Promise<void> {
    const times: number[] = [];
    let rows = 0;
    let cpu = cpuMs();
    for (let turn = 0; turn <= Number(options.rounds); turn++) {
      const started = performance.now();
      rows = (await run()).data.length;
      if (turn > 0) times.push(performance.now() - started);
      else cpu = cpuMs(); // the first one warms up
    }
    const perPage = round((cpuMs() - cpu) / Number(options.rounds));
    const { p50, max } = quantiles(times);
    figures.push({ list, filter, page, rows, p50, max, cpu: perPage, bar });
  }
} finally {
  await connection.close();
  await server.stop();
}

function table(figures: readonly Figure[]): string {
  const rows = [
    ['list', 'filter', 'page', 'rows', 'p50 ms', 'max ms', 'cpu ms', 'bar ms', ''],
    ...figures.map((one) => [
      ...[one.list, one.filter, one.page, one.rows, one.p50, one.max, one.cpu, one.bar].map(String),
      one.p50 <= one.bar ? (one.max <= one.bar ? '' : '(max above)') : 'ABOVE',
    ]),
  ];
  return textTable(rows);
}

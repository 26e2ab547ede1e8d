// What webhooks must show, line by line, and what shows it: `npm run acceptance -- webhooks A8`.
const integration = (name, only) => ({ file: `test/integration/${name}.test.ts`, only });
const unit = (name) => ({ file: `src/domain/webhooks/${name}.spec.ts` });
const outage = (only) => ({ file: 'test/acceptance/webhooks-outages.test.ts', only });

export default [
  {
    id: 'A1',
    shows:
      'every shared signature vector passes in both directions; standardwebhooks and svix verify what we send',
    run: [
      { file: 'test/conformance/webhook-signatures.test.ts' },
      unit('signature'),
      unit('verify'),
      integration('delivery/delivery', 'the standardwebhooks and svix packages verify it'),
    ],
  },
  {
    id: 'A2',
    shows:
      'the unmodified svix package, 2 and 1.99, runs the core routes; every answer is valid against its description',
    run: [
      { file: 'test/conformance/webhooks/svix-contract.test.ts' },
      { file: 'test/conformance/webhooks/svix-1-contract.test.ts' },
      integration('webhooks/svix-sdk'),
    ],
  },
  {
    id: 'A3',
    shows: 'from a clean checkout to the first delivered webhook within two minutes, with three calls',
    run: [{ file: 'test/acceptance/quickstart.test.ts' }, integration('webhooks/guide', 'its commands work')],
  },
  {
    id: 'A4',
    shows: '14 event types are listed, each with schema and example, and delivered with it',
    run: [integration('webhooks/event-types', '^the catalogue')],
  },
  {
    id: 'A5',
    shows: 'decimals, 20-digit integers, key order, escapes and whitespace arrive unchanged',
    run: [
      integration('webhooks/byte-fidelity'),
      integration('webhooks/batch', 'byte for byte'),
      { file: 'src/domain/json-scan.spec.ts' },
    ],
  },
  {
    id: 'A6',
    shows: '100 equal POSTs at once make one message and get equal answers; another body 422; eventId 409',
    run: [integration('webhooks/bad-input', '^idempotency')],
  },
  {
    id: 'A7',
    shows: '10,000 rows are read forwards and backwards under inserts, none twice, none missing',
    run: [
      integration('webhooks/history', 'forwards and backwards under inserts'),
      integration('delivery/lists'),
    ],
  },
  {
    id: 'A8',
    shows: 'the answer table row by row, both forms of Retry-After, schedule and jitter from recorded times',
    run: [
      unit('answer'),
      unit('retry-after'),
      unit('retry-schedule'),
      integration('delivery/answers'),
      integration('http/sender', 'tries once more at once'),
      integration('workflows/delivery', 'retryNow makes it at once|when no try is left'),
    ],
  },
  {
    id: 'A9',
    shows:
      '410 and five days of failures disable; that survives a restart, and operational endpoints are told',
    run: [
      integration('delivery/endpoint-outage', 'five days is disabled|what is known'),
      integration('delivery/endpoint-auto-disable'),
      integration('delivery/delivery', 'canceled by 410|disables an endpoint that failed'),
    ],
  },
  {
    id: 'A10',
    shows: 'both secrets are taken in the overlap, the old one not after; ten old keys, no eleventh; ed25519',
    run: [
      integration('webhooks/secret-rotation'),
      integration('delivery/delivery', 'old key too until its overlap'),
    ],
  },
  {
    id: 'A11',
    shows:
      'no request reaches a forbidden address: literals, mixed answers, rebinding, IPv6 forms, redirect, proxy',
    run: [
      unit('forbidden-address'),
      unit('endpoint-url'),
      integration('http/sender', 'forbidden addresses|redirect'),
      integration('http/hostile-endpoints', 'changes its mind|points elsewhere'),
      integration('http/proxy', 'not public|allowed ports'),
      integration('delivery/delivery', 'does not reach an address that is not allowed'),
    ],
  },
  {
    id: 'A12',
    shows:
      'slow, endless and huge answers, too many headers and hung connects end, and worker memory stays flat',
    run: [
      integration('http/hostile-endpoints', 'takes its time|answers without end'),
      integration('http/sender', '64 KiB of an endless answer|16 KiB of answer headers|never unpacks'),
      { file: 'test/acceptance/hostile-receivers.test.ts' },
    ],
  },
  {
    id: 'A13',
    shows: 'p95 of healthy endpoints is at most 1.2 times as long while one of 1,000, then 10 %, hang',
    run: [
      { command: 'bench:isolation', evidence: /ratio|round/ },
      { command: 'bench:isolation', args: ['--hanging', '100'], evidence: /ratio|round/ },
    ],
  },
  {
    id: 'A14',
    shows: 'a rate of 10/s is 10/s +-1 over 60 s with two workers; concurrency is never exceeded',
    run: [
      { file: 'test/acceptance/rate-limit.test.ts' },
      integration('delivery/rates'),
      integration('delivery/two-apis'),
    ],
  },
  {
    id: 'A15',
    shows: 'FIFO order is held over failures, kills, the hand-over of a lane, and two API processes',
    run: [integration('delivery/order'), integration('delivery/two-apis')],
  },
  {
    id: 'A16',
    shows: 'the breaker opens, one recovery workflow, no tries used up, all delivered after the return',
    run: [unit('breaker'), integration('workflows/endpoint-recovery')],
  },
  {
    id: 'A17',
    shows: 'routing by event type, wildcard, channel and content; `skipped` tells the rule',
    run: [unit('target-match'), unit('content-filter'), integration('webhooks/routing')],
  },
  {
    id: 'A18',
    shows: 'a batch of 1,000 items with 3 bad ones: 997 delivered, 3 problems in their places',
    run: [integration('webhooks/batch')],
  },
  {
    id: 'A19',
    shows: 'schemas that reject, warn or are off',
    run: [
      unit('event-schema/event-schema'),
      integration('webhooks/event-type-modes'),
      integration('webhooks/event-types', '^a schema'),
    ],
  },
  {
    id: 'A20',
    shows:
      'recover, replay-missing and bulk-replay: as counted before, complete after kills, paused, canceled',
    run: [
      integration('webhooks/replay', 'unmodified|^a recovery'),
      integration('workflows/replay'),
      unit('replay-selection'),
    ],
  },
  {
    id: 'A21',
    shows: 'every row of the error table; schemathesis on our description without a 5xx',
    run: [
      integration('webhooks/error-table'),
      integration('webhooks/bad-input'),
      integration('webhooks/fan-out', 'gets no more'),
      { file: 'test/conformance/tools/schemathesis.test.ts' },
    ],
  },
  {
    id: 'A22',
    shows: 'statistics equal a recount from the attempts; p95 within 5 % of the exact one',
    run: [integration('delivery/statistics'), integration('workflows/statistics')],
  },
  {
    id: 'A23',
    shows: 'workflows are listed by search attributes, hurried and canceled; stored histories replay',
    run: [integration('workflows/delivery', '^webhookRetry'), { file: 'test/replay/replay.test.ts' }],
  },
  {
    id: 'A24',
    shows: 'Temporal stopped for 5 minutes under load: accepts and first tries go on, all delivered after',
    run: [outage('^Temporal stopped')],
  },
  {
    id: 'A25',
    shows: 'the database stopped: 503 with Retry-After, no 202, every 202 before it delivered after',
    run: [outage('^MongoDB stopped'), integration('delivery/store-away')],
  },
  {
    id: 'A26',
    shows: 'fifty kills at full speed and a death at each special point: nothing lost',
    run: [
      { command: 'crash:webhooks', args: ['--points', 'all'], evidence: /died at|^ {2}!|^PASS/ },
      {
        command: 'crash:webhooks',
        evidence: /^ {2}(accepted|lost|arrived|duplicates|inversions|rules|seconds)|^ {2}!|^PASS/,
      },
    ],
  },
  {
    id: 'A27',
    shows: 'negative controls: sweeper off or answered too early loses, lease check off overlaps',
    run: [{ file: 'test/crash/webhooks/webhooks.test.ts', only: 'negative control|the lease' }],
  },
  {
    id: 'A28',
    shows: "accepted and delivered per second and latency beside Svix's and Outpost's, within their bounds",
    run: [
      {
        ...{ command: 'bench:webhooks', args: ['--messages', '6000', '--seconds', '8', '--bars'] },
        evidence: /^(cpu|load |64 |4 x|batches|\d+\/s  )|cores/,
      },
    ],
  },
  {
    id: 'A29',
    shows: 'the cost of a delivery with much stored, many endpoints, many waiting: within 1.5 times',
    run: [
      {
        command: 'bench:growth',
        args: [
          ...['--stored', '10000,100000', '--endpoints', '1,1000', '--waiting', '0,100000'],
          ...['--messages', '2000', '--seconds', '4'],
        ],
        evidence: /of it|^(stored|endpoints|waiting) |cores|ok$|OVER$/,
      },
    ],
  },
  {
    id: 'A30',
    shows:
      'a viewer cannot write, a foreign application is 404; a planted secret is in no log, history, problem',
    run: [integration('webhooks/access')],
  },
  {
    id: 'A31',
    shows: 'retention, legal hold, expunge: rows gone, held rows kept',
    run: [
      integration('workflows/retention'),
      integration('webhooks/inbound', 'retention of an application'),
      integration('webhooks/svix-sdk', 'expunge'),
    ],
  },
  {
    id: 'A32',
    shows: 'rolling restarts by SIGTERM under load: no duplicate, no loss',
    run: [outage('rolling restarts'), integration('delivery/processes', 'drains on SIGTERM')],
  },
  {
    id: 'A33',
    shows: 'every receiver sample of the integration guide runs and refuses a changed body',
    run: [integration('webhooks/guide')],
  },
  {
    id: 'A34',
    shows: 'the inbound route: good signature 200, bad 401 and counted, a repeated id without effect',
    run: [integration('webhooks/inbound', 'the inbound route')],
  },
];

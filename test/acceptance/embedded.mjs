// What the embedded MongoDB server must show, line by line, and what shows it: `npm run acceptance -- embedded E7`.
const integration = (name, only) => ({ file: `test/integration/embedded-mongodb/${name}.test.ts`, only });
const unit = (name, only) => ({ file: `embedded/mongodb/src/${name}.spec.ts`, only });
const crash = (name, only) => ({ file: `test/crash/embedded-mongodb/${name}.test.ts`, only });
const command = (name, evidence, ...args) => ({ command: name, args, evidence });

export default [
  {
    id: 'E1',
    shows: 'all rings are green without mongod, docker and Temporal; npm start ends in a delivered message',
    run: [command('test', /passed|failed/), { file: 'test/integration/stack/npm-start.test.ts' }],
  },
  {
    id: 'E2',
    shows:
      'unit specs; KeyString orders 100,000 random pairs as compare does; each row of the error table on the wire',
    run: [
      command('test:embedded', /^Tests:/),
      unit('bson/keystring', '100,000 random pairs'),
      integration('error-codes'),
    ],
  },
  {
    id: 'E3',
    shows: "MongoDB's specification tests: every one passes or is refused, none gets a wrong answer",
    run: [command('test:conformance:mongodb', /^(folder|all|[a-z-]+) +(\d+|run)/)],
  },
  {
    id: 'E4',
    shows: 'kill -9 at 200 random moments: acknowledged writes are there once, validate is clean, ts ascends',
    run: [command('torture:mongodb', /^ {2}|^seed/, '--kill9', '200')],
  },
  {
    id: 'E5',
    shows: '64 clients add up exactly, 32 claimers take each job once',
    run: [command('torture:mongodb', /^ {2}|^seed/, '--concurrent')],
  },
  {
    id: 'E6',
    shows: 'a repeated txnNumber is applied once, after a broken connection and after a restart',
    run: [integration('durability', 'repeated'), unit('session/retry-records')],
  },
  {
    id: 'E7',
    shows:
      'every BSON type stored, read byte-identical, ranged, sorted, grouped; also with integer-like names',
    run: [integration('types'), { file: 'test/conformance/tools/pymongo.test.ts' }],
  },
  {
    id: 'E8',
    shows:
      'mongodump --oplog and mongorestore --oplogReplay give equal content; a TTL delete is in the oplog',
    run: [{ file: 'test/conformance/tools/mongodump.test.ts' }, integration('crud', 'the oplog says so')],
  },
  {
    id: 'E9',
    shows: '48 MB accepted, one byte more refused; 16 MB and one byte 10334; a slow reader costs no memory',
    run: [integration('resilience', '48,000,000 bytes|16 MiB|does not read its replies|slow client|100 MB')],
  },
  {
    id: 'E10',
    shows: '1,000,000 random or spoiled messages: no crash, no hang, memory flat',
    run: [command('fuzz:mongodb', /^(seed|reactions|resident|\d+ frames from)/, '--frames', '1000000')],
  },
  {
    id: 'E11',
    shows: 'each refused feature answers 115 and its name; an option that nobody knows never passes',
    run: [integration('refusals')],
  },
  {
    id: 'E12',
    shows: 'a flipped byte in data.sqlite is reported by read and by validate, never served',
    run: [crash('kill9', 'flipped')],
  },
  {
    id: 'E13',
    shows: '50,000 random operations get equal answers from a real mongod (skipped where there is none)',
    run: [
      { file: 'test/conformance/mongod/differential.test.ts', only: 'comparison of two servers' },
      { file: 'test/conformance/mongod/differential.test.ts', only: 'random operations are answered' },
    ],
  },
  {
    id: 'E14',
    shows:
      'figures beside their bars, no case 15 % dearer than its baseline; doctor explains, setup has Server 1.32.0',
    run: [
      command('bench:mongodb', /met|MISSED|DEARER/, '--compare'),
      command('doctor', /TAKEN|not needed| no /),
      command('setup', /Server 1\.32\.0/),
    ],
  },
  {
    id: 'E15',
    shows: 'kill -9 of the supervisor, start again: adopted or ended, no port conflict, nothing lost',
    run: [
      { file: 'test/integration/stack/supervision.test.ts' },
      { file: 'test/lint/layers.test.ts', only: 'embedded' },
    ],
  },
];

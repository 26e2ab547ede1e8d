import { describe } from '../bson/describe.js';
import { arch, cpus, hostname, release, totalmem, type } from 'node:os';
import { ObjectId, Timestamp } from 'bson';
import { BDoc, double } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { MONGODB_VERSION } from '../server-info.js';
import { recentLog } from '../stats/log.js';
import { toTimestamp } from '../storage/commit-clock.js';
import { MAX_DOCUMENT_BYTES } from '../storage/document-writes.js';
import { defineCommand } from './context.js';

export const ping = defineCommand({ name: 'ping', help: 'answers', schema: {}, run: () => BDoc.of() });

export const buildInfo = defineCommand({
  name: 'buildInfo',
  aliases: ['buildinfo'],
  help: 'describes the program',
  schema: {},
  run: () =>
    BDoc.of(
      ['version', MONGODB_VERSION],
      ['versionArray', [...MONGODB_VERSION.split('.').map(Number), 0]],
      ['embedded', 'holdfast'],
      ['gitVersion', 'embedded'],
      ['modules', []],
      ['javascriptEngine', 'none'],
      ['sysInfo', 'deprecated'],
      ['storageEngines', ['sqlite']],
      ['bits', 64],
      ['debug', false],
      ['maxBsonObjectSize', MAX_DOCUMENT_BYTES],
    ),
});

export const hostInfo = defineCommand({
  name: 'hostInfo',
  help: 'describes the machine',
  schema: {},
  run: () =>
    BDoc.of(
      [
        'system',
        BDoc.of(
          ['currentTime', new Date()],
          ['hostname', hostname()],
          ['cpuAddrSize', 64],
          ['memSizeMB', BigInt(Math.floor(totalmem() / 2 ** 20))],
          ['numCores', cpus().length],
          ['cpuArch', arch()],
        ),
      ],
      ['os', BDoc.of(['type', type()], ['name', type()], ['version', release()])],
      ['extra', BDoc.of()],
    ),
});

export const getLog = defineCommand({
  name: 'getLog',
  adminOnly: true,
  help: 'returns recent log lines',
  schema: {},
  run(_args, { target }) {
    if (target === '*') return BDoc.of(['names', ['global', 'startupWarnings']]);
    const lines = target === 'startupWarnings' ? [] : recentLog();
    if (target !== 'global' && target !== 'startupWarnings') {
      throw new CommandError(
        'OperationFailed',
        `no log named ${describe(target)}: there is global and startupWarnings`,
      );
    }
    return BDoc.of(['totalLinesWritten', lines.length], ['log', lines]);
  },
});

export const getCmdLineOpts = defineCommand({
  name: 'getCmdLineOpts',
  adminOnly: true,
  help: 'returns how the server was started',
  schema: {},
  run: (_args, { info }) =>
    BDoc.of(
      ['argv', process.argv.slice(1)],
      [
        'parsed',
        BDoc.of(
          ['net', BDoc.of(['bindIp', info.options.bind], ['port', info.port])],
          ['replication', BDoc.of(['replSet', info.options.setName])],
          ['storage', BDoc.of(['dbPath', info.options.directory])],
        ),
      ],
    ),
});

export const connectionStatus = defineCommand({
  name: 'connectionStatus',
  help: 'returns who is logged in: nobody, there are no users',
  schema: { showPrivileges: 'bool' } as const,
  run(args) {
    const auth = BDoc.of(['authenticatedUsers', []], ['authenticatedUserRoles', []]);
    if (args.showPrivileges) auth.set('authenticatedUserPrivileges', []);
    return BDoc.of(['authInfo', auth]);
  },
});

export const whatsmyuri = defineCommand({
  name: 'whatsmyuri',
  help: "returns the client's address",
  schema: {},
  run: (_args, { peer }) => BDoc.of(['you', peer.address]),
});

export const getParameter = defineCommand({
  name: 'getParameter',
  adminOnly: true,
  help: 'returns server parameters',
  schema: { featureCompatibilityVersion: 'any', allParameters: 'bool' } as const,
  run(args, { target, body, info }) {
    const parameters: Record<string, BValue> = {
      featureCompatibilityVersion: BDoc.of(['version', MONGODB_VERSION.replace(/\.\d+$/, '')]),
      enableTestCommands: info.options.testCommands,
      ttlMonitorEnabled: true,
      logicalSessionRefreshMillis: 300_000,
      transactionLifetimeLimitSeconds: 60,
      authenticationMechanisms: [],
    };
    if (target === '*' || args.allParameters) return BDoc.of(...Object.entries(parameters));
    const wanted = body.keys().filter((name) => Object.hasOwn(parameters, name));
    if (wanted.length === 0) throw new CommandError('InvalidOptions', 'no option found to get');
    return BDoc.of(...wanted.map((name): [string, BValue] => [name, parameters[name] as BValue]));
  },
});

export const replSetGetStatus = defineCommand({
  name: 'replSetGetStatus',
  adminOnly: true,
  help: 'returns the state of the replica set: this one member',
  schema: { initialSync: 'ignored' } as const,
  run(_args, { info, engine }) {
    const last = toTimestamp(engine.clock.current);
    const opTime = BDoc.of(['ts', last], ['t', 1n]);
    const times = BDoc.of(
      ['lastCommittedOpTime', opTime],
      ['appliedOpTime', opTime],
      ['durableOpTime', opTime],
    );
    const member = BDoc.of(
      ['_id', 0],
      ['name', info.address],
      ['health', double(1)],
      ['state', 1],
      ['stateStr', 'PRIMARY'],
      ['uptime', Math.floor(process.uptime())],
      ['optime', opTime],
      ['optimeDate', new Date(last.getHighBitsUnsigned() * 1000)],
      ['electionTime', new Timestamp({ t: Math.floor(info.startedAt.getTime() / 1000), i: 1 })],
      ['electionDate', info.startedAt],
      ['configVersion', 1],
      ['configTerm', 1],
      ['self', true],
      ['lastHeartbeatMessage', ''],
    );
    return BDoc.of(
      ['set', info.options.setName],
      ['date', new Date()],
      ['myState', 1],
      ['term', 1n],
      ['heartbeatIntervalMillis', 2000n],
      ['majorityVoteCount', 1],
      ['writeMajorityCount', 1],
      ['optimes', times],
      ['members', [member]],
    );
  },
});

export const replSetGetConfig = defineCommand({
  name: 'replSetGetConfig',
  adminOnly: true,
  help: 'returns the configuration of the replica set: this one member',
  schema: {},
  run(_args, { info }) {
    const member = BDoc.of(
      ['_id', 0],
      ['host', info.address],
      ['arbiterOnly', false],
      ['priority', 1],
      ['votes', 1],
    );
    const id = new ObjectId(Buffer.alloc(12));
    const config = BDoc.of(
      ['_id', info.options.setName],
      ['version', 1],
      ['term', 1],
      ['members', [member]],
      ['protocolVersion', 1n],
      ['settings', BDoc.of(['replicaSetId', id])],
    );
    return BDoc.of(['config', config]);
  },
});

export const configureFailPoint = defineCommand({
  name: 'configureFailPoint',
  adminOnly: true,
  help: 'makes commands fail, for tests',
  schema: { mode: 'any', data: 'doc' } as const,
  run(args, { target, info, failPoints }) {
    if (!info.options.testCommands) {
      throw new CommandError(
        'CommandNotFound',
        "no such command: 'configureFailPoint' (it needs --test-commands)",
      );
    }
    failPoints.configure(
      typeof target === 'string' ? target : '',
      args.mode ?? 'off',
      args.data ?? BDoc.of(),
    );
    return BDoc.of(['count', 0]);
  },
});

import { arch, cpus, hostname, release, type } from 'node:os';
import { Binary, Timestamp, UUID } from 'bson';
import { identical } from '../../bson/keystring.js';
import { doc, type Plain } from '../../bson/plain.js';
import { double } from '../../bson/type-of.js';
import { BDoc } from '../../bson/values.js';
import { CommandError, unsupported } from '../../errors.js';
import { MAX_WIRE_VERSION, MONGODB_VERSION } from '../../server-info.js';
import { toTimestamp } from '../../storage/commit-clock.js';
import { MAX_DOCUMENT_BYTES } from '../../storage/document-writes.js';
import { MAX_MESSAGE_BYTES } from '../../wire/message.js';
import { command, type CommandContext, type CommandTable } from '../command.js';
import { topologyVersion } from '../replies.js';
import { fields } from '../schema.js';
import { MAX_STATEMENTS } from '../writes/write-commands.js';

/** What clients ask about the server itself: mostly fixed answers. */
export const admin: CommandTable = {
  ping: command({ run: () => BDoc.of() }),
  buildInfo: command({ run: buildInfo }),
  buildinfo: command({ run: buildInfo }),
  whatsmyuri: command({ run: (_args, { peer }) => doc({ you: peer.address }) }),
  replSetGetStatus: command({ adminOnly: true, fields: fields({ ignored: 'initialSync' }), run: replicaSet }),

  connectionStatus: command({
    fields: fields({ bool: 'showPrivileges' }),
    run({ showPrivileges }) {
      const authenticatedUserPrivileges = showPrivileges ? [] : undefined;
      const users = { authenticatedUsers: [], authenticatedUserRoles: [] };
      return doc({ authInfo: doc({ ...users, authenticatedUserPrivileges }) });
    },
  }),

  hostInfo: command({
    run() {
      const cpu = { numCores: cpus().length, cpuArch: arch() };
      const system = { currentTime: new Date(), hostname: hostname(), ...cpu };
      return doc({ system, os: { type: type(), name: type(), version: release() }, extra: {} });
    },
  }),

  getCmdLineOpts: command({
    adminOnly: true,
    run(_args, { info: { options, port } }) {
      const net = { bindIp: options.bind, port };
      const storage = { dbPath: options.directory };
      const parsed = { net, replication: { replSet: options.setName }, storage };
      return doc({ argv: process.argv.slice(1), parsed });
    },
  }),

  getLog: command({
    adminOnly: true,
    run(_args, { target }) {
      if (target === '*') return doc({ names: ['startupWarnings'] });
      if (target !== 'startupWarnings') throw unsupported('getLog of anything but startupWarnings');
      return doc({ totalLinesWritten: 0, log: [] });
    },
  }),

  getParameter: command({
    adminOnly: true,
    fields: fields(
      { any: 'featureCompatibilityVersion enableTestCommands authenticationMechanisms' },
      'InvalidOptions',
    ),
    run(_args, { target, body, info }) {
      const parameters: Record<string, Plain> = {
        featureCompatibilityVersion: { version: MONGODB_VERSION.replace(/\.\d+$/, '') },
        enableTestCommands: info.options.testCommands,
        authenticationMechanisms: [],
      };
      if (target === '*') return doc(parameters);
      const wanted = Object.entries(parameters).filter(([name]) => body.has(name));
      if (wanted.length === 0) throw new CommandError('InvalidOptions', 'no option found to get');
      return doc(Object.fromEntries(wanted));
    },
  }),

  configureFailPoint: command({
    adminOnly: true,
    fields: fields({ any: 'mode', doc: 'data' }),
    run({ mode = 'off', data = BDoc.of() }, { target, info, failPoints }) {
      if (!info.options.testCommands)
        throw new CommandError('CommandNotFound', "'configureFailPoint' exists with --test-commands only");
      failPoints.configure(target, mode, data);
      return doc({ count: 0 });
    },
  }),

  // Sessions have no place of their own here: cursors and retry records carry the session id and expire by time.
  startSession: command({ run: () => doc({ id: { id: new UUID() }, timeoutMinutes: 30 }) }),
  refreshSessions: command({ run: () => BDoc.of() }),
  endSessions: command({ run: closeSessions }),
  killSessions: command({ run: closeSessions }),
  killAllSessions: command({
    run(_args, { target, cursors }) {
      if (!Array.isArray(target) || target.length > 0)
        throw unsupported('the sessions of one user: there are no users');
      cursors.killAll();
      return BDoc.of();
    },
  }),
};

function closeSessions(_args: object, { target, cursors }: CommandContext): BDoc {
  const ids = [target].flat().map((session) => session instanceof BDoc && session.get('id'));
  cursors.killOfSessions(new Set(ids.map((id) => (id instanceof Binary ? id.toString('hex') : ''))));
  return BDoc.of();
}

function buildInfo(): BDoc {
  return doc({
    version: MONGODB_VERSION,
    versionArray: [...MONGODB_VERSION.split('.').map(Number), 0],
    embedded: 'holdfast',
    gitVersion: 'embedded',
    modules: [],
    storageEngines: ['sqlite'],
    bits: 64,
    maxBsonObjectSize: MAX_DOCUMENT_BYTES,
  });
}

function replicaSet(_args: object, { info, engine }: CommandContext): BDoc {
  const optime = doc({ ts: toTimestamp(engine.clock.current), t: 1n });
  const electionTime = new Timestamp({ t: Math.floor(info.startedAt.getTime() / 1000), i: 1 });
  const state = { health: double(1), state: 1, stateStr: 'PRIMARY', uptime: Math.floor(process.uptime()) };
  const member = { _id: 0, name: info.address, ...state, optime, electionTime, self: true };
  const optimes = { lastCommittedOpTime: optime, appliedOpTime: optime, durableOpTime: optime };
  const set = info.options.setName;
  return doc({ set, date: new Date(), myState: 1, term: 1n, optimes, members: [member] });
}

const SESSION_TIMEOUT_MINUTES = 30;

/** Answers who this server is; with `maxAwaitTimeMS` only once something changed or the time is over. */
export const hello = command({
  fields: fields({
    doc: 'client topologyVersion',
    int: 'maxAwaitTimeMS',
    bool: 'loadBalanced',
    ignored: 'helloOk compression hostInfo saslSupportedMechs speculativeAuthenticate backpressure',
  }),
  async run(args, { info, engine, name, peer }) {
    if (args.loadBalanced) throw unsupported('load balancing');
    const application = args.client?.get('application');
    const appName = application instanceof BDoc ? application.get('name') : undefined;
    if (typeof appName === 'string') peer.appName = appName;
    const isKnown = identical(args.topologyVersion, topologyVersion(info));
    if (args.maxAwaitTimeMS !== undefined && isKnown) await info.topologyChange(args.maxAwaitTimeMS);
    const primary = !info.shuttingDown;
    const opTime = { ts: toTimestamp(engine.clock.current), t: 1n };
    const localTime = new Date();
    return doc({
      helloOk: true,
      topologyVersion: topologyVersion(info),
      hosts: [info.address],
      setName: info.options.setName,
      setVersion: 1,
      [name === 'hello' ? 'isWritablePrimary' : 'ismaster']: primary,
      secondary: !primary,
      primary: primary ? info.address : undefined,
      me: info.address,
      electionId: info.processId,
      lastWrite: { opTime, lastWriteDate: localTime, majorityOpTime: opTime, majorityWriteDate: localTime },
      maxBsonObjectSize: MAX_DOCUMENT_BYTES,
      maxMessageSizeBytes: MAX_MESSAGE_BYTES,
      maxWriteBatchSize: MAX_STATEMENTS,
      localTime,
      logicalSessionTimeoutMinutes: SESSION_TIMEOUT_MINUTES,
      connectionId: peer.id,
      minWireVersion: 0,
      maxWireVersion: MAX_WIRE_VERSION,
      readOnly: false,
    });
  },
});

import { BDoc } from '../../bson/values.js';
import { unsupported } from '../../errors.js';
import { MAX_WIRE_VERSION } from '../../server-info.js';
import { toTimestamp } from '../../storage/commit-clock.js';
import { MAX_DOCUMENT_BYTES } from '../../storage/document-writes.js';
import { MAX_MESSAGE_BYTES } from '../../wire/frame.js';
import { command, reply, type CommandContext } from '../command.js';
import { topologyVersion } from '../replies.js';
import { fields } from '../schema.js';
import { MAX_STATEMENTS } from '../writes/run-statements.js';

const SESSION_TIMEOUT_MINUTES = 30;

/** Answers who this server is; with `maxAwaitTimeMS` only once something changed or the time is over. */
export const hello = command({
  fields: fields({
    doc: 'client topologyVersion',
    int: 'maxAwaitTimeMS',
    bool: 'loadBalanced',
    ignored: 'helloOk compression hostInfo saslSupportedMechs speculativeAuthenticate backpressure',
  }),
  async run(args, context) {
    const { info, peer } = context;
    if (args.loadBalanced) throw unsupported('load balancing');
    const application = args.client?.get('application');
    const appName = application instanceof BDoc ? application.get('name') : undefined;
    if (typeof appName === 'string') peer.appName = appName;
    const known = args.topologyVersion?.get('counter');
    if (args.maxAwaitTimeMS !== undefined && known === info.topologyCounter)
      await info.topologyChange(args.maxAwaitTimeMS);
    return describe(context);
  },
});

function describe({ info, engine, name, peer }: CommandContext): BDoc {
  const primary = !info.shuttingDown;
  const opTime = { ts: toTimestamp(engine.clock.current), t: 1n };
  const localTime = new Date();
  return reply({
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
}

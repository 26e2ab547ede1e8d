import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { unsupported } from '../errors.js';
import { MAX_MESSAGE_BYTES } from '../wire/frame.js';
import { MAX_WIRE_VERSION } from '../server-info.js';
import { toTimestamp } from '../storage/commit-clock.js';
import { MAX_DOCUMENT_BYTES } from '../storage/document-writes.js';
import { defineCommand } from './context.js';
import type { CommandContext } from './context.js';
import { topologyVersion } from './topology-version.js';
import { MAX_STATEMENTS } from './write-statements.js';

const SESSION_TIMEOUT_MINUTES = 30;
const TERM = 1n;

/** Answers who this server is; with `maxAwaitTimeMS` only once something changed or the time is over. */
export const hello = defineCommand({
  name: 'hello',
  aliases: ['isMaster', 'ismaster'],
  help: 'describes this server',
  schema: {
    helloOk: 'ignored',
    client: 'doc',
    compression: 'ignored',
    hostInfo: 'ignored',
    loadBalanced: 'bool',
    saslSupportedMechs: 'string',
    speculativeAuthenticate: 'ignored',
    topologyVersion: 'doc',
    maxAwaitTimeMS: 'int',
    backpressure: 'ignored',
    internalClient: 'refused',
  } as const,
  async run(args, context) {
    if (args.loadBalanced) throw unsupported('load balancing');
    noteClient(context, args.client);
    const known = args.topologyVersion?.get('counter');
    if (args.maxAwaitTimeMS !== undefined && known === context.info.topologyCounter) {
      await context.info.topologyChange(args.maxAwaitTimeMS);
    }
    return describe(context);
  },
});

function noteClient({ peer }: CommandContext, client: BDoc | undefined): void {
  const application = client?.get('application');
  const name = application instanceof BDoc ? application.get('name') : undefined;
  if (typeof name === 'string') peer.appName = name;
}

function describe({ info, engine, name, peer }: CommandContext): BDoc {
  const primary = !info.shuttingDown;
  const last = toTimestamp(engine.clock.current);
  const opTime = BDoc.of(['ts', last], ['t', TERM]);
  const now = new Date();
  const fields: [string, BValue][] = [
    ['helloOk', true],
    ['topologyVersion', topologyVersion(info)],
    ['hosts', [info.address]],
    ['setName', info.options.setName],
    ['setVersion', 1],
    [name === 'hello' ? 'isWritablePrimary' : 'ismaster', primary],
    ['secondary', !primary],
    ...(primary ? ([['primary', info.address]] as [string, BValue][]) : []),
    ['me', info.address],
    ['electionId', info.processId],
    [
      'lastWrite',
      BDoc.of(
        ['opTime', opTime],
        ['lastWriteDate', now],
        ['majorityOpTime', opTime],
        ['majorityWriteDate', now],
      ),
    ],
    ['maxBsonObjectSize', MAX_DOCUMENT_BYTES],
    ['maxMessageSizeBytes', MAX_MESSAGE_BYTES],
    ['maxWriteBatchSize', MAX_STATEMENTS],
    ['localTime', now],
    ['logicalSessionTimeoutMinutes', SESSION_TIMEOUT_MINUTES],
    ['connectionId', peer.id],
    ['minWireVersion', 0],
    ['maxWireVersion', MAX_WIRE_VERSION],
    ['readOnly', false],
  ];
  return BDoc.of(...fields);
}

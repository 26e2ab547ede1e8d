import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ApiClient } from './stack/first-message/api-client.js';
import { curlExample, deliverFirstMessage, describeEarlier } from './stack/first-message/first-message.js';
import { projectRoot } from './stack/project-root.js';
import { Receiver, type Arrival } from './stack/first-message/receiver.js';
import { startStack, type Stack } from './stack/stack.js';
import { holdfastVersion } from './stack/stack-settings.js';
import { onStopSignals } from './stack/stop-signals.js';
import { jsonTerminal, plainTerminal, type Terminal } from './stack/terminal.js';

/** `npm start`: the whole platform on one machine, until Ctrl-C. */
const write = (text: string) => process.stdout.write(text);
const terminal = process.argv.includes('--json') ? jsonTerminal(write) : plainTerminal(write);
// A terminal that was closed must not keep us from stopping what we started.
process.stdout.on('error', () => undefined);

process.exitCode = await main(terminal);
process.exit();

async function main(out: Terminal): Promise<number> {
  const startedAt = Number(process.env['HOLDFAST_STARTED_AT'] ?? Date.now());
  const dataDir = process.env['HOLDFAST_DATA_DIR'] || join(projectRoot(), '.holdfast');
  const continues = existsSync(join(dataDir, 'format'));
  out.line(
    `Holdfast ${holdfastVersion()} ${continues ? 'continues with the data' : 'starts with new data'} in ${dataDir}`,
  );
  const stopping = new AbortController();
  let stack: Stack | undefined;
  onStopSignals(
    () => {
      out.line('\nStopping (once more to kill at once)');
      stopping.abort();
    },
    () => {
      stack?.killAll();
      process.exit(130);
    },
  );
  try {
    stack = await startStack({ dataDir, report: out.event, signal: stopping.signal });
    const receiver = await Receiver.start((arrival) => showArrival(out, arrival));
    await showFirstMessage(out, stack, receiver);
    showAddresses(out, stack, startedAt);
    const failure = await Promise.race([stack.failed, aborted(stopping.signal)]);
    if (failure) out.line(`\n${failure.message}`);
    receiver.close();
    await stack.stop();
    return failure ? 1 : 0;
  } catch (error) {
    if (stopping.signal.aborted) return 0;
    console.error(error instanceof Error ? `\n${error.message}` : error);
    await stack?.stop();
    return 1;
  }
}

async function showFirstMessage(out: Terminal, stack: Stack, receiver: Receiver): Promise<void> {
  try {
    const { ms, earlier, messageId } = await deliverFirstMessage(
      new ApiClient(stack.apiUrl, stack.apiKey),
      receiver,
    );
    const what = earlier === 0 ? 'first message delivered' : `one more beside ${describeEarlier(earlier)}`;
    out.event({ type: 'ready', service: 'delivery', what: `${what}: ${messageId}`, ms });
  } catch (error) {
    out.line(`  The message to the built-in receiver failed: ${(error as Error).message}`);
    out.line(`  The logs are in ${stack.dataDir}/logs; npm run doctor looks at the rest.`);
  }
}

function showArrival(out: Terminal, { messageId, body, verified }: Arrival): void {
  out.event({
    type: 'note',
    text: `received ${messageId}, signature ${verified ? 'valid' : 'NOT valid'}: ${body}`,
  });
}

function showAddresses(out: Terminal, stack: Stack, startedAt: number): void {
  const { apiUrl, apiKey, temporalUiUrl, dataDir } = stack;
  const ms = Date.now() - startedAt;
  out.summary({ apiUrl, docsUrl: `${apiUrl}/docs`, temporalUiUrl, apiKey, dataDir, ms });
  out.line(`
Ready after ${(ms / 1000).toFixed(1)} s.

  API           ${apiUrl}/api/v1
  API docs      ${apiUrl}/docs
  Temporal UI   ${temporalUiUrl || '(set TEMPORAL_UI_URL)'}
  API key       ${apiKey}
  Logs          ${dataDir}/logs

Send another message to the built-in receiver:

  ${curlExample(apiUrl, apiKey)}

Endpoints on this machine and plain http are allowed here (WEBHOOK_ALLOW_CIDRS, WEBHOOK_ALLOW_HTTP).
Ctrl-C stops everything; the next npm start continues with the same data.
`);
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

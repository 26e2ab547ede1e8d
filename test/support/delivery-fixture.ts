import type { Stack } from '../../embedded/stack/stack.js';
import { DeliverySide, RunningLanes, servers } from './delivery-side.js';
import { WebhookSink } from './webhook-sink.js';

/** For a test file: its servers, and for each test a database, a receiver, and lanes that end with it. */
export class DeliveryFixture {
  side!: DeliverySide;
  sink!: WebhookSink;
  #stack!: Stack;
  #endServers = (): Promise<void> => Promise.resolve();
  #lanes: RunningLanes | null = null;

  /** Registers the hooks of the test file that calls it. */
  static inThisFile(): DeliveryFixture {
    const fixture = new DeliveryFixture();
    beforeAll(() => fixture.#start(), 120_000);
    afterAll(() => fixture.#endServers());
    beforeEach(async () => {
      fixture.side = await DeliverySide.open(fixture.#stack);
      fixture.sink = await WebhookSink.start();
    });
    afterEach(async () => {
      await fixture.endLanes();
      fixture.sink.close();
      await fixture.side.close();
    });
    return fixture;
  }

  /** Serves all lanes in this process. @param scheduleSec waits between tries */
  serve(scheduleSec?: readonly number[], services = this.side.services(scheduleSec)): RunningLanes {
    this.#lanes = new RunningLanes(services);
    return this.#lanes;
  }

  /** Resolves when every try is over and its result is stored. */
  async endLanes(): Promise<void> {
    const lanes = this.#lanes;
    this.#lanes = null;
    await lanes?.end();
  }

  async #start(): Promise<void> {
    const { stack, end } = await servers();
    this.#stack = stack;
    this.#endServers = end;
  }
}

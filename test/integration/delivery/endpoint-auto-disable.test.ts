import { jest } from '@jest/globals';
import { DeliveryFixture } from '../../support/delivery-fixture.js';

jest.setTimeout(60_000);

const given = DeliveryFixture.inThisFile();
const DAY_MS = 86_400_000;

/** A delivery is given up at an endpoint that has failed for a year. @returns whether it is disabled then */
async function disabledAfterAYear(days: number): Promise<boolean> {
  const { side, sink } = given;
  sink.fail();
  const failingSince = new Date(Date.now() - 365 * DAY_MS);
  const endpoint = await side.endpoint(sink.url, { failingSince });
  const [message] = await side.accept([endpoint]);
  given.serve(undefined, side.services([0.01], { WEBHOOK_DISABLE_AFTER_DAYS: days }));
  await side.untilState(message!, endpoint, 'exhausted');
  await given.endLanes();
  return (await side.storedEndpoint(endpoint._id))!.disabled;
}

describe('an endpoint of which every try fails', () => {
  it.each([
    [5, true],
    [366, false],
    [0, false],
  ])('for a year, with %i days allowed and 0 for any number: disabled is %s', async (days, disabled) => {
    expect(await disabledAfterAYear(days)).toBe(disabled);
  });
});

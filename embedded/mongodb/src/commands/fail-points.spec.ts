import { BDoc } from '../bson/values.js';
import { FailPoints } from './fail-points.js';

const NAME = 'onPrimaryTransactionalWrite';
const newWrite = (): boolean => true;
const repeatedWrite = (): boolean => false;

/** Arms the fail point for two writes and gives what the next commands meet. */
function armed(...data: [string, number | boolean][]) {
  const points = new FailPoints();
  points.configure(NAME, BDoc.of(['times', 2]), BDoc.of(...data));
  return (isNewWrite: () => boolean) => points.hit('insert', 'db.c', undefined, isNewWrite);
}

describe('the fail point onPrimaryTransactionalWrite', () => {
  it('breaks the connection after a write that is done', () => {
    expect(armed()(newWrite)).toMatchObject({ afterWrite: true, closeConnection: true });
  });

  it('breaks the connection instead of a write that it is to prevent', () => {
    const hit = armed(['failBeforeCommitExceptionCode', 1]);
    expect(hit(newWrite)).toMatchObject({ afterWrite: false, closeConnection: true });
  });

  it('answers the error where it must not break the connection', () => {
    const hit = armed(['failBeforeCommitExceptionCode', 1], ['closeConnection', false]);
    expect(hit(newWrite)).toMatchObject({ afterWrite: false, closeConnection: false, errorCode: 1 });
  });

  it('counts writes, not their repetitions', () => {
    const hit = armed();
    expect([newWrite, repeatedWrite, newWrite, newWrite].map((kind) => hit(kind) !== null)).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });
});

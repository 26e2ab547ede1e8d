import { ObjectId } from 'bson';
import { BDoc } from '../bson/values.js';
import { withTopologyVersion } from './replies.js';

const state = { processId: new ObjectId(), topologyCounter: 3n };

describe('the topology version of a reply', () => {
  it.each([91, 189, 10058, 10107, 11600, 11602, 13435, 13436])(
    'is there with error %i, by which a driver tells news from what it knows',
    (code) => {
      const version = withTopologyVersion(state, BDoc.of(['ok', 0], ['code', code])).get('topologyVersion');
      expect((version as BDoc).entries()).toEqual([
        ['processId', state.processId],
        ['counter', 3n],
      ]);
    },
  );

  it('is there with such an error of the write concern', () => {
    const reply = BDoc.of(['n', 1], ['writeConcernError', BDoc.of(['code', 91])]);
    expect(withTopologyVersion(state, reply).has('topologyVersion')).toBe(true);
  });

  it('is not there with other errors', () => {
    const reply = BDoc.of(['ok', 0], ['code', 11000]);
    expect(withTopologyVersion(state, reply).has('topologyVersion')).toBe(false);
  });
});

import { matchTargets } from './target-match.js';
import type { TargetFilter } from './target-match.js';

const endpoint = (filter: Partial<TargetFilter>): TargetFilter => ({
  id: 'ep_1',
  disabled: false,
  eventTypes: null,
  channels: null,
  ...filter,
});
const outcome = (filter: Partial<TargetFilter>, type: string, channels: string[] | null = null) => {
  const { targets, skipped } = matchTargets({ type, channels }, [endpoint(filter)]);
  return targets.length === 1 ? 'sent' : skipped[0]?.why;
};

describe('target match', () => {
  it('sends everything to an endpoint without filters', () => {
    expect(outcome({}, 'a.b', ['x'])).toBe('sent');
  });
  it('sends only the listed event types', () => {
    expect(outcome({ eventTypes: ['a.b'] }, 'a.b')).toBe('sent');
    expect(outcome({ eventTypes: ['a.b'] }, 'a.c')).toBe('event_type');
  });
  it('sends to an endpoint with channels only messages that share one', () => {
    expect(outcome({ channels: ['x', 'y'] }, 'a', ['z', 'y'])).toBe('sent');
    expect(outcome({ channels: ['x'] }, 'a', ['z'])).toBe('channel');
    expect(outcome({ channels: ['x'] }, 'a')).toBe('channel');
  });
  it('skips a disabled endpoint and says so', () => {
    expect(outcome({ disabled: true, eventTypes: ['a'] }, 'a')).toBe('disabled');
  });
});

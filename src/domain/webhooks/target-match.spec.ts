import { compileFilter } from './content-filter.js';
import { isWanted, matchTargets } from './target-match.js';
import type { TargetFilter } from './target-match.js';

const endpoint = (filter: Partial<TargetFilter>): TargetFilter => ({
  id: 'ep_1',
  disabled: false,
  eventTypes: null,
  channels: null,
  filter: null,
  ...filter,
});
const outcome = (filter: Partial<TargetFilter>, type: string, channels: string[] | null = null) => {
  const { targets, skipped } = matchTargets({ type, channels, payload: { n: 1 } }, [endpoint(filter)]);
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
  it('sends the event types that a wildcard covers', () => {
    expect(outcome({ eventTypes: ['a.*'] }, 'a.b')).toBe('sent');
    expect(outcome({ eventTypes: ['a.*'] }, 'a.b.c')).toBe('sent');
    expect(outcome({ eventTypes: ['a.*'] }, 'a')).toBe('event_type');
    expect(outcome({ eventTypes: ['a.*'] }, 'ab.c')).toBe('event_type');
  });
  it('sends to an endpoint with a content filter only payloads that it takes', () => {
    expect(outcome({ filter: compileFilter({ n: 1 }) }, 'a')).toBe('sent');
    expect(outcome({ filter: compileFilter({ n: 2 }) }, 'a')).toBe('filter');
  });
  it('names the first rule that says no', () => {
    const filter = compileFilter({ n: 2 });
    expect(outcome({ channels: ['x'], filter }, 'a')).toBe('channel');
  });
  it('sends to an endpoint with channels only messages that share one', () => {
    expect(outcome({ channels: ['x', 'y'] }, 'a', ['z', 'y'])).toBe('sent');
    expect(outcome({ channels: ['x'] }, 'a', ['z'])).toBe('channel');
    expect(outcome({ channels: ['x'] }, 'a')).toBe('channel');
  });
  it('skips a disabled endpoint and says so', () => {
    expect(outcome({ disabled: true, eventTypes: ['a'] }, 'a')).toBe('disabled');
  });

  it('tells beforehand whether a type and its channels are wanted, whatever the payload', () => {
    const some = [endpoint({ eventTypes: ['a.*'], channels: ['x'], filter: compileFilter({ n: 2 }) })];
    expect(isWanted({ type: 'a.b', channels: ['x'] }, some)).toBe(true);
    expect(isWanted({ type: 'a.b', channels: null }, some)).toBe(false);
    expect(isWanted({ type: 'b', channels: ['x'] }, some)).toBe(false);
  });
});

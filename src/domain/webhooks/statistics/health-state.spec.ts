import { healthState } from './health-state.js';

const usable = { disabled: false, breakerOpen: false };

describe('the health of an endpoint', () => {
  it.each([
    [100, 100, 'healthy'],
    [100, 95, 'healthy'],
    [100, 94, 'degraded'],
    [100, 50, 'degraded'],
    [100, 49, 'failing'],
    [20, 9, 'failing'],
    [19, 0, 'healthy'],
    [0, 0, 'healthy'],
  ])('of %p tries with %p taken is %p', (attempts, ok, state) => {
    expect(healthState(usable, { attempts, ok })).toBe(state);
  });

  it('is failing while its breaker is open, and disabled when it is', () => {
    const fine = { attempts: 100, ok: 100 };
    expect(healthState({ ...usable, breakerOpen: true }, fine)).toBe('failing');
    expect(healthState({ disabled: true, breakerOpen: true }, fine)).toBe('disabled');
  });
});

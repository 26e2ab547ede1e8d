import { decideLeftover, type LeftoverFacts, type LeftoverWish } from './leftovers.js';

const facts: LeftoverFacts = {
  alive: true,
  kind: 'temporal-dev-server',
  version: '1.32.0',
  ports: { grpc: 7233, ui: 8233 },
  healthy: true,
};
const wish: LeftoverWish = {
  kind: 'temporal-dev-server',
  version: '1.32.0',
  ports: {},
  exitsWithParent: false,
};

describe('a process left behind by an earlier supervisor', () => {
  it('is adopted when it is healthy and the same', () => {
    expect(decideLeftover(facts, wish)).toBe('adopt');
    expect(decideLeftover(facts, { ...wish, ports: { grpc: 7233 } })).toBe('adopt');
  });

  it('is nobody when no process has its pid and its start time', () => {
    expect(decideLeftover({ ...facts, alive: false }, wish)).toBe('gone');
  });

  it('is ended when it does not answer', () => {
    expect(decideLeftover({ ...facts, healthy: false }, wish)).toBe('end');
  });

  it('is ended when it has another version or another kind', () => {
    expect(decideLeftover({ ...facts, version: '1.31.0' }, wish)).toBe('end');
    expect(decideLeftover({ ...facts, kind: 'mongod' }, wish)).toBe('end');
  });

  it('is ended when another port is asked for explicitly', () => {
    expect(decideLeftover(facts, { ...wish, ports: { grpc: 7300 } })).toBe('end');
  });

  it('is ended when it is about to exit because its parent is gone', () => {
    expect(decideLeftover(facts, { ...wish, exitsWithParent: true })).toBe('end');
  });

  it('is ended when this start wants no such service', () => {
    expect(decideLeftover(facts, undefined)).toBe('end');
  });
});

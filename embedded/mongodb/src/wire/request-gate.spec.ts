import { RequestGate } from './request-gate.js';

test('who is held may go on once half of the room is free', () => {
  const gate = new RequestGate(100);
  const resumed: string[] = [];
  gate.enter(60);
  gate.enter(60);
  expect(gate.full).toBe(true);
  gate.hold(() => resumed.push('a'));
  gate.leave(60);
  expect([gate.full, resumed]).toEqual([false, []]);
  gate.leave(60);
  expect(resumed).toEqual(['a']);
});

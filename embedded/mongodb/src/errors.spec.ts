import { CODES, CommandError, unsupported } from './errors.js';

describe('the error table', () => {
  test.each(Object.entries(CODES))('%s is code %d', (name, code) => {
    expect(new CommandError(code, 'x')).toMatchObject({ code, codeName: name });
    expect(new CommandError(name as keyof typeof CODES, 'x')).toMatchObject({ code, codeName: name });
  });

  test('no code has two names', () => {
    expect(new Set(Object.values(CODES)).size).toBe(Object.keys(CODES).length);
  });

  test('a code without a name is a location', () => {
    expect(new CommandError(40324, 'x').codeName).toBe('Location40324');
  });

  test('a feature that is missing says so', () => {
    expect(unsupported('$where')).toMatchObject({
      code: 115,
      message: '$where is not supported by the embedded server',
    });
  });
});

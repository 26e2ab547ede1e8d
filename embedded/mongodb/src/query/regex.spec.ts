import { compileRegex } from './regex.js';

const finds = (pattern: string, options: string, text: string): boolean =>
  compileRegex(pattern, options).test(text);

describe('a PCRE pattern', () => {
  test.each([
    ['a.c', '', 'a\rc'],
    ['^b', 'm', 'a\nb'],
    ['a$', '', 'a\n'],
    ['a.b', 's', 'a\nb'],
    ['(?i)ABC', '', 'abc'],
    ['(?i:A)b', '', 'ab'],
    ['a b # comment\n c', 'x', 'abc'],
    ['[ ]', 'x', ' '],
    ['\\Aabc\\z', '', 'abc'],
    ['[[:alpha:]]+1', '', 'ab1'],
    ['^\\Qa.b\\E$', '', 'a.b'],
    ['\\-\\_\\/\\@', '', '-_/@'],
    ['[\\w\\-.]+@x', '', 'a-b.c@x'],
    ['^.$', '', '\u{1f600}'],
    ['a{,2}', '', 'a{,2}'],
    ['x{2}', '', 'xx'],
    ['(?P<y>a)\\k<y>', '', 'aa'],
    ['(a)\\1', '', 'aa'],
    ['(?<=a)b', '', 'ab'],
    ['[]a]', '', ']'],
    ['[^]a]', '', 'b'],
    ['\\x41\\x{42}', '', 'AB'],
    ['É', 'i', 'é'],
    ['}', '', '}'],
  ])('/%s/%s finds %j', (pattern, options, text) => {
    expect(finds(pattern, options, text)).toBe(true);
  });

  test.each([
    ['a.c', '', 'a\nc'],
    ['^b', '', 'a\nb'],
    ['\\s', '', '\u00a0'],
    ['^\\Aabc\\z', '', 'abc\n'],
    ['abc', '', 'ABC'],
    ['a b', 'x', 'a b'],
  ])('/%s/%s does not find %j', (pattern, options, text) => {
    expect(finds(pattern, options, text)).toBe(false);
  });

  test.each([
    '(?>a)',
    'a++',
    '(',
    '[a',
    'a**',
    '\\K',
    '(?R)',
    '(*UTF8)',
    '[[:foo:]]',
    '\\',
    '(?s:a.b)',
    '\\h',
  ])('/%s/ is refused rather than read differently', (pattern) => {
    expect(() => compileRegex(pattern, '')).toThrow(expect.objectContaining({ code: 51091 }) as Error);
  });
});

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
    ['\\Aabc\\z', '', 'abc'],
    ['\\-\\_\\/\\@', '', '-_/@'],
    ['[\\w\\-.]+@x', '', 'a-b.c@x'],
    ['^.$', '', '\u{1f600}'],
    ['a{,2}', '', 'a{,2}'],
    ['x{2}', '', 'xx'],
    ['(a)\\1', '', 'aa'],
    ['(?<=a)b', '', 'ab'],
    ['[]a]', '', ']'],
    ['[^]a]', '', 'b'],
    ['\\x41', '', 'A'],
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
    '[[:alpha:]]',
    '(?P<y>a)',
    '\\Qa.b\\E',
    '\\p{L}',
    '(?x)a b',
    '\\',
    '(?s:a.b)',
    '\\h',
  ])('/%s/ is refused rather than read differently', (pattern) => {
    expect(() => compileRegex(pattern, '')).toThrow(expect.objectContaining({ code: 51091 }) as Error);
  });
});

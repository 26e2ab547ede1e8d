import { judgeEndpointUrl, type EndpointUrlRules } from './endpoint-url.js';

const strict: EndpointUrlRules = { allowHttp: false, allowCidrs: [] };
const open = { allowHttp: true, allowCidrs: ['127.0.0.1/32'] };
const why = (text: string, rules = strict) => {
  const judgement = judgeEndpointUrl(text, rules);
  return judgement.ok ? 'accepted' : judgement.why;
};

describe('endpoint URL', () => {
  it('is accepted when it is public https', () => {
    expect(judgeEndpointUrl('https://erp.example:8443/hook?x=1', strict)).toEqual({
      ok: true,
      url: new URL('https://erp.example:8443/hook?x=1'),
    });
    expect(why('https://[2606:4700::1111]/')).toBe('accepted');
  });

  it('has one of the allowed ports, where they are named', () => {
    const rules = { ...strict, allowPorts: [443, 8443] };
    expect(why('https://erp.example/hook', rules)).toBe('accepted');
    expect(why('https://erp.example:8443/hook', rules)).toBe('accepted');
    expect(why('https://erp.example:22/hook', rules)).toBe('has port 22; allowed: 443, 8443');
  });

  it.each(['', '/hook', 'example.com/hook', 'https://', 'http://[::1', 'https://a b/'])(
    'must be absolute: "%s"',
    (text) => {
      expect(why(text)).toContain('not an absolute URL');
    },
  );

  it.each([
    'http://example.com',
    'ftp://example.com',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:,x',
  ])('must use https: %s', (text) => {
    expect(why(text)).toBe('must start with https://');
  });

  it('may use http where the setting says so', () => {
    expect(why('http://example.com/', open)).toBe('accepted');
    expect(why('ftp://example.com/', open)).toBe('must start with https:// or http://');
  });

  it('must not carry a user name or password', () => {
    expect(why('https://user@example.com/')).toContain('user name or password');
    expect(why('https://:pw@example.com/')).toContain('user name or password');
  });

  it('must not be longer than is stored', () => {
    expect(why(`https://example.com/${'a'.repeat(2029)}`)).toContain('2048');
    expect(why(`https://example.com/${'a'.repeat(2028)}`)).toBe('accepted');
  });

  it.each([
    ...['https://127.0.0.1/', 'https://2130706433/', 'https://0x7f000001/', 'https://0177.0.0.1/'],
    ...['https://127.1/', 'https://0x7f.1/', 'https://127.0.0.1./', 'https://017700000001/'],
    ...['https://127。0。0。1/', 'https://①②⑦.0.0.1/', 'https://[::1]/', 'https://[::ffff:7f00:1]/'],
    ...[
      'https://localhost/',
      'https://LOCALHOST:8080/',
      'https://api.localhost/',
      'https://169.254.169.254/',
    ],
    ...['https://[fe80::1]/', 'https://[64:ff9b::7f00:1]/', 'https://0/'],
  ])('must not be a forbidden address in any notation: %s', (text) => {
    expect(why(text)).toContain('not a public address');
  });

  it('may be an allowed internal address', () => {
    expect(why('http://127.0.0.1:9000/hook', open)).toBe('accepted');
    expect(why('http://localhost:9000/hook', open)).toBe('accepted');
    expect(why('http://127.0.0.2:9000/hook', open)).toContain('127.0.0.2');
  });
});

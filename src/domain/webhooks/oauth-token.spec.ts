import { tokenFrom, tokenRequest } from './oauth-token.js';

const settings = {
  ...({ grantType: 'clientCredentials', clientId: 'id:1', clientSecret: 'a b+%' } as const),
  tokenUrl: 'https://auth.example/token',
};

describe('a request for a token', () => {
  it('has the credentials in the header, encoded as a form has them (RFC 6749 section 2.3.1)', () => {
    const { headers, body } = tokenRequest({ ...settings, authMethod: 'clientSecretBasic' });
    expect(Buffer.from(headers['authorization']!.slice('Basic '.length), 'base64').toString()).toBe(
      'id%3A1:a+b%2B%25',
    );
    expect(body).toBe('grant_type=client_credentials');
  });

  it('or in the body, with scopes and parameters of the caller', () => {
    const { headers, body } = tokenRequest({
      ...settings,
      authMethod: 'clientSecretPost',
      scopes: ['a', 'b:c'],
      extraParams: { audience: 'https://x' },
      extraHeaders: { 'x-tenant': '7' },
    });
    expect(headers).toEqual({
      'x-tenant': '7',
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
    });
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
      audience: 'https://x',
      grant_type: 'client_credentials',
      scope: 'a b:c',
      client_id: 'id:1',
      client_secret: 'a b+%',
    });
  });
});

describe('an answer with a token', () => {
  it.each([
    [{ access_token: 't', token_type: 'bearer', expires_in: 3600 }, 3540],
    [{ access_token: 't', token_type: 'Bearer', expires_in: '100' }, 90],
    [{ access_token: 't' }, 270],
    [{ access_token: 't', expires_in: 1e9 }, 86_340],
  ])('%j may be used for %d s', (answer, forSec) => {
    expect(tokenFrom(200, JSON.stringify(answer))).toEqual({ header: 'Bearer t', forSec });
  });

  it.each([
    [401, '{"error":"invalid_client","error_description":"secret hunter2"}', 'answered 401 (invalid_client)'],
    [500, '<html>', 'answered 500'],
    [302, '', 'answered 302'],
    [200, '<html>', 'answered without a token'],
    [200, '{"access_token":"a\\nb"}', 'answered without a token'],
    [200, '{"access_token":"t","token_type":"mac"}', 'answered with a token that is no Bearer token'],
  ])('%d %s is a fault that gives nothing away', (code, text, fault) => {
    expect(tokenFrom(code, text)).toEqual({ fault });
  });
});

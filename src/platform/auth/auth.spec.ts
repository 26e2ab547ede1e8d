import { randomBytes } from 'node:crypto';
import { newToken, TokenHasher, tokenPrefix } from './api-key.js';
import { Authenticator } from './authenticator.js';
import { scopesOf } from './scopes.js';

const hasher = new TokenHasher(randomBytes(32).toString('base64'));
const stored = (token: string) => ({
  _id: 'key_1',
  hash: hasher.hash(token),
  role: 'viewer' as const,
  scopes: null,
  app: null,
});

describe('API keys', () => {
  it('have 256 random bits and a prefix to be found by', () => {
    const token = newToken();
    expect(token).toMatch(/^hf_[0-9A-Za-z]{8}_[A-Za-z0-9_-]{43}$/);
    expect(tokenPrefix(token)).toBe(token.slice(3, 11));
    expect(tokenPrefix('hf_short_x')).toBeNull();
  });

  it('hash differently under another master key', () => {
    const token = newToken();
    expect(hasher.matches(token, hasher.hash(token))).toBe(true);
    expect(hasher.matches(token, new TokenHasher(randomBytes(32).toString('base64')).hash(token))).toBe(
      false,
    );
  });
});

describe('authentication', () => {
  it.each([
    [undefined, 'Authorization'],
    ['Basic abc', 'Authorization'],
    ['Bearer sk_live', 'form'],
    [`Bearer ${newToken()}`, 'unknown or revoked'],
  ])('refuses %s', async (header, detail) => {
    const authenticator = new Authenticator(hasher, () => Promise.resolve(null));
    await expect(authenticator.authenticate(header)).rejects.toThrow(detail);
  });

  it('refuses a key with the right prefix and another secret', async () => {
    const token = newToken();
    const forged = `${token.slice(0, 12)}${randomBytes(32).toString('base64url')}`;
    const authenticator = new Authenticator(hasher, () => Promise.resolve(stored(token)));
    await expect(authenticator.authenticate(`Bearer ${forged}`)).rejects.toThrow('unknown or revoked');
    await expect(authenticator.authenticate(`Bearer ${token}`)).resolves.toMatchObject({ keyId: 'key_1' });
  });

  it('forgets a revoked key after five seconds', async () => {
    const token = newToken();
    let now = 0;
    let row: ReturnType<typeof stored> | null = stored(token);
    const authenticator = new Authenticator(
      hasher,
      () => Promise.resolve(row),
      () => now,
    );
    await authenticator.authenticate(`Bearer ${token}`);
    row = null;
    now = 4_999;
    await expect(authenticator.authenticate(`Bearer ${token}`)).resolves.toBeDefined();
    now = 5_000;
    await expect(authenticator.authenticate(`Bearer ${token}`)).rejects.toThrow('revoked');
  });
});

describe('a key that expires', () => {
  it('works until then, and not from memory either', async () => {
    const token = newToken();
    let now = 1000;
    const row = { ...stored(token), expiresAt: new Date(3000) };
    const clock = () => now;
    const authenticator = new Authenticator(hasher, () => Promise.resolve(row), clock, clock);
    await expect(authenticator.authenticate(`Bearer ${token}`)).resolves.toBeDefined();
    now = 2999;
    await expect(authenticator.authenticate(`Bearer ${token}`)).resolves.toBeDefined();
    now = 3000;
    await expect(authenticator.authenticate(`Bearer ${token}`)).rejects.toThrow('expired');
  });
});

describe('scopes', () => {
  it('a viewer reads, an operator writes, only an admin manages keys', () => {
    expect(scopesOf('viewer', null).has('messages:write')).toBe(false);
    expect(scopesOf('viewer', null).has('secrets:read')).toBe(false);
    expect(scopesOf('operator', null).has('messages:write')).toBe(true);
    expect(scopesOf('operator', null).has('keys:write')).toBe(false);
    expect(scopesOf('admin', null).has('keys:write')).toBe(true);
  });
  it('narrowing never widens', () => {
    expect([...scopesOf('viewer', ['messages:read', 'keys:write'])]).toEqual(['messages:read']);
  });
});

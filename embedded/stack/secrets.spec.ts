import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSecrets, makeApiKey } from './secrets.js';

describe('the secrets of a stack', () => {
  it('are made once, kept, and readable by the owner only', () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-secrets-'));
    const file = join(folder, 'secrets.json');
    const made = loadSecrets(file);
    expect(loadSecrets(file)).toEqual(made);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(Buffer.from(made.masterKey, 'base64')).toHaveLength(32);
    rmSync(folder, { recursive: true });
  });

  it('hold an API key with a look-up prefix and 256 random bits', () => {
    expect(makeApiKey()).toMatch(/^hf_[0-9A-Za-z]{8}_[\w-]{43}$/);
    expect(makeApiKey()).not.toBe(makeApiKey());
  });
});

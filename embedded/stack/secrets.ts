import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

export interface StackSecrets {
  /** 32 bytes in base64; seals secrets at rest. Lost key = lost secrets: it stays in the data directory. */
  masterKey: string;
  /** First admin API key. */
  bootstrapKey: string;
}

const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Reads the secrets of this data directory, made once and readable by the owner only. */
export function loadSecrets(file: string): StackSecrets {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as StackSecrets;
  const secrets = { masterKey: randomBytes(32).toString('base64'), bootstrapKey: makeApiKey() };
  writeFileSync(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  return secrets;
}

/** `hf_`, 8 characters by which the key is looked up, and 256 random bits. */
export function makeApiKey(): string {
  const prefix = Array.from({ length: 8 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  return `hf_${prefix}_${randomBytes(32).toString('base64url')}`;
}

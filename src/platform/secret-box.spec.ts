import { randomBytes } from 'node:crypto';
import { SecretBox } from './secret-box.js';

const masterKey = () => randomBytes(32).toString('base64');

describe('secret box', () => {
  it('opens what it sealed and hides the text', () => {
    const box = new SecretBox(masterKey());
    const sealed = box.seal('whsec_äöü');
    expect(sealed).not.toContain('whsec');
    expect(box.open(sealed)).toBe('whsec_äöü');
    expect(box.seal('whsec_äöü')).not.toBe(sealed);
  });

  it('refuses a changed text and another master key', () => {
    const box = new SecretBox(masterKey());
    const sealed = box.seal('secret');
    const bytes = Buffer.from(sealed.slice(3), 'base64');
    bytes[bytes.length - 1]! ^= 1;
    expect(() => box.open(`v1:${bytes.toString('base64')}`)).toThrow('cannot be opened');
    expect(() => new SecretBox(masterKey()).open(sealed)).toThrow('cannot be opened');
    expect(() => box.open('plain')).toThrow('unknown version');
  });
});

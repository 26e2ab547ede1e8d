import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** What an endpoint wants of TLS beside the rules for all, as PEM. */
export interface EndpointTls {
  /** The authorities that alone vouch for the receiver. Absent = the public ones. */
  ca?: string;
  /** Who we are: our certificate, followed by those that vouch for it, and its key. */
  identity?: { cert: string; key: string };
}

/** Thrown for a text that cannot be used; the message holds nothing of the text. */
export class PemError extends Error {
  override name = 'PemError';
}

const MAX_CERTIFICATES = 10;
const MIN_RSA_BITS = 2048;

/** One or more certificates of authorities. @throws PemError */
export function parseAuthorities(text: string, now: Date): string {
  const blocks = pemBlocks(text);
  if (blocks.some(({ label }) => label !== 'CERTIFICATE')) {
    throw new PemError('expected certificates only; leave out everything else, private keys above all');
  }
  return certificates(blocks, now).map(String).join('');
}

/** A private key and its certificate chain, in any order of key and chain. @throws PemError */
export function parseIdentity(text: string, now: Date): NonNullable<EndpointTls['identity']> {
  const blocks = pemBlocks(text);
  const keys = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'));
  if (keys.length !== 1) throw new PemError(`expected one private key, got ${keys.length}`);
  const chain = certificates(
    blocks.filter(({ label }) => label === 'CERTIFICATE'),
    now,
  );
  const key = privateKey(keys[0]!);
  if (!chain[0]!.checkPrivateKey(key)) {
    throw new PemError('the private key does not belong to the first certificate');
  }
  return {
    cert: chain.map(String).join(''),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

interface PemBlock {
  label: string;
  text: string;
}

// Cut rather than matched: a pattern with two markers takes quadratic time on many beginnings without an end.
function pemBlocks(text: string): PemBlock[] {
  return text
    .split('-----BEGIN ')
    .slice(1)
    .map((part) => {
      const label = part.slice(0, Math.max(part.indexOf('-----'), 0));
      const end = `-----END ${label}-----`;
      const at = part.indexOf(end);
      if (label === '' || at < 0) throw new PemError('a PEM block does not end as it begins');
      return { label, text: `-----BEGIN ${part.slice(0, at)}${end}\n` };
    });
}

function certificates(blocks: PemBlock[], now: Date): X509Certificate[] {
  if (blocks.length === 0 || blocks.length > MAX_CERTIFICATES) {
    throw new PemError(`expected 1 to ${MAX_CERTIFICATES} PEM certificates, got ${blocks.length}`);
  }
  return blocks.map(({ text }, i) => {
    const certificate = readCertificate(text, i + 1);
    if (certificate.validToDate > now) return certificate;
    throw new PemError(`certificate ${i + 1} expired at ${certificate.validToDate.toISOString()}`);
  });
}

function readCertificate(text: string, number: number): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch {
    throw new PemError(`certificate ${number} is not an X.509 certificate`);
  }
}

function privateKey({ text }: PemBlock): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch {
    throw new PemError('the private key cannot be read; expected PKCS#8, PKCS#1 or SEC 1 without passphrase');
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? MIN_RSA_BITS;
  if (bits < MIN_RSA_BITS) {
    throw new PemError(`the private key has ${bits} bits, expected at least ${MIN_RSA_BITS}`);
  }
  return key;
}

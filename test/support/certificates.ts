import 'reflect-metadata';
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  cryptoProvider,
} from '@peculiar/x509';
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';

cryptoProvider.set(webcrypto as never);

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;

export interface Certificate {
  cert: string;
  key: string;
}

/** A certificate authority for one test, which vouches for what it is asked to. */
export class CertificateAuthority {
  private constructor(
    readonly cert: string,
    private readonly name: string,
    private readonly keys: webcrypto.CryptoKeyPair,
  ) {}

  static async create(name = 'CN=Test authority'): Promise<CertificateAuthority> {
    const keys = await keyPair();
    const { cert } = await issue({ subject: name, issuer: name, keys, signer: keys, isAuthority: true });
    return new CertificateAuthority(cert, name, keys);
  }

  /** For a host name, valid from yesterday until `days` from now. */
  async issue(host: string, days = 1): Promise<Certificate> {
    const keys = await keyPair();
    return issue({ subject: `CN=${host}`, issuer: this.name, keys, signer: this.keys, host, days });
  }
}

/** A certificate that vouches for itself. */
export async function selfSigned(host: string): Promise<Certificate> {
  const keys = await keyPair();
  return issue({ subject: `CN=${host}`, issuer: `CN=${host}`, keys, signer: keys, host });
}

const keyPair = () => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

interface Request {
  subject: string;
  issuer: string;
  keys: webcrypto.CryptoKeyPair;
  signer: webcrypto.CryptoKeyPair;
  host?: string;
  days?: number;
  isAuthority?: boolean;
}

async function issue({ subject, issuer, keys, signer, host, days = 1, isAuthority = false }: Request) {
  const certificate = await X509CertificateGenerator.create({
    ...{ subject, issuer, signingAlgorithm: ALGORITHM, serialNumber: randomBytes(8).toString('hex') },
    ...{ publicKey: keys.publicKey, signingKey: signer.privateKey },
    notBefore: new Date(Date.now() - 2 * DAY_MS),
    notAfter: new Date(Date.now() + days * DAY_MS),
    extensions: [
      new BasicConstraintsExtension(isAuthority),
      ...(host === undefined ? [] : [new SubjectAlternativeNameExtension([{ type: 'dns', value: host }])]),
    ],
  } as never);
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  return { cert: certificate.toString('pem'), key: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

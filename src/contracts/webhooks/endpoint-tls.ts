import { z } from 'zod';

const pem = z
  .string()
  .min(1, { error: 'expected PEM text, -----BEGIN …' })
  .max(32_768, { error: 'expected at most 32768 characters' });

/** `cert`: the authorities (PEM) that alone vouch for the receiver; null or absent = the public ones. */
export const serverCaIn = z.object({ cert: pem.nullish() });
export type ServerCaIn = z.infer<typeof serverCaIn>;

export const serverCaOut = z.object({ cert: z.string().nullable() });
export type ServerCaOut = z.infer<typeof serverCaOut>;

/** `identity`: a private key without passphrase and its certificate, then those that vouch for it, all PEM. */
export const mtlsIn = z.object({ identity: pem });
export type MtlsIn = z.infer<typeof mtlsIn>;

/** What we show receivers. The private key is never given back. */
export const mtlsConfigOut = z.object({
  certificate: z.string(),
  subject: z.string(),
  /** SHA-256 of the certificate, in hexadecimal with colons. */
  fingerprint: z.string(),
  expiresAt: z.iso.datetime(),
});
export type MtlsConfigOut = z.infer<typeof mtlsConfigOut>;

export const mtlsOut = z.object({ enabled: z.boolean(), config: mtlsConfigOut.nullable() });
export type MtlsOut = z.infer<typeof mtlsOut>;

import { z } from 'zod';
import { requestHeaders } from './request-header.js';

const MAX_PARAMS = 20;
/** What the request says by itself. */
const OWN_PARAMS = ['grant_type', 'client_id', 'client_secret', 'scope'];

const text = (most: number) =>
  z
    .string()
    .min(1)
    .max(most, { error: `expected at most ${most} characters` });
const scope = z
  .string()
  .max(256)
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, {
    error: 'expected a scope: printable ASCII without space, " and \\',
  });
const extraParams = z
  .record(text(256), z.string().max(2_048))
  .refine((params) => Object.keys(params).length <= MAX_PARAMS, {
    error: `expected at most ${MAX_PARAMS} parameters`,
  })
  .refine((params) => !OWN_PARAMS.some((name) => name in params), {
    error: `expected none of ${OWN_PARAMS.join(', ')}`,
  });

const grantType = z.enum(['clientCredentials'], { error: 'only clientCredentials is supported' });
const authMethod = z.enum(['clientSecretBasic', 'clientSecretPost'], {
  error: 'expected clientSecretBasic or clientSecretPost',
});

/** How an endpoint's access tokens are got (RFC 6749 section 4.4); the other grants of the compatible API are refused. */
export const oauthIn = z.object({
  grantType,
  authMethod,
  clientId: text(512),
  clientSecret: text(2_048),
  /** Where tokens are asked for: public and https, as endpoints are. */
  tokenUrl: z.string(),
  scopes: z.array(scope).max(50).nullish(),
  /** Parameters besides ours, e.g. `audience`. */
  extraParams: extraParams.nullish(),
  extraHeaders: requestHeaders.nullish(),
});
export type OauthIn = z.infer<typeof oauthIn>;

/** Without the secret; values of other members whose names say that they are secret are masked. */
export const oauthConfigOut = z.object({
  grantType,
  authMethod,
  clientId: z.string(),
  tokenUrl: z.string(),
  scopes: z.array(z.string()).nullable(),
  extraParams: z.record(z.string(), z.string()).nullable(),
  extraHeaders: z.record(z.string(), z.string()).nullable(),
});
export type OauthConfigOut = z.infer<typeof oauthConfigOut>;

export const oauthOut = z.object({ enabled: z.boolean(), config: oauthConfigOut.nullable() });
export type OauthOut = z.infer<typeof oauthOut>;

import { createHash } from 'node:crypto';
import { parseSigningKey } from '../../domain/webhooks/signature.js';
import type { SigningKey } from '../../domain/webhooks/signature.js';
import type { SecretBox } from '../../platform/secret-box.js';
import type { EndpointRow } from '../../store/webhooks/endpoint.schema.js';
import type { OwnTls } from './transport/origin-pools.js';
import type { OwnOauth } from './oauth/access-tokens.js';
import { shownHeaders } from './shown-headers.js';
import type { ShownHeaders } from './shown-headers.js';

/** An endpoint with its secrets opened and its URL parsed, once per revision. */
export interface PreparedEndpoint {
  row: EndpointRow;
  url: URL;
  headers: Record<string, string>;
  /** What attempts show of the headers. */
  shown: ShownHeaders;
  keys: { key: SigningKey; until: Date | null }[];
  tls: OwnTls | null;
  /** How it gets access tokens; null where it wants none. */
  oauth: OwnOauth | null;
  /** What it was proved to be current in, see `PreparedEndpoints`; null when it is to be compared again. */
  provenIn: object | null;
  /** Set when its secrets cannot be read: our fault, which must not use up tries. */
  unusable: string | null;
}

/** Opens the secrets of an endpoint. */
export function prepared(row: EndpointRow, box: SecretBox): PreparedEndpoint {
  const url = new URL(row.url);
  try {
    const headers: Record<string, string> =
      row.headersEnc === null ? {} : JSON.parse(box.open(row.headersEnc));
    const keys = row.keys.map(({ enc, until }) => ({ key: parseSigningKey(box.open(enc)), until }));
    const tls = row.tlsEnc == null ? null : withId<OwnTls>(box.open(row.tlsEnc));
    const oauth = row.oauthEnc == null ? null : withId<OwnOauth>(box.open(row.oauthEnc));
    const shown = shownHeaders({ ...headers, ...tokenHeader(oauth) });
    return { row, url, headers, shown, keys, tls, oauth, provenIn: null, unusable: null };
  } catch (error) {
    const unusable = (error as Error).message;
    return { row, url, headers: {}, shown: {}, keys: [], tls: null, oauth: null, provenIn: null, unusable };
  }
}

/** Settings with an id that equal ones share. */
const withId = <Own extends { id: string; settings: unknown }>(json: string): Own =>
  ({ id: createHash('sha256').update(json).digest('base64'), settings: JSON.parse(json) as unknown }) as Own;

/** A header that a try will have, for what attempts show: names only, since it is secret. */
export const tokenHeader = (oauth: OwnOauth | null): Record<string, string> =>
  oauth === null ? {} : { authorization: '' };

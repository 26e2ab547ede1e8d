import type { OauthIn } from '../../contracts/webhooks/endpoint-oauth.js';

const USUAL_SEC = 300;
const LONGEST_SEC = 86_400;
/** A token is not used in the last tenth of its time, at most its last minute. */
const SPARED = { part: 0.1, mostSec: 60 };

export interface TokenRequest {
  headers: Record<string, string>;
  body: string;
}

/** Asks for a token by client credentials (RFC 6749 sections 2.3.1 and 4.4.2). */
export function tokenRequest(settings: OauthIn): TokenRequest {
  const { authMethod, clientId, clientSecret, scopes, extraParams, extraHeaders } = settings;
  const params = new URLSearchParams({ ...extraParams, grant_type: 'client_credentials' });
  if (scopes != null && scopes.length > 0) params.set('scope', scopes.join(' '));
  const headers: Record<string, string> = {
    ...extraHeaders,
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
  };
  if (authMethod === 'clientSecretBasic') {
    const credentials = Buffer.from(`${formText(clientId)}:${formText(clientSecret)}`).toString('base64');
    headers['authorization'] = `Basic ${credentials}`;
  } else {
    params.set('client_id', clientId);
    params.set('client_secret', clientSecret);
  }
  return { headers, body: params.toString() };
}

export interface AccessToken {
  /** The value of `authorization`. */
  header: string;
  /** How long it may be used. */
  forSec: number;
}

/** The token in an answer (RFC 6749 section 5), or what is wrong with it: never a part of a token. */
export function tokenFrom(code: number, text: string): AccessToken | { fault: string } {
  const answer = members(text);
  if (code < 200 || code > 299) {
    const error = answer?.['error'];
    // Error codes of section 5.2 are public words; descriptions may be anything.
    const told = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? ` (${error})` : '';
    return { fault: `answered ${code}${told}` };
  }
  const { access_token: token, token_type: type = 'Bearer', expires_in: expires } = answer ?? {};
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    return { fault: 'answered without a token' };
  if (String(type).toLowerCase() !== 'bearer')
    return { fault: 'answered with a token that is no Bearer token' };
  const givenSec = Number(expires);
  const sec = Number.isFinite(givenSec) && givenSec > 0 ? Math.min(givenSec, LONGEST_SEC) : USUAL_SEC;
  return { header: `Bearer ${token}`, forSec: sec - Math.min(sec * SPARED.part, SPARED.mostSec) };
}

function members(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** As a form has it (application/x-www-form-urlencoded). */
const formText = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);

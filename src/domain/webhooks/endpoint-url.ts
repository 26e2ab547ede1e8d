import { isForbiddenAddress, parseRanges } from './forbidden-address.js';

/** Longest URL that is stored. */
export const MAX_URL_LENGTH = 2048;

export interface EndpointUrlRules {
  /** Whether `http://` is accepted beside `https://`. */
  allowHttp: boolean;
  /** Ranges that endpoints may use although they are not public, as CIDRs. */
  allowCidrs: readonly string[];
  /** Ports that endpoints may have; absent or empty = every port. */
  allowPorts?: readonly number[];
}

export type EndpointUrlJudgement = { ok: true; url: URL } | { ok: false; why: string };

/**
 * Judges the URL of an endpoint when it is created or changed: syntax, scheme, user information and literal
 * addresses. Names are judged at each try, when they are resolved.
 */
export function judgeEndpointUrl(text: string, rules: EndpointUrlRules): EndpointUrlJudgement {
  if (text.length > MAX_URL_LENGTH) return refuse(`is longer than ${MAX_URL_LENGTH} characters`);
  if (!URL.canParse(text)) return refuse('is not an absolute URL such as https://example.com/hook');
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(rules.allowHttp && url.protocol === 'http:')) {
    return refuse(`must start with ${rules.allowHttp ? 'https:// or http://' : 'https://'}`);
  }
  if (url.username !== '' || url.password !== '') {
    return refuse('must not contain a user name or password; send them as a header of the endpoint');
  }
  if (!isAllowedPort(url, rules.allowPorts)) {
    return refuse(`has port ${portOf(url)}; allowed: ${rules.allowPorts!.join(', ')}`);
  }
  const literal = literalAddress(url);
  if (literal !== null && isForbiddenAddress(literal, parseRanges(rules.allowCidrs))) {
    return refuse(`points to ${literal}, which is not a public address`);
  }
  return { ok: true, url };
}

/**
 * The address a URL names without DNS, or null. URL parsing has already turned decimal, octal and hex forms into
 * dotted ones; `localhost` names are loopback by RFC 6761.
 */
export function literalAddress(url: URL): string | null {
  const host = url.hostname;
  if (host.startsWith('[')) return host.slice(1, -1);
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return host;
  return /(^|\.)localhost\.?$/.test(host) ? '127.0.0.1' : null;
}

export const portOf = (url: URL): number => Number(url.port || (url.protocol === 'http:' ? 80 : 443));

export const isAllowedPort = (url: URL, allowed: readonly number[] = []): boolean =>
  allowed.length === 0 || allowed.includes(portOf(url));

const refuse = (why: string): EndpointUrlJudgement => ({ ok: false, why });

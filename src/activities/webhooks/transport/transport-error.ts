import type { AttemptErrorCode } from '../../../contracts/webhooks/delivery.js';
import { ForbiddenAddressError, ForbiddenPortError, ResolveError } from './address-resolver.js';
import { TunnelError } from './proxy-tunnel.js';

/** A try that brought no usable answer: the code for machines, words for people, never a secret. */
export interface TransportFault {
  errorCode: AttemptErrorCode;
  error: string;
}

const REFUSED = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'EHOSTDOWN']);
const RESET = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'UND_ERR_SOCKET', 'UND_ERR_CLOSED']);
const TIMEOUT = new Set(['UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT']);
// Node's and OpenSSL's names for a failed handshake or an unacceptable certificate.
const TLS =
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|EPROTO|HOSTNAME_MISMATCH|INVALID_)/;

/** Names the fault of an error thrown by the resolver, the socket or the HTTP parser. */
export function transportFault(error: unknown): TransportFault {
  if (error instanceof ForbiddenAddressError || error instanceof ForbiddenPortError)
    return { errorCode: 'forbidden_address', error: error.message };
  if (error instanceof TunnelError) return { errorCode: error.errorCode, error: error.message };
  if (error instanceof ResolveError) return { errorCode: 'dns_error', error: error.message };
  const code = codeOf(error);
  if (REFUSED.has(code)) return { errorCode: 'connection_refused', error: `no connection (${code})` };
  if (TIMEOUT.has(code)) return { errorCode: 'timeout', error: 'no connection within 5 s' };
  if (RESET.has(code)) return { errorCode: 'connection_reset', error: 'the receiver closed the connection' };
  if (TLS.test(code)) return { errorCode: 'tls_error', error: `TLS failed (${code})` };
  return { errorCode: 'invalid_response', error: `the answer is not valid HTTP (${code || 'unknown'})` };
}

function codeOf(error: unknown): string {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  const isAftermath = code === 'UND_ERR_SOCKET' && cause !== undefined;
  if (typeof code === 'string' && !isAftermath) return code;
  return cause === undefined ? '' : codeOf(cause);
}

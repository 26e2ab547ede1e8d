// W3C Trace Context, https://www.w3.org/TR/trace-context/
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/;

/** The trace id of an incoming `traceparent` header; null when there is none that is valid. */
export function traceIdFrom(header: string | string[] | undefined): string | null {
  const id = typeof header === 'string' ? TRACEPARENT.exec(header)?.[1] : undefined;
  return id === undefined || /^0+$/.test(id) || header?.slice(0, 2) === 'ff' ? null : id;
}

/** The trace of a message whose caller named none: its random part, so that nothing has to be stored to know it. */
export const traceIdOf = (messageId: string): string =>
  Buffer.from(messageId.slice(-16), 'latin1').toString('hex');

/** The header of one try; the span is the try itself. */
export const traceparent = (traceId: string, attemptId: string): string =>
  `00-${traceId}-${Buffer.from(attemptId.slice(-8), 'latin1').toString('hex')}-01`;

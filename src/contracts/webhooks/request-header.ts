import { z } from 'zod';

const MAX_HEADERS = 50;
const MAX_TOTAL_BYTES = 8_192;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/; // RFC 9110 section 5.6.2
const PRINTABLE = /^[\x20-\x7e]*$/;

// Headers that would change how the request is framed or signed.
const RESERVED =
  /^(content-.*|host|connection|keep-alive|proxy-.*|te|trailers?|transfer-encoding|upgrade|user-agent|expect|webhook-.*|svix-.*|x-svix-.*)$/i;
const SENSITIVE = /^(authorization|cookie)$|token|secret|key/i;

/** Values of these are stored sealed and never shown again. */
export const isSensitiveHeader = (name: string): boolean => SENSITIVE.test(name);

const headerName = z
  .string()
  .regex(TOKEN, { error: 'expected an HTTP header name' })
  .refine((name) => !RESERVED.test(name), { error: 'this header is reserved and cannot be set' });

const headerValue = z.string().regex(PRINTABLE, { error: 'expected printable ASCII without line breaks' });

const bounded = <T extends Record<string, string | null>>(headers: T) =>
  Object.keys(headers).length <= MAX_HEADERS &&
  Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + (value?.length ?? 0), 0) <=
    MAX_TOTAL_BYTES;
const boundedError = { error: `expected at most ${MAX_HEADERS} headers and ${MAX_TOTAL_BYTES} bytes in all` };

export const requestHeaders = z.record(headerName, headerValue).refine(bounded, boundedError);

/** Headers that came from an expression, or what is wrong with them. */
export function addedHeaders(given: unknown): { headers: Record<string, string> } | { fault: string } {
  const parsed = requestHeaders.safeParse(given);
  if (parsed.success) return { headers: parsed.data };
  const issue = parsed.error.issues[0]!;
  const message = issue.code === 'invalid_key' ? issue.issues[0]!.message : issue.message;
  return { fault: `headers${issue.path.map((step) => ` ${String(step)}`).join('')}: ${message}` };
}

export const endpointHeadersIn = z.object({ headers: requestHeaders });
/** A null value, or a name in `deleteHeaders`, removes the header. */
export const endpointHeadersPatch = z.object({
  headers: z.record(headerName, headerValue.nullable()).refine(bounded, boundedError),
  deleteHeaders: z.array(z.string()).max(MAX_HEADERS).default([]),
});
export const endpointHeadersOut = z.object({
  headers: z.record(z.string(), z.string()),
  sensitive: z.array(z.string()),
});
export type EndpointHeadersOut = z.infer<typeof endpointHeadersOut>;

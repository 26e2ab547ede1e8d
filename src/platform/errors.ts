/**
 * Every error a client can get: code -> HTTP status and title. Responses, OpenAPI and docs/errors.md are made from
 * this table. To add an error: add a row, then throw `new ProblemError(code, detail)`.
 */
export const ERRORS = {
  malformed_json: { status: 400, title: 'The body is not JSON' },
  limit_reached: { status: 400, title: 'A limit of this resource is reached' },
  endpoint_disabled: { status: 400, title: 'The endpoint is disabled' },
  content_expired: { status: 400, title: 'The payload is no longer stored' },
  bad_request: { status: 400, title: 'The request is not valid HTTP' },
  authentication_failed: { status: 401, title: 'The API key is missing or wrong' },
  insufficient_access: { status: 403, title: 'The API key may not do this' },
  not_found: { status: 404, title: 'There is no such resource' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here' },
  conflict: { status: 409, title: 'The resource exists already' },
  idempotency_in_progress: { status: 409, title: 'The first request with this key is still running' },
  task_running: { status: 409, title: 'There is a task that has not ended' },
  task_ended: { status: 409, title: 'The task has ended' },
  legal_hold: { status: 409, title: 'The application is under legal hold' },
  not_tried: { status: 409, title: 'The endpoint is not sent to at the moment' },
  in_use: { status: 409, title: 'The resource is in use' },
  payload_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The content type is not supported' },
  validation: { status: 422, title: 'The request does not fit its description' },
  schema_mismatch: { status: 422, title: 'The payload does not fit the schema of its event type' },
  idempotency_key_reused: { status: 422, title: 'The idempotency key was used for another request' },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Holdfast failed; the request id leads to the log' },
  not_implemented: { status: 501, title: 'This part of the API is not there yet' },
  unavailable: { status: 503, title: 'A server that Holdfast needs does not answer' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** One fault of a request: where it is and what was expected. */
export interface Fault {
  /** Where: `['body', 'eventTypes', '0']`. */
  loc: string[];
  msg: string;
  type: string;
  /** The place as a JSON pointer (RFC 6901), body only. */
  pointer?: string;
}

export interface ProblemDetails {
  errors?: Fault[];
  /** Response headers, e.g. `retry-after`. */
  headers?: Record<string, string>;
  /** Extra members of the body, e.g. `existing`. */
  members?: Record<string, string>;
  /** What led here, for the log. */
  cause?: unknown;
}

/** An error meant for the client. `detail` says what was expected, what was got and what to do. */
export class ProblemError extends Error {
  override name = 'ProblemError';
  constructor(
    readonly code: ErrorCode,
    readonly detail: string,
    readonly extra: ProblemDetails = {},
  ) {
    super(`${code}: ${detail}`, extra.cause === undefined ? {} : { cause: extra.cause });
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}

export const notFound = (what: string): ProblemError =>
  new ProblemError('not_found', `There is no ${what} with this id or uid.`);

/** A 422 about one member of the body. */
export function invalidMember(path: (string | number)[], msg: string, type = 'value_error'): ProblemError {
  return new ProblemError('validation', `${path.join('.')}: ${msg}`, {
    errors: [bodyFault(path, msg, type)],
  });
}

export const bodyFault = (path: (string | number)[], msg: string, type: string): Fault => ({
  loc: ['body', ...path.map(String)],
  msg,
  type,
  pointer: path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
});

export interface Answer<T> {
  status: number;
  headers: Headers;
  body: T;
}

interface CallOptions {
  body?: unknown;
  /** Sent as it is, with `contentType`. */
  raw?: string | Buffer;
  contentType?: string;
  idempotencyKey?: string;
  key?: string | null;
}

/** Calls the API as a client would; gives status, headers and parsed body whatever the status. */
export class ApiCaller {
  constructor(
    private readonly url: string,
    private readonly key: string,
  ) {}

  async call<T = Record<string, unknown>>(
    method: string,
    path: string,
    options: CallOptions = {},
  ): Promise<Answer<T>> {
    const { body, raw, contentType = 'application/json', idempotencyKey, key = this.key } = options;
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(content === undefined ? {} : { 'content-type': contentType }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(content === undefined ? {} : { body: content as string }),
    });
    const text = await response.text();
    const parsed = text === '' || !isJson(response) ? text : JSON.parse(text);
    return { status: response.status, headers: response.headers, body: parsed as T };
  }

  get = <T>(path: string) => this.call<T>('GET', path);
  post = <T>(path: string, body: unknown) => this.call<T>('POST', path, { body });

  /** A new application with one endpoint; gives their ids. */
  async target(url: string, endpoint: Record<string, unknown> = {}): Promise<{ app: string; ep: string }> {
    const app = await this.post<{ id: string }>('/api/v1/app', { name: 'test' });
    const ep = await this.post<{ id: string }>(`/api/v1/app/${app.body.id}/endpoint`, { url, ...endpoint });
    if (ep.status !== 201) throw new Error(`endpoint not created: ${JSON.stringify(ep.body)}`);
    return { app: app.body.id, ep: ep.body.id };
  }
}

const isJson = (response: Response) => /json/.test(response.headers.get('content-type') ?? '');

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A failure the user can do something about; the message says what. */
export class CliError extends Error {
  override name = 'CliError';
  constructor(
    message: string,
    readonly exitCode = 1,
  ) {
    super(message);
  }
}

/** Calls the HTTP API with a key. */
export class ApiClient {
  constructor(
    private readonly url: string,
    private readonly key: string,
  ) {}

  /** From options, else the environment, else what `npm start` wrote. @throws CliError when nothing names a server */
  static fromEnvironment(given: { url?: string | undefined; key?: string | undefined }): ApiClient {
    const url = given.url ?? process.env['HOLDFAST_API_URL'];
    const key = given.key ?? process.env['HOLDFAST_API_KEY'];
    if (url !== undefined && key !== undefined) return new ApiClient(url, key);
    const stack = readStack();
    return new ApiClient(url ?? stack.apiUrl, key ?? stack.apiKey);
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.#fetch(method, path, body);
    const text = await response.text();
    if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as T;
    throw new CliError(problemText(response.status, text));
  }

  async #fetch(method: string, path: string, body: unknown): Promise<Response> {
    const headers = { authorization: `Bearer ${this.key}` };
    const withBody = {
      body: JSON.stringify(body),
      headers: { ...headers, 'content-type': 'application/json' },
    };
    try {
      return await fetch(`${this.url}${path}`, { method, ...(body === undefined ? { headers } : withBody) });
    } catch {
      throw new CliError(`The API at ${this.url} does not answer. Is Holdfast running (npm start)?`);
    }
  }
}

function readStack(): { apiUrl: string; apiKey: string } {
  const file = join(process.env['HOLDFAST_DATA_DIR'] ?? '.holdfast', 'run', 'stack.json');
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { apiUrl: string; apiKey: string };
  } catch {
    throw new CliError(
      `No server is named: give --url and --key, or start Holdfast here (npm start writes ${file}).`,
      2,
    );
  }
}

function problemText(status: number, text: string): string {
  try {
    const { title, detail } = JSON.parse(text) as { title: string; detail: string };
    return `${title}: ${detail}`;
  } catch {
    return `The API answered ${status}.`;
  }
}

import type { Answer, ApiCaller } from '../../support/api-caller.js';

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: unknown;
  instance: string;
  code: string;
  requestId: string;
  errors?: { loc: string[]; msg: string; type: string; pointer?: string }[];
  existing?: string;
  results?: { index: number; status: number; problem?: Problem }[];
}

/** What the rows of the error table are tried on. */
export class ErrorScene {
  private constructor(
    readonly api: ApiCaller,
    /** A receiver that takes everything. */
    readonly url: string,
    readonly app: string,
    readonly ep: string,
    /** A message that was sent, and one whose payload is gone. */
    readonly msg: string,
    readonly expunged: string,
    readonly viewer: string,
    /** Key of another application. */
    readonly foreign: string,
    /** An application that may send one message a second, and one that is deleted. */
    readonly throttled: string,
    readonly deleted: string,
  ) {}

  static async create(api: ApiCaller, url: string): Promise<ErrorScene> {
    const id = async (path: string, body: unknown) => {
      const answer = await api.post<{ id: string } & Problem>(path, body);
      if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body.id;
    };
    const key = async (body: unknown) => (await api.post<{ token: string }>('/api/v1/keys', body)).body.token;
    const app = await id('/api/v1/app', { name: 'errors', uid: 'errors' });
    const endpoint = `/api/v1/app/${app}/endpoint`;
    const ep = await id(endpoint, { url, uid: 'taken', eventTypes: ['inventory.updated'] });
    await id(endpoint, { url, uid: 'off', disabled: true });
    const message = { eventType: 'error.test', payload: { id: 'WO-1' } };
    const msg = await id(`/api/v1/app/${app}/msg`, { ...message, eventId: 'taken' });
    const expunged = await id(`/api/v1/app/${app}/msg`, message);
    await api.call('DELETE', `/api/v1/app/${app}/msg/${expunged}/content`);
    const other = await id('/api/v1/app', { name: 'other' });
    const throttled = await id('/api/v1/app', { name: 'throttled', throttleRate: 1 });
    const deleted = await id('/api/v1/app', { name: 'deleted' });
    await api.call('DELETE', `/api/v1/app/${deleted}`);
    const viewer = await key({ name: 'viewer', role: 'viewer' });
    const foreign = await key({ name: 'foreign', role: 'admin', application: other });
    return new ErrorScene(api, url, app, ep, msg, expunged, viewer, foreign, throttled, deleted);
  }

  get endpoint(): string {
    return `/api/v1/app/${this.app}/endpoint/${this.ep}`;
  }

  post(path: string, body: unknown): Promise<Answer<Problem>> {
    return this.api.post<Problem>(`/api/v1/app/${this.app}/${path}`, body);
  }

  get(path: string): Promise<Answer<Problem>> {
    return this.api.get<Problem>(`/api/v1/app/${this.app}/${path}`);
  }

  put(path: string, body: unknown): Promise<Answer<Problem>> {
    return this.api.call<Problem>('PUT', `/api/v1/app/${this.app}/${path}`, { body });
  }

  /** A message as these bytes. */
  raw(raw: string | Buffer, contentType = 'application/json'): Promise<Answer<Problem>> {
    return this.api.call<Problem>('POST', `/api/v1/app/${this.app}/msg`, { raw, contentType });
  }

  message(members: Record<string, unknown>): Promise<Answer<Problem>> {
    return this.post('msg', { eventType: 'error.test', payload: {}, ...members });
  }

  /** An endpoint that differs in these members from one that would be made. */
  endpointWith(members: Record<string, unknown>): Promise<Answer<Problem>> {
    return this.post('endpoint', { url: this.url, ...members });
  }

  /** The last of so many equal requests. */
  async last(times: number, send: () => Promise<Answer<Problem>>): Promise<Answer<Problem>> {
    for (let n = 1; n < times; n++) await send();
    return send();
  }
}

export const daysFromNow = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();

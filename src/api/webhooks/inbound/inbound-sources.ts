import { Injectable } from '@nestjs/common';
import type {
  InboundSourceIn,
  InboundSourceOut,
  InboundSourcePatch,
} from '../../../contracts/webhooks/inbound.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { notFound, ProblemError } from '../../../platform/errors.js';
import { SecretBox } from '../../../platform/secret-box.js';
import type { SigningKeyRow } from '../../../store/webhooks/endpoint.schema.js';
import { InboundRepository } from '../../../store/webhooks/inbound/inbound.repository.js';
import type { InboundSourceRow } from '../../../store/webhooks/inbound/inbound.schema.js';
import { ApplicationAccess } from '../application-access.js';
import { EndpointSecrets } from '../endpoint-secrets.js';
import { uidTaken } from '../uid-taken.js';

const OVERLAP_MS = 86_400_000;

/** Sources of webhooks that are sent to us, and the secrets they sign with. */
@Injectable()
export class InboundSources {
  constructor(
    private readonly rows: InboundRepository,
    private readonly access: ApplicationAccess,
    private readonly secrets: EndpointSecrets,
    private readonly box: SecretBox,
  ) {}

  async create(caller: Principal, input: InboundSourceIn): Promise<InboundSourceRow> {
    if (await this.rows.isFull()) throw new ProblemError('limit_reached', 'There are at most 1000 sources.');
    const now = new Date();
    const row: InboundSourceRow = {
      ...{ _id: input.name, description: input.description ?? '', keys: [this.#key(input.secret ?? null)] },
      ...{ app: await this.#application(caller, input.application), eventType: input.eventType ?? null },
      ...{ accepted: 0, repeated: 0, refused: 0, lastRefusal: null, createdAt: now, updatedAt: now },
    };
    return this.rows.insertSource(row).catch(uidTaken('a source', input.name));
  }

  list(): Promise<InboundSourceRow[]> {
    return this.rows.listSources();
  }

  async find(name: string): Promise<InboundSourceRow> {
    const row = await this.rows.findSource(name);
    if (row === null) throw notFound('source');
    return row;
  }

  async patch(caller: Principal, name: string, patch: InboundSourcePatch): Promise<InboundSourceRow> {
    const row = await this.find(name);
    const changed = await this.rows.changeSource(name, {
      ...(patch.description === undefined ? {} : { description: patch.description }),
      ...(patch.eventType === undefined ? {} : { eventType: patch.eventType }),
      ...(patch.application === undefined ? {} : { app: await this.#application(caller, patch.application) }),
      ...(patch.secret === undefined ? {} : { keys: [this.#key(patch.secret), ...overlapping(row.keys)] }),
    });
    if (changed === null) throw notFound('source');
    return changed;
  }

  async delete(name: string): Promise<void> {
    if (!(await this.rows.deleteSource(name))) throw notFound('source');
  }

  /** What its signatures are checked with now, newest first. */
  verifying(row: InboundSourceRow, now = new Date()): string[] {
    return row.keys
      .filter(({ until }) => until === null || until > now)
      .map(({ enc, type }) => (type === 'hmac' ? this.box.open(enc) : this.#publicKey(enc)));
  }

  #publicKey(enc: string): string {
    const text = this.box.open(enc);
    return text.startsWith('whpk_') ? text : this.secrets.publicKey(text);
  }

  #key(given: string | null): SigningKeyRow {
    if (given?.startsWith('whpk_') !== true) return this.secrets.newKey(given, ['secret']);
    return { enc: this.box.seal(given), type: 'ed25519', from: new Date(), until: null };
  }

  async #application(caller: Principal, reference: string | null | undefined): Promise<string | null> {
    return reference == null ? null : (await this.access.application(caller, reference))._id;
  }
}

function overlapping(keys: readonly SigningKeyRow[], now = new Date()): SigningKeyRow[] {
  const end = new Date(now.getTime() + OVERLAP_MS);
  return keys
    .map((key) => ({ ...key, until: key.until ?? end }))
    .filter(({ until }) => until > now)
    .slice(0, 10);
}

export const sourceView = (row: InboundSourceRow): InboundSourceOut => ({
  ...{ name: row._id, description: row.description, path: `/api/v1/inbound/${row._id}` },
  ...{ application: row.app, eventType: row.eventType },
  ...{ accepted: row.accepted, repeated: row.repeated, refused: row.refused },
  lastRefusal: row.lastRefusal === null ? null : { ...row.lastRefusal, at: row.lastRefusal.at.toISOString() },
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});

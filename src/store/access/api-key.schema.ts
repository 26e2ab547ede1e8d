import { Schema } from 'mongoose';

export type Role = 'viewer' | 'operator' | 'admin';

export interface ApiKeyRow {
  _id: string;
  /** The readable part of the token, by which the row is found. */
  prefix: string;
  /** HMAC-SHA-256 of the token under a key the server holds, base64url. */
  hash: string;
  name: string;
  role: Role;
  /** Narrows the role to these; null = all that the role allows. */
  scopes: string[] | null;
  /** The only application this key may touch; null = all. */
  app: string | null;
  /** Made for a customer by app-portal-access; such a token may end itself. */
  portal: boolean;
  /** The caller's own name for a customer's session; several tokens may share it. */
  session: string | null;
  /** It lets nobody in, and is exchanged once for a token that does; absent = an ordinary one. */
  once?: boolean;
  /** The only polling endpoint it reads; absent = it is not bound to one. */
  poller?: string | null;
  createdAt: Date;
  /** It works until then; null = for ever. */
  expiresAt: Date | null;
  revokedAt: Date | null;
}

export const apiKeySchema = new Schema<ApiKeyRow>(
  {
    _id: { type: String, required: true },
    prefix: { type: String, required: true },
    hash: { type: String, required: true },
    name: { type: String, required: true },
    role: { type: String, required: true },
    scopes: { type: [String], default: null },
    app: { type: String, default: null },
    portal: { type: Boolean, default: false },
    session: { type: String, default: null },
    once: { type: Boolean },
    poller: { type: String },
    createdAt: { type: Date, required: true },
    expiresAt: { type: Date, default: null },
    revokedAt: { type: Date, default: null },
  },
  { collection: 'api_keys', versionKey: false },
);
apiKeySchema.index({ prefix: 1 }, { unique: true });
apiKeySchema.index({ app: 1, _id: 1 });

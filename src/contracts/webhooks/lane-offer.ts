/**
 * An accepted message told with a hint, so that the owner of a lane can send it without reading it. The message is
 * durable before it is offered; its delivery rows need not be there yet.
 */
export interface OfferedMessage {
  id: string;
  app: string;
  /** The application's revision that the accept compared: its endpoints are current as of it. */
  appRev: number;
  type: string;
  channels: string[] | null;
  tags: string[] | null;
  /** W3C trace id, where the caller named one. */
  trace?: string;
  /** When it was accepted, milliseconds. */
  at: number;
  /** The payload in base64. */
  body: string;
  /** Its deliveries in this lane: delivery id, endpoint id, order. */
  targets: { d: string; e: string; f?: string }[];
}

/** Header with the HMAC-SHA-256 of the body in base64: only the API may have something sent. */
export const OFFER_SIGNATURE = 'holdfast-offer';
/** Purpose of the key under the master key (`deriveKey`). */
export const OFFER_KEY_PURPOSE = 'holdfast lane offers';
/** A larger body is not read; a hint without a body says that there is something to read. */
export const MAX_OFFER_BYTES = 1024 * 1024;

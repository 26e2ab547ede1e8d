import type { FifoPolicy } from '../../contracts/webhooks/endpoint-policy.js';

const MAX_KEY = 128;

/**
 * The key under which deliveries of an endpoint keep their order: '' for the whole endpoint, else the value that the
 * policy points to in the payload. Payloads without that member share one key.
 */
export function fifoKey({ by }: FifoPolicy, payload: unknown): string {
  if (by === 'endpoint') return '';
  const text = JSON.stringify(at(payload, by.key)) ?? 'absent';
  return text.length <= MAX_KEY ? text : `${text.slice(0, MAX_KEY - 24)} ${text.length} ${checksum(text)}`;
}

/** RFC 6901. */
function at(value: unknown, pointer: string): unknown {
  const steps = pointer.slice(1).split('/');
  return steps.reduce<unknown>((inner, step) => {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    return typeof inner === 'object' && inner !== null && Object.hasOwn(inner, name)
      ? (inner as Record<string, unknown>)[name]
      : undefined;
  }, value);
}

/** FNV-1a: two long values that meet in it only share an order. */
function checksum(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16);
}

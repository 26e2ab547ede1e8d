/** Every try failed for this long: the endpoint is disabled. */
export const DISABLE_AFTER_MS = 5 * 86_400_000;
